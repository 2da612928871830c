"""Decodes LaTeX a word at a time: the decoder is dear, and most words need none.

bibtexparser's decoder takes some ten microseconds a character. So a value is cut into pieces that mean alone
what they mean in the whole, those without LaTeX are left as they are, and each other one is decoded once,
however often it stands in a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

MOST_CHARACTERS = 20_000
"""A value is decoded so far; the longest real abstracts are a tenth of this."""

_SPECIAL = re.compile(r"[\\{}$~&#^_%]|``|''|--|[!?]`")
_WORD = re.compile(r"\S+|\s+")
_SPANS_WORDS = re.compile(r"\\(?:begin|end|verb)(?![A-Za-z])|\\[(\[]")
_BRACE_OR_MATH = re.compile(r"\\.|[{}$]", re.DOTALL)
_TAKES_WHAT_FOLLOWS = re.compile(r"\\(?:[A-Za-z]+\*?|['`^\"~=.])\s*$|\\$")


def decoded(values: Iterable[str]) -> Mapping[str, str]:
    """Return what these values say, by the value; a piece that the decoder cannot read stays as it is."""
    cut = {value: list(_pieces(value)) for value in values}
    plain = _by_piece(dict.fromkeys(piece for parts in cut.values() for piece in parts))
    return {value: "".join(plain.get(part, part) for part in parts) for value, parts in cut.items()}


def _pieces(value: str) -> Iterator[str]:
    """Yield words, runs of white space, and what braces, math or a command at its end hold together."""
    if not _SPECIAL.search(value):
        yield value
        return
    read, rest = value[:MOST_CHARACTERS], value[MOST_CHARACTERS:]
    held, depth, in_math = "", 0, False
    whole = _SPANS_WORDS.search(read) is not None
    for match in _WORD.finditer(read):
        word = match[0]
        for mark in _BRACE_OR_MATH.findall(word):
            depth += {"{": 1, "}": -1}.get(mark, 0)
            in_math ^= mark == "$"
        held += word
        if not (whole or depth > 0 or in_math or _TAKES_WHAT_FOLLOWS.search(held[-_MOST_OF_A_COMMAND:])):
            yield held
            held, depth = "", 0
    if held:
        yield held
    if rest:
        yield rest


_MOST_OF_A_COMMAND = 60
"""Characters at the end of a piece in which a command is looked for; none has so long a name."""


def _by_piece(pieces: Iterable[str]) -> Mapping[str, str]:
    from bibtexparser.library import Library
    from bibtexparser.middlewares import LatexDecodingMiddleware
    from bibtexparser.model import Entry, Field

    wanted = [piece for piece in pieces if len(piece) <= MOST_CHARACTERS and _SPECIAL.search(piece)]
    blocks = [Entry("misc", str(number), [Field("piece", piece)]) for number, piece in enumerate(wanted)]
    read = LatexDecodingMiddleware().transform(Library(list(blocks))).entries
    return {wanted[int(entry.key)]: str(entry["piece"]) for entry in read}
