"""Removes invisible characters from untrusted text before it is sent to a model or shown.

Invisible characters can carry instructions to a model, hide one URL inside another or reverse a line.
"""

from __future__ import annotations

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
