"""Finds the papers that are most like a paper: by the words that are its own, and by what it is about."""

from __future__ import annotations

from collections.abc import Sequence

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.embedding import unit
from broadsheet.fusion import Scores, first, summed
from broadsheet.store.remembered import Remembered
from broadsheet.store.terms import Terms
from broadsheet.store.topics import topics
from broadsheet.store.vectors import Vectors

_MOST = 300
_BEST = 5
"""How many of the first show what kind of papers are meant."""
_ALIKE = 0.5
"""What having the same topics is worth beside the paper's own words; measured like the next."""
_FIRST = 100
"""Of so many of the first the topics are compared."""
_SHARED_WORDS = 0.7
"""What the words of these are worth beside the paper's own; measured by ``benchmarks/search.py``."""


class Likeness:
    """Questions about one paper and all others."""

    def __init__(self, db: Database, vectors: Vectors, terms: Terms, remembered: Remembered) -> None:
        self._db = db
        self._vectors = vectors
        self._terms = terms
        self._remembered = remembered

    def related(self, paper_id: str, limit: int) -> list[int]:
        """Return the row numbers of the papers that are most like a paper, most alike first.

        The paper's words, its vector and its topics are fused; then the words and the vectors of the best of
        that, too.
        """
        row = self._db.execute("SELECT rowid FROM papers WHERE id = ?", [paper_id]).fetchone()
        if row is None:
            return []
        its_own = int(row[0])
        others = self._vectors.index()
        if others is None and self._vectors.compares:
            return self._found(its_own, limit)  # vectors are still taken in, and then count
        asked = its_own, limit, others and (others.index.model, others.index.state)
        return self._remembered.related(self._db, asked, lambda: self._found(its_own, limit))

    def _found(self, its_own: int, limit: int) -> list[int]:
        words = self.by_words(its_own)
        near = self._near(its_own, words, ())
        found = summed((1, words), (1, near))
        alike = self._alike(its_own, first(found, _FIRST))
        best = first(summed((1, words), (1, near), (_ALIKE, alike)), _BEST)
        shared = self._terms.shared(best)
        total = summed(
            (1, words),
            (1, self._near(its_own, words, best)),
            (_ALIKE, alike),
            (_SHARED_WORDS, _without(its_own, shared)),
        )
        return first(total, limit)

    def _alike(self, row: int, others: Sequence[int]) -> Scores:
        """Return how many topics papers share with a paper, of all that either has."""
        tagged = topics(self._db, [row, *others])
        own = tagged.get(row, set())
        return {
            each: len(own & tagged[each]) / len(own | tagged[each])
            for each in others
            if own & tagged.get(each, set())
        }

    def by_words(self, row: int) -> Scores:
        """Return the papers that have most of a paper's own words and pairs of words, without the paper."""
        return _without(row, self._terms.like(row, _MOST, beside_vectors=self._vectors.index() is not None))

    def _near(self, row: int, words: Scores, best: list[int] | tuple[()]) -> Scores:
        """Return how near papers are to a paper, and to the mean of the best that were found for it."""
        index = self._vectors.index()
        if index is None:
            return {}
        about = index.mean([row])
        if best:
            about = unit(about + index.mean(best))
        level = index.level(about)
        found = {*words, *index.nearest(about, _MOST, level=level)}
        return _without(row, index.likeness(about, found, level))


def _without(row: int, found: Scores) -> Scores:
    return {each: score for each, score in found.items() if each != row}
