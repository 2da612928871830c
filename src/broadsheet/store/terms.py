"""The words and pairs of words that tell what papers are about, as a query for the full-text index.

What a word tells grows with its rarity, and with how often it stands there. FTS5 weighs no words of a query:
those that tell three times as much are scored apart, and their scores count three times.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from math import log
from typing import NamedTuple

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.english import is_little
from broadsheet.fusion import Scores
from broadsheet.searching import Phrase
from broadsheet.store.nearest import State
from broadsheet.store.postings import LEAST_IDF, SATURATION, added
from broadsheet.store.remembered import FREQUENT, Remembered
from broadsheet.store.vocabulary import Standing, Tokens, lengths
from broadsheet.store.words import scored_among

_OWN, _OWN_POSTINGS = 40, 10_000
"""How many terms of a paper are looked for in others, and how many (term, paper) pairs are scored at most:
what tells less is left out."""
_PAIRS, _PAIRS_BESIDE_VECTORS = 4, 1
"""How many pairs of words are looked for, of one paper and of several: to find who has one takes as long as
five words."""
_SHARED, _SHARED_BESIDE_VECTORS, _SHARED_POSTINGS = 20, 12, 8_000
"""The same of several papers; these are only added up, which takes a third of the time."""
_TITLE = 5
"""How often a word of a title counts beside one of the abstract."""
_AGAIN = 3
"""How often the term that tells most counts beside the one that tells least."""
_OF_TOKEN, _UNKNOWN = 0.7, 3.0
"""How often a phrase stands in a paper that has it, for each time that its rarest token does, and how often
that may be where all are frequent; the first was measured by ``benchmarks/search.py``."""
_WORD = re.compile(r"[^\W_](?:[\w-]*[^\W_])?")
_PART = re.compile(r"[^\W_]+")


class _Stands(NamedTuple):
    """Where a term stands.

    Attributes:
        rows: The papers that have it.
        parts: Where its token stands, or those tokens of a phrase that are not frequent.
        is_alone: Whether it is one token.
    """

    rows: Sequence[int]
    parts: tuple[Standing, ...]
    is_alone: bool

    def times(self, among: Container[int]) -> Iterator[tuple[int, float]]:
        """Yield those of some papers that have it, and how often.

        How often they have a phrase is guessed by its rarest token, which seldom stands elsewhere.
        """
        known = [
            {row: times for row, times in zip(*part, strict=True) if row in among} for part in self.parts
        ]
        if self.is_alone:
            yield from known[0].items()
            return
        for row in self.rows:
            if row in among:
                least = min((each.get(row, 1) for each in known), default=_UNKNOWN)
                yield row, max(1, _OF_TOKEN * least)


class Terms:
    """Finds papers by the terms of other papers."""

    def __init__(self, db: Database, remembered: Remembered) -> None:
        self._db = db
        self._remembered = remembered
        self._tokens = Tokens()

    def having(self, phrase: Phrase, most: int) -> int:
        """Return how many papers have a phrase, about; one more than so many stands for all beyond."""
        self._remembered.refresh(self._db)
        return self._remembered.having(self._db, phrase, most)

    def like(self, row: int, most: int, *, beside_vectors: bool = False) -> Scores:
        """Return the papers that have most of a paper's own terms, itself among them, with their BM25.

        Args:
            row: The paper.
            most: At most so many.
            beside_vectors: How often phrases stand in a paper may be guessed by their tokens, which takes a
                third of the time and ranks as well where vectors do too.
        """
        state = self._remembered.refresh(self._db)
        weights = self._weighed(self._own(row), state, _PAIRS)
        best = max(weights.values(), default=1)
        again = {term: max(1, round(_AGAIN * weight / best)) for term, weight in weights.items()}
        telling = list(self._telling(weights, _OWN, _OWN_POSTINGS, again, state))
        stands = {term: self._standing(term, state) for term in telling}
        among = list(added(((stands[term].rows, weights[term]) for term in telling), most))
        exactly = [] if beside_vectors else [term for term in telling if not stands[term].is_alone]
        total = self._scored(among, {term: stands[term] for term in telling if term not in exactly}, again)
        for times in sorted({again[term] for term in exactly}):
            asked = [Phrase(term).quoted for term in exactly if again[term] == times]
            for found, score in scored_among(self._db, " OR ".join(asked), among):
                total[found] += times * score
        ordered = sorted(((score, found) for found, score in total.items()), reverse=True)
        return {found: score for score, found in ordered}

    def _standing(self, term: str, state: State) -> _Stands:
        if term.isalnum() and (token := self._token(term)):
            found = self._remembered.standing(self._db, state, token)
            return _Stands(found.rows, (found,), is_alone=True)
        rarer = [
            self._remembered.standing(self._db, state, token)
            for part in _PART.findall(term)
            if self._remembered.count(self._db, state, part) <= FREQUENT and (token := self._token(part))
        ]
        (rows,) = self._remembered.rows(self._db, state, [term])
        return _Stands(rows, tuple(rarer), is_alone=False)

    def _token(self, word: str) -> str:
        """Return the one token that a word is, or nothing."""
        (tokens,) = self._tokens.of([word])
        return tokens[0] if len(tokens) == 1 else ""

    def _scored(
        self, among: Sequence[int], stands: Mapping[str, _Stands], again: Mapping[str, int]
    ) -> defaultdict[int, float]:
        """Return the BM25 of some papers for terms that each count so many times."""
        total: defaultdict[int, float] = defaultdict(float)
        if not among:
            return total
        papers, norms = lengths(self._db, among)
        for term, those in stands.items():
            having = len(those.rows)
            worth = again[term] * max(LEAST_IDF, log((papers - having + 0.5) / (having + 0.5)))
            for row, times in those.times(norms):
                total[row] += worth * times * (SATURATION + 1) / (times + norms[row])
        return total

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

    def shared(self, rows: Sequence[int], *, beside_vectors: bool = False) -> Scores:
        """Return the papers that have the words that titles and keywords of some papers tell most by.

        Args:
            rows: Papers, best first: the later count less.
            beside_vectors: Fewer pairs of words are enough where vectors rank too.
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
        pairs, terms = (
            (_PAIRS_BESIDE_VECTORS, _SHARED_BESIDE_VECTORS) if beside_vectors else (_PAIRS, _SHARED)
        )
        weights = self._weighed(said, state, pairs)
        telling = list(self._telling(weights, terms, _SHARED_POSTINGS, {}, state))
        having = self._remembered.rows(self._db, state, telling)
        return added((each, weights[term]) for term, each in zip(telling, having, strict=True))

    def _weighed(self, said: Mapping[str, float], state: State, most_pairs: int) -> dict[str, float]:
        """Return what terms tell, by how much they are said and how few papers have them.

        Of pairs of words only those that are said most are looked at, and one more than are looked for, since
        some stand in no other paper.
        """
        words = {term: much for term, much in said.items() if " " not in term}
        self._remembered.learn(self._db, words)
        pairs = Counter({term: much for term, much in said.items() if term not in words})
        weighed = {term: tells for term, much in words.items() if (tells := self._tells(term, much, state))}
        found = ((term, self._tells(term, much, state)) for term, much in pairs.most_common(most_pairs + 1))
        return weighed | dict(islice(((term, tells) for term, tells in found if tells), most_pairs))

    def _tells(self, term: str, much: float, state: State) -> float:
        """Return what a term tells; nothing where one paper alone has it, or too many."""
        having = self._remembered.count(self._db, state, term)
        return much * log(state.row / having) if 1 < having <= min(FREQUENT, state.row / 2) else 0

    def _telling(
        self,
        weights: Mapping[str, float],
        terms: int,
        postings: int,
        again: Mapping[str, int],
        state: State,
    ) -> Iterator[str]:
        """Yield the terms that tell most, until so many of them or of (term, paper) pairs are scored."""
        for term in sorted(weights, key=lambda term: (-weights[term], term))[:terms]:
            postings -= again.get(term, 1) * self._remembered.count(self._db, state, term)
            if postings < 0:
                return
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
