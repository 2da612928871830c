"""The words and pairs of words that tell what papers are about, as a query for the full-text index.

What a word tells grows with its rarity, and with how often it stands there. FTS5 weighs no words of a query
but counts each as often as it is asked for: what tells three times as much is asked for three times.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import log

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.english import is_little
from broadsheet.fusion import Scores
from broadsheet.searching import Phrase
from broadsheet.store.words import papers_having, papers_with, scored

_OWN, _OWN_POSTINGS = 40, 10_000
"""How many terms of a paper are looked for in others, and how many (term, paper) pairs are scored at most:
what tells less is left out."""
_SHARED, _SHARED_POSTINGS = 20, 8_000
"""The same of several papers; these are only added up, which takes a third of the time."""
_FREQUENT = 1_500
"""In more papers a term says little of what one of them is like."""
_TITLE = 5
"""How often a word of a title counts beside one of the abstract."""
_AGAIN = 3
"""How often the term that tells most is asked for."""
_KEPT_COUNTS = 50_000
_CHANGE = 0.05
"""Counts of words are kept until the cache has grown or shrunk by this share: they only weigh words."""
_WORD = re.compile(r"[^\W_](?:[\w-]*[^\W_])?")


class Terms:
    """Finds papers by the terms of other papers."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._having: dict[str, int] = {}
        self._counted_among = 0

    def like(self, row: int, most: int) -> Scores:
        """Return the papers that have most of a paper's own terms, with their BM25; the paper is one of them.

        A pair of words is a term if it stands in the title or twice in the abstract; others are chance, and
        counting who has them costs most.
        """
        title, abstract = self._db.execute(
            "SELECT title, abstract FROM papers WHERE rowid = ?", [row]
        ).fetchone()
        times: Counter[str] = Counter()
        for text, weight in ((title, _TITLE), (abstract, 1)):
            for term in _terms(text):
                times[term] += weight
        own = {term: count for term, count in times.items() if count > 1 or " " not in term}
        weights = self._weighed(own, self._papers())
        best = max(weights.values(), default=1)
        again = {term: max(1, round(_AGAIN * weight / best)) for term, weight in weights.items()}
        asked = [
            Phrase(term).quoted
            for term in self._telling(weights, _OWN, _OWN_POSTINGS, again)
            for _ in range(again[term])
        ]
        return scored(self._db, " OR ".join(asked), most) if asked else {}

    def shared(self, rows: Sequence[int]) -> Scores:
        """Return the papers that have the words that titles and keywords of some papers tell most by.

        Args:
            rows: Papers, best first: the later count less.
        """
        said = self._db.execute(
            """SELECT p.rowid, p.title, a.keywords
                FROM papers p LEFT JOIN annotations a ON a.key = p.current_key
                WHERE p.rowid IN (SELECT value FROM json_each(?))""",
            [json.dumps(rows)],
        )
        told = {row: (title, keywords) for row, title, keywords in said}
        papers = self._papers()
        weights: defaultdict[str, float] = defaultdict(float)
        for place, row in enumerate(rows):
            title, keywords = told.get(row, ("", None))
            texts = [title, *json.loads(keywords or "[]")]
            times = Counter(term for text in texts for term in _terms(text))
            for term, weight in self._weighed(times, papers).items():
                weights[term] += weight / (1 + 0.3 * place)
        having: defaultdict[int, float] = defaultdict(float)
        for term in self._telling(weights, _SHARED, _SHARED_POSTINGS, {}):
            for row in papers_having(self._db, Phrase(term)):
                having[row] += weights[term]
        return having

    def _papers(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM papers").fetchone()[0])

    def _weighed(self, times: Mapping[str, int], papers: int) -> dict[str, float]:
        """Return what terms tell, by how often they stand there and how few papers have them."""
        weighed = {}
        for term, count in times.items():
            having = self._papers_with(term, papers)
            if 1 < having <= min(_FREQUENT, papers / 2):
                weighed[term] = (1 + log(count)) * log(papers / having)
        return weighed

    def _telling(
        self, weights: Mapping[str, float], terms: int, postings: int, again: Mapping[str, int]
    ) -> Iterator[str]:
        """Yield the terms that tell most, until so many of them or of (term, paper) pairs are scored."""
        for term in sorted(weights, key=lambda term: (-weights[term], term))[:terms]:
            postings -= again.get(term, 1) * self._having.get(term, _FREQUENT)
            if postings < 0:
                return
            yield term

    def _papers_with(self, term: str, papers: int) -> int:
        """Return how many papers have a term, which takes most of the time for words that many have."""
        if abs(papers - self._counted_among) > _CHANGE * papers or len(self._having) > _KEPT_COUNTS:
            self._having = {}
            self._counted_among = papers
        if term not in self._having:
            self._having[term] = papers_with(self._db, Phrase(term), _FREQUENT)
        return self._having[term]


def _terms(text: str) -> Iterator[str]:
    """Yield the words of a text that are not little, and those that follow each other, or one word apart."""
    words = [word.lower() for word in _WORD.findall(text)]
    telling = [place for place, word in enumerate(words) if not is_little(word)]
    for place in telling:
        yield words[place]
    for place, following in pairwise(telling):
        if following - place <= 2:
            yield " ".join(words[place : following + 1])
