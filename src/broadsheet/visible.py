"""Removes invisible characters from untrusted text before it is sent to a model or shown.

Invisible characters can carry instructions to a model, hide one URL inside another or reverse a line; control
characters can move a terminal's cursor, change its title or type into its input.
"""

from __future__ import annotations

import json
import unicodedata

# Cc control, Cf format (zero-width, bidirectional, soft hyphen, tags), Cs lone surrogates, Co private use,
# Cn unassigned: none of them is a letter. The ranges are fillers and variation selectors, which Unicode
# classes as letters and marks although they are invisible too.
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_INVISIBLE_RANGES = (
    (0x34F, 0x34F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xE0100, 0xE01EF),
)


class _VisibleCharacters(dict[int, int | None]):
    """A `str.translate` table that drops invisible characters, filled in as characters are encountered."""

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        invisible = (
            unicodedata.category(character) in _INVISIBLE_CATEGORIES and not character.isspace()
        ) or any(first <= code <= last for first, last in _INVISIBLE_RANGES)
        self[code] = translated = None if invisible else code
        return translated


_VISIBLE = _VisibleCharacters()


def visible(text: str) -> str:
    """Return the text on one line without its invisible characters.

    Each run of white space, line breaks included, becomes one space. Letters of every script are kept.
    """
    line = text.replace("\n", " ")
    if line.isascii() and line.isprintable():
        return " ".join(line.split()) if "  " in line else line.strip(" ")
    return " ".join(text.translate(_VISIBLE).split())


# Characters that change the order in which a line is shown: Unicode Standard Annex #9, table "Explicit
# Directional Formatting Characters".
_DIRECTIONS = frozenset({0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)})
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_LAYOUT = frozenset("\n\t")


class _PrintableCharacters(dict[int, int | str | None]):
    """A `str.translate` table of what no terminal may receive, filled in as characters are encountered."""

    def __missing__(self, code: int) -> int | str | None:
        self[code] = translated = self._translated(code)
        return translated

    @staticmethod
    def _translated(code: int) -> int | str | None:
        character = chr(code)
        category = unicodedata.category(character)
        if character in _LAYOUT:
            return code
        if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is not UTF-8: PEP 383
            return f"\\x{code - 0xDC00:02x}"
        if category in {"Cc", "Cs"} or code in _DIRECTIONS:
            return _REPLACEMENT
        if category in {"Zl", "Zp"}:
            return " "
        invisible = category == "Cf" or any(first <= code <= last for first, last in _INVISIBLE_RANGES)
        return None if invisible else code


_PRINTABLE = _PrintableCharacters()


def printable(text: str) -> str:
    r"""Return the text without anything that a terminal obeys or that changes the order of a line.

    Line breaks and tabs are kept. Control characters and those of Unicode's bidirectional algorithm become
    U+FFFD, a byte of a name that is not UTF-8 becomes ``\xNN``, other invisible characters are dropped.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return text.replace("\r\n", "\n").translate(_PRINTABLE)


class _JsonCharacters(dict[int, int | str]):
    """A `str.translate` table that escapes, as JSON does, what `printable` removes or replaces."""

    def __missing__(self, code: int) -> int | str:
        kept = _PRINTABLE[code] == code
        self[code] = translated = code if kept else json.dumps(chr(code)).strip('"')
        return translated


_JSON = _JsonCharacters()


def printable_json(text: str) -> str:
    """Return a JSON text in which each character that `printable` would change is escaped."""
    return text if text.isascii() and text.isprintable() else text.translate(_JSON)
