"""Search words as SQLite's full-text index reads them, in plain Python: tokens, stems and phrases.

The index is FTS5 with ``porter unicode61 remove_diacritics 2`` (https://www.sqlite.org/fts5.html, 4.3).
A token is a run of letters, digits and private-use characters, in lower case and without accents, cut to its
stem by Porter's algorithm.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

MOST_WORDS = 100
"""Beyond this SQLite's expressions would grow too deep."""
_LONGEST_STEMMED = 64
_SHORTEST_STEMMED = 3
"""FTS5 leaves tokens of fewer and of more bytes than these as they are."""


class Phrase(NamedTuple):
    """One word of a search; signs inside it, as in ``state-of-the-art``, make it several tokens in a row.

    Attributes:
        text: The word as it was typed.
        is_unfinished: Whether its last token may go on, as the last word of a search may.
    """

    text: str
    is_unfinished: bool = False

    @property
    def quoted(self) -> str:
        """Return it as an FTS5 query: raw words such as c++ or a lone quote would be syntax errors."""
        return '"' + self.text.replace('"', '""') + '"' + ("*" if self.is_unfinished else "")


def storable(text: str) -> str:
    """Replace lone surrogates, which a terminal makes of bytes that are no UTF-8 and SQLite refuses."""
    return text.encode(errors="replace").decode()


def phrases(search: str) -> Iterator[Phrase]:
    """Yield what a paper or its annotation must all have; the last word may be unfinished.

    A word of signs alone answers to nothing and is passed over, unless there is no other.
    """
    given = storable(search).replace("\0", " ").split()
    words = [word for word in given if any(map(str.isalnum, word))] or given[:1]
    *whole, last = words[:MOST_WORDS] or [""]
    yield from map(Phrase, dict.fromkeys(whole))
    if last:
        yield Phrase(last, is_unfinished=True)


def tokens(text: str) -> tuple[str, ...]:
    """Return the stems of a text in order, as the index has them."""
    return tuple(map(_stem, _words(text)))


def stands_among(phrase: Phrase, texts: Sequence[Sequence[str]]) -> bool:
    """Tell whether the tokens of a phrase stand in a row in one of these texts, given as `tokens`."""
    wanted = tokens(phrase.text)
    if not wanted:
        return False
    *whole, last = wanted
    return any(
        list(text[start : start + len(whole)]) == whole
        and (
            text[start + len(whole)].startswith(last)
            if phrase.is_unfinished
            else text[start + len(whole)] == last
        )
        for text in texts
        for start in range(len(text) - len(whole))
    )


def _words(text: str) -> Iterator[str]:
    word: list[str] = []
    for character in unicodedata.normalize("NFD", text.lower()):
        category = unicodedata.category(character)
        if category[0] in "LN" or category == "Co":
            word.append(character)
        elif category != "Mn" and word:
            yield "".join(word)
            word = []
    if word:
        yield "".join(word)


@cache
def _stem(word: str) -> str:
    if not _SHORTEST_STEMMED <= len(word.encode()) <= _LONGEST_STEMMED:
        return word
    return str(_porter().stemWord(word))


@cache
def _porter() -> Any:
    import snowballstemmer  # type: ignore[import-untyped]

    return snowballstemmer.stemmer("porter")
