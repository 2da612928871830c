"""`Batches`: the texts to embed, as many at a time as the server turns out to take."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from broadsheet import tokens
from broadsheet.fencing import MAX_ABSTRACT_CHARACTERS, MAX_TITLE_CHARACTERS, FencedPaper
from broadsheet.paper import Paper
from broadsheet.store import Store

FIRST_TEXTS, MOST_TEXTS = 8, 64
"""Texts of the first request, and of any: some servers take no more than ten."""
MOST_TOKENS = 16_000
"""Tokens of a request, over-estimated; the smallest bound that is documented anywhere."""
SHORTEST_CHARACTERS = 500
"""A text that is too long even so is given up."""
_READ = 256


@dataclass
class _Halved:
    """A batch that was refused: if both halves are answered, its size was the reason."""

    size: int
    left: int = 2
    is_about_size: bool = True


@dataclass(frozen=True)
class Batch:
    """Some papers whose texts are asked for together.

    Attributes:
        papers: The papers.
        characters: Where an abstract is cut.
        halved: The batch that they are a half of.
    """

    papers: tuple[Paper, ...]
    characters: int = MAX_ABSTRACT_CHARACTERS
    halved: _Halved | None = None

    @property
    def sent(self) -> dict[str, FencedPaper]:
        """Return the texts by the number of their paper."""
        return {str(place): _text(each, self.characters) for place, each in enumerate(self.papers)}


class Batches:
    """Gives the next batch, and learns from what became of it.

    The first are small. Each answer doubles the size, until one is refused that is answered in halves.

    Args:
        store: The cache.
        rows: The row numbers of papers.
    """

    def __init__(self, store: Store, rows: Sequence[int]) -> None:
        self._papers = _read(store, rows)
        self._read: deque[Paper] = deque()
        self._again: deque[Batch] = deque()
        self._size, self._ceiling = FIRST_TEXTS, MOST_TEXTS

    @property
    def is_growing(self) -> bool:
        """Tell whether the size is still to be found out, so that one is asked after the other."""
        return self._size < self._ceiling

    def next(self) -> Batch | None:
        """Return the next batch, what is asked again first; None if nothing is left."""
        if self._again:
            return self._again.popleft()
        chosen: list[Paper] = []
        room = MOST_TOKENS
        while len(chosen) < self._size and (paper := self._first()) is not None:
            sent = _text(paper, MAX_ABSTRACT_CHARACTERS)
            room -= tokens.estimate(sent.title) + tokens.estimate(sent.text) + 1
            if chosen and room < 0:
                break
            chosen.append(self._read.popleft())
        return Batch(tuple(chosen)) if chosen else None

    def put_back(self, batch: Batch) -> None:
        """Take back a batch that was not sent."""
        self._again.appendleft(batch)

    def answered(self, batch: Batch) -> None:
        """Note that a batch was answered."""
        if batch.halved:
            batch.halved.left -= 1
            if batch.halved.is_about_size and not batch.halved.left:
                self._ceiling = min(self._ceiling, (batch.halved.size + 1) // 2)
        self._size = min(self._ceiling, 2 * self._size)

    def refused(self, batch: Batch, *, too_long: bool) -> bool:
        """Ask again in halves, or with a shorter text; returns whether that is possible."""
        if batch.halved:
            batch.halved.is_about_size = False
        if len(batch.papers) > 1:
            middle = (len(batch.papers) + 1) // 2
            whole = _Halved(len(batch.papers))
            for half in (batch.papers[:middle], batch.papers[middle:]):
                self._again.append(Batch(half, batch.characters, whole))
            return True
        longest = min(batch.characters, len(batch.papers[0].abstract))
        if too_long and longest > SHORTEST_CHARACTERS:
            self._again.append(Batch(batch.papers, longest // 2))
            return True
        return False

    def _first(self) -> Paper | None:
        if not self._read:
            self._read.extend(next(self._papers, ()))
        return self._read[0] if self._read else None


def _read(store: Store, rows: Sequence[int]) -> Iterator[Sequence[Paper]]:
    """Yield papers, some hundred at a time; those that were removed meanwhile are left out."""
    for start in range(0, len(rows), _READ):
        if found := store.embeddings.papers(rows[start : start + _READ]):
            yield found


def _text(paper: Paper, characters: int) -> FencedPaper:
    return FencedPaper(paper, paper.title[:MAX_TITLE_CHARACTERS], paper.abstract[:characters])
