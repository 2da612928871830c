"""The words and pairs of words that tell what papers are about, as a query for the full-text index.

What a word tells grows with its rarity, and with how often it stands there. FTS5 weighs no words of a query:
those that tell three times as much are scored apart, and their scores count three times.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from heapq import nlargest
from itertools import pairwise
from math import log

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.english import is_little
from broadsheet.fusion import Scores
from broadsheet.searching import Phrase
from broadsheet.store.nearest import State
from broadsheet.store.remembered import FREQUENT, Remembered
from broadsheet.store.words import scored_among

_OWN, _OWN_POSTINGS = 40, 10_000
"""How many terms of a paper are looked for in others, and how many (term, paper) pairs are scored at most:
what tells less is left out."""
_MOST_PAIRS, _PAIRS = 10, 4
"""How many pairs of words are looked at, and how many are looked for: to find who has one takes as long as
five words."""
_SHARED, _SHARED_POSTINGS = 20, 8_000
"""The same of several papers; these are only added up, which takes a third of the time."""
_EXACTLY = 2
"""Of how many times as many papers as are found the score is computed: those that have most of the terms."""
_TITLE = 5
"""How often a word of a title counts beside one of the abstract."""
_AGAIN = 3
"""How often the term that tells most counts beside the one that tells least."""
_WORD = re.compile(r"[^\W_](?:[\w-]*[^\W_])?")


class Terms:
    """Finds papers by the terms of other papers."""

    def __init__(self, db: Database, remembered: Remembered) -> None:
        self._db = db
        self._remembered = remembered

    def like(self, row: int, most: int) -> Scores:
        """Return the papers that have most of a paper's own terms, itself among them, with their BM25."""
        state = self._remembered.refresh(self._db)
        weights = self._weighed(self._own(row), state)
        best = max(weights.values(), default=1)
        again = {term: max(1, round(_AGAIN * weight / best)) for term, weight in weights.items()}
        telling = list(self._telling(weights, _OWN, _OWN_POSTINGS, again, state))
        have: defaultdict[int, float] = defaultdict(float)
        for term in telling:
            for found in self._remembered.rows(self._db, state, term):
                have[found] += weights[term]
        among = nlargest(_EXACTLY * most, have, key=lambda found: have[found])
        total: defaultdict[int, float] = defaultdict(float)
        for times in sorted({again[term] for term in telling}):
            asked = [Phrase(term).quoted for term in telling if again[term] == times]
            for found, score in scored_among(self._db, " OR ".join(asked), among):
                total[found] += times * score
        ordered = sorted(((score, found) for found, score in total.items()), reverse=True)
        return {found: score for score, found in ordered[:most]}

    def _own(self, row: int) -> dict[str, float]:
        """Return the terms of a paper, and how much it says each.

        A pair of words is a term if it stands in the title or twice in the abstract; others are chance.
        """
        title, abstract = self._db.execute(
            "SELECT title, abstract FROM papers WHERE rowid = ?", [row]
        ).fetchone()
        times: Counter[str] = Counter()
        for text, weight in ((title, _TITLE), (abstract, 1)):
            for term in _terms(text):
                times[term] += weight
        return {term: 1 + log(count) for term, count in times.items() if count > 1 or " " not in term}

    def shared(self, rows: Sequence[int]) -> Scores:
        """Return the papers that have the words that titles and keywords of some papers tell most by.

        Args:
            rows: Papers, best first: the later count less.
        """
        found = self._db.execute(
            """SELECT p.rowid, p.title, a.keywords
                FROM papers p LEFT JOIN annotations a ON a.key = p.current_key
                WHERE p.rowid IN (SELECT value FROM json_each(?))""",
            [json.dumps(rows)],
        )
        told = {row: (title, keywords) for row, title, keywords in found}
        said: defaultdict[str, float] = defaultdict(float)
        for place, row in enumerate(rows):
            title, keywords = told.get(row, ("", None))
            texts = [title, *json.loads(keywords or "[]")]
            for term, count in Counter(term for text in texts for term in _terms(text)).items():
                said[term] += (1 + log(count)) / (1 + 0.3 * place)
        state = self._remembered.refresh(self._db)
        weights = self._weighed(said, state)
        having: defaultdict[int, float] = defaultdict(float)
        for term in self._telling(weights, _SHARED, _SHARED_POSTINGS, {}, state):
            for row in self._remembered.rows(self._db, state, term):
                having[row] += weights[term]
        return having

    def _weighed(self, said: Mapping[str, float], state: State) -> dict[str, float]:
        """Return what terms tell, by how much they are said and how few papers have them.

        Of pairs of words only those that are said most are looked at.
        """
        words = {term: much for term, much in said.items() if " " not in term}
        pairs = Counter({term: much for term, much in said.items() if term not in words})
        weighed = {}
        for term, much in (*words.items(), *pairs.most_common(_MOST_PAIRS)):
            having = self._remembered.count(self._db, state, term)
            if 1 < having <= min(FREQUENT, state.row / 2):
                weighed[term] = much * log(state.row / having)
        return weighed

    def _telling(
        self,
        weights: Mapping[str, float],
        terms: int,
        postings: int,
        again: Mapping[str, int],
        state: State,
    ) -> Iterator[str]:
        """Yield the terms that tell most, until so many of them or of (term, paper) pairs are scored."""
        pairs = 0
        for term in sorted(weights, key=lambda term: (-weights[term], term))[:terms]:
            postings -= again.get(term, 1) * self._remembered.count(self._db, state, term)
            if postings < 0:
                return
            pairs += " " in term
            if " " not in term or pairs <= _PAIRS:
                yield term


def _terms(text: str) -> Iterator[str]:
    """Yield the words of a text that are not little, and those that follow each other, or one word apart."""
    words = [word.lower() for word in _WORD.findall(text)]
    telling = [place for place, word in enumerate(words) if not is_little(word)]
    for place in telling:
        yield words[place]
    for place, following in pairwise(telling):
        if following - place <= 2:
            yield " ".join(words[place : following + 1])
