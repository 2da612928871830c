"""Finds the papers that are most like a paper: by the words that are its own, and by what it is about."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from math import log

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.embedding import unit
from broadsheet.english import is_little
from broadsheet.fusion import fused
from broadsheet.searching import Phrase
from broadsheet.store.vectors import Vectors
from broadsheet.store.words import papers_with, scored

_MOST = 300
_TERMS = 30
"""How many of its words and pairs of words are looked for in others."""
_FREQUENT = 1_500
"""In more papers a word says little of what one of them is like."""
_TITLE = 3
"""How often a word of the title counts."""
_MEANT = 5
_KEPT_COUNTS = 50_000
_CHANGE = 0.05
"""Counts of words are kept until the cache has grown or shrunk by this share: they only weigh words."""
_WORD = re.compile(r"[^\W_](?:[\w-]*[^\W_])?")


class Likeness:
    """Questions about one paper and all others."""

    def __init__(self, db: Database, vectors: Vectors) -> None:
        self._db = db
        self._vectors = vectors
        self._having: dict[str, int] = {}
        self._counted_among = 0

    def related(self, paper_id: str, limit: int) -> list[int]:
        """Return the row numbers of the papers that are most like a paper, most alike first.

        Words and vectors are fused; then what is near to the best of that as well.
        """
        row = self._db.execute("SELECT rowid FROM papers WHERE id = ?", [paper_id]).fetchone()
        if row is None:
            return []
        its_own = int(row[0])
        by_words = self.by_words(its_own)
        index = self._vectors.index()
        if index is None:
            return by_words[:limit]
        about = index.mean([its_own])
        first = fused(by_words, index.nearest(about, _MOST))
        kind = index.mean([each for each in first if each != its_own][:_MEANT])
        near = index.nearest(unit(about + kind / 2), _MOST)
        found = fused(by_words, [each for each in near if each != its_own])
        return found[:limit]

    def by_words(self, row: int) -> list[int]:
        """Return the papers that have most of a paper's own words and pairs of words, without the paper."""
        terms = [Phrase(term).quoted for term in self._own_terms(row)]
        found = scored(self._db, " OR ".join(terms), _MOST) if terms else []
        return [each for each in found if each != row]

    def _own_terms(self, row: int) -> list[str]:
        """Return the terms that tell a paper from others, by their number in it and their rarity.

        A pair of words is a term if it stands in the title or twice in the abstract; others are chance, and
        counting who has them costs most.
        """
        title, abstract = self._db.execute(
            "SELECT title, abstract FROM papers WHERE rowid = ?", [row]
        ).fetchone()
        times: Counter[str] = Counter()
        for text, weight in ((title, _TITLE), (abstract, 1)):
            words = [word.lower() for word in _WORD.findall(text)]
            times.update({word: words.count(word) * weight for word in set(words) if not is_little(word)})
            pairs = Counter(pair for pair in pairwise(words) if not any(map(is_little, pair)))
            often = {" ".join(pair): count * weight for pair, count in pairs.items()}
            times.update({pair: count for pair, count in often.items() if count > 1})
        papers = int(self._db.execute("SELECT count(*) FROM papers").fetchone()[0])
        weighed = []
        for term, count in times.items():
            having = self._papers_with(term, papers)
            if 1 < having <= _FREQUENT:
                weighed.append(((1 + log(count)) * log(papers / having), term))
        return [term for _, term in sorted(weighed, reverse=True)[:_TERMS]]

    def _papers_with(self, term: str, papers: int) -> int:
        """Return how many papers have a term, which takes most of the time for words that many have."""
        if abs(papers - self._counted_among) > _CHANGE * papers or len(self._having) > _KEPT_COUNTS:
            self._having.clear()
            self._counted_among = papers
        if term not in self._having:
            self._having[term] = papers_with(self._db, Phrase(term), _FREQUENT)
        return self._having[term]
