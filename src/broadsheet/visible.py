"""What is left of a stranger's words when nothing in them is unseen; used before words are sent or shown.

Characters that leave no ink can carry orders to a model, hide an address in another or reverse a line.
"""

from __future__ import annotations

import unicodedata

# Cc control, Cf format (zero-width, bidirectional, soft hyphen, tags), Cs lone surrogates, Co private use,
# Cn unassigned: none of them is a letter. The ranges are fillers and variation selectors, which Unicode
# counts among letters and marks though they leave no ink either.
_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_INKLESS = (
    (0x34F, 0x34F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xE0100, 0xE01EF),
)


class _Seen(dict[int, int | None]):
    """What each character is translated to; filled in as characters are met."""

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        unseen = unicodedata.category(character) in _CATEGORIES and not character.isspace()
        inkless = any(first <= code <= last for first, last in _INKLESS)
        self[code] = kept = None if unseen or inkless else code
        return kept


_SEEN = _Seen()


def visible(text: str) -> str:
    """The text on one line, without the characters that a reader cannot see.

    Runs of white space, line breaks included, become one space. Letters of every script stay.
    """
    line = text.replace("\n", " ")
    if line.isascii() and line.isprintable():
        return " ".join(line.split()) if "  " in line else line.strip(" ")
    return " ".join(text.translate(_SEEN).split())
