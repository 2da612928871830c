"""The words of a search, as queries that SQLite's full-text index (FTS5) takes, whatever was typed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

MOST_WORDS = 100
"""Beyond this SQLite's expressions would grow too deep."""


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
