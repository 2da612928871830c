"""Plain text: what is left of a stranger's words when nothing invisible is in them."""

from __future__ import annotations

import unicodedata

# Cc control, Cf format (zero-width, bidirectional, soft hyphen, tags), Cs lone surrogates, Co private use,
# Cn unassigned: none of them is a letter, and each can hide, reorder or break what stands around it.
_NO_TEXT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def plain(text: str) -> str:
    """The text on one line, without control, zero-width and bidirectional characters.

    Runs of white space, line breaks included, become one space. Letters of every script stay.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    spaced = "".join(" " if character.isspace() else character for character in text)
    return " ".join("".join(c for c in spaced if unicodedata.category(c) not in _NO_TEXT).split())
