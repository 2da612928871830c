"""Ranks papers by how well they answer a search: one order for list, page, feed and API.

Words are ranked by BM25. With the extra ``search``, how near a paper's vector is to the search counts as
well. Of what is found, papers with a tag that the search speaks of come earlier. The best of that are taken
for what was meant, and what is found comes the earlier the more it has of their words (pseudo-relevance
feedback).
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.filters import Filter
from broadsheet.fusion import Scores, first, fused, summed
from broadsheet.searching import Phrase, Search, parsed
from broadsheet.store.conditions import condition
from broadsheet.store.fields import Fields
from broadsheet.store.postings import can_count, counted, numbers, share_of_all
from broadsheet.store.terms import Terms
from broadsheet.store.topics import topics
from broadsheet.store.vectors import Vectors
from broadsheet.store.words import scored
from broadsheet.store.written import Written, written

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_FOUND = 1_000
"""How many papers a search finds at most: with any word enough, those further down say little of it."""
_MOST_POSTINGS = 25_000
"""How many (word, paper) pairs are scored. Words are taken from the rarest on, and beyond this the frequent
ones are left out: they cost most and tell least. 25,000 take about 20 ms."""
_NEAREST = 100
"""How many papers are found by their vectors at most."""
_MEANT, _MEANT_BESIDE_VECTORS = 5, 3
"""How many of the best are taken for what was meant."""
_ABOUT, _THEIR_WORDS = 1.2, 1.0
"""What being near to the search, and having the words of the best, are worth beside having its words;
measured by ``benchmarks/search.py``, where 1.0 to 2.0 do nearly as well."""
_FEW_WORDS = 0.75
"""The words of a search count the less the fewer of them the best paper has, by that share to this power: who
describes a thing in other words than the papers do shares only chance words with them. Measured likewise."""
_ON_TOPIC = 0.6
"""The same of the tags that the search speaks of."""
_PROBABLE = 0.5
"""How probable it must be that a search is about a topic."""
_FIRST, _FIRST_BESIDE_VECTORS = 100, 30
"""Of so many of the first the tags are looked at; beside vectors fewer rank as well."""
_REMEMBERED = 16


class Ranking:
    """Answers searches; the last few are remembered while nothing is written.

    What was answered without an endpoint that failed is not.

    Attributes:
        topics_of: Tells how probable it is that a search is about each topic; by default about none.
    """

    def __init__(self, db: Database, fields: Fields, vectors: Vectors, terms: Terms) -> None:
        self._db = db
        self._fields = fields
        self._vectors = vectors
        self._terms = terms
        self.topics_of: Callable[[str], Mapping[str, float]] = lambda _: {}
        self._answers: OrderedDict[tuple[str, Written], list[int]] = OrderedDict()

    def condition(self, where: Filter) -> tuple[str, list[Any]]:
        """Return the WHERE clause of a filter, or nothing for an empty one, with its values.

        A search lets through what it finds in the whole cache, so that other conditions only narrow that.

        Raises:
            UserError: No field has a name that the filter gives.
        """
        found = self.found(where.search)
        clause, values = condition(where.model_copy(update={"search": ""}), self._fields.model)
        if found is None:
            return clause, values
        among = "papers.rowid IN (SELECT value FROM json_each(?))"
        return f"{clause} AND {among}" if clause else f"WHERE {among}", [*values, json.dumps(found)]

    def found(self, search: str) -> list[int] | None:
        """Return the row numbers of the papers that answer a search, best first, `MOST_FOUND` at most.

        None means that nothing is looked for. Signs alone are found nowhere.
        """
        if not search.strip():
            return None
        asked = search, written(self._db)
        if asked in self._answers:
            return self._answers[asked]
        found = self._ranked(parsed(search))
        if not self._vectors.does_without:
            self._answers[asked] = found
            while len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
        return found

    def _ranked(self, search: Search) -> list[int]:
        if not (search.words or search.required):
            return self._latest(search) if search.excluded else []
        asked = self._asked(search)
        words = self._scored(search, asked)
        about = self._about(search, words) if words else {}
        worth = share_of_all(self._db, asked, words) ** _FEW_WORDS if about else 1
        found = summed((worth, words), (_ABOUT, about))
        on_topic = self._on_topic(search.text, first(found, _FIRST_BESIDE_VECTORS if about else _FIRST))
        moved = {row: found[row] + _ON_TOPIC * share for row, share in on_topic.items()}
        best = first(found | moved, _MEANT_BESIDE_VECTORS if about else _MEANT)
        shared = self._terms.shared(best, beside_vectors=bool(about)) if len(words) > 1 else {}
        among = {row: shared[row] for row in {*words, *about} if row in shared}
        rankings = (worth, words), (_ABOUT, about), (_ON_TOPIC, on_topic), (_THEIR_WORDS, among)
        return fused(*rankings)[:MOST_FOUND]

    def _on_topic(self, text: str, rows: Sequence[int]) -> Scores:
        """Return which of some papers have tags that a search speaks of: the sum of their probabilities.

        It is a share of the largest such sum.
        """
        probable = {tag: each for tag, each in self.topics_of(text).items() if each >= _PROBABLE}
        if not probable or not rows:
            return {}
        sums = {
            row: sum(probable.get(tag, 0) for tag in tags) for row, tags in topics(self._db, rows).items()
        }
        most = max(sums.values(), default=0)
        return {row: each / most for row, each in sums.items() if each}

    def by_words(self, search: Search) -> Scores:
        """Return what has words of a search and all that must stand, with its BM25."""
        return self._scored(search, self._asked(search))

    def _asked(self, search: Search) -> list[tuple[Phrase, int]]:
        """Return the phrases that are scored, each with the number of papers that have it."""
        counts = [(phrase, self._terms.having(phrase, _MOST_POSTINGS)) for phrase in search.required]
        return [*counts, *self._telling(search.telling)]

    def _scored(self, search: Search, asked: Sequence[tuple[Phrase, int]]) -> Scores:
        conditions, values = _must_and_must_not(search)
        if can_count():
            return counted(self._db, asked, MOST_FOUND, conditions, values)
        any_of_them = " OR ".join(phrase.quoted for phrase, _ in asked)
        return scored(self._db, any_of_them, MOST_FOUND, conditions, values)

    def _about(self, search: Search, words: Scores) -> Scores:
        """Return how near what was found by its words, and what is nearest at all, is to a search."""
        compared = self._vectors.compared(search.text)
        if compared is None:
            return {}
        papers, asked = compared
        among = self._among(search) if search.required or search.excluded else None
        level = papers.level(asked)
        return papers.likeness(asked, {*words, *papers.nearest(asked, _NEAREST, among, level)}, level)

    def _among(self, search: Search) -> NDArray[Any]:
        conditions, values = _must_and_must_not(search)
        rows = self._db.execute(f"SELECT group_concat(rowid) FROM papers WHERE 1 {conditions}", values)  # noqa: S608
        return numbers(rows.fetchone()[0])

    def _latest(self, search: Search) -> list[int]:
        conditions, values = _must_and_must_not(search)
        rows = self._db.execute(
            f"""SELECT rowid FROM papers WHERE 1 {conditions}
                ORDER BY first_seen DESC, rowid LIMIT {MOST_FOUND}""",  # noqa: S608 - ours
            values,
        )
        return [row[0] for row in rows]

    def _telling(self, telling: Sequence[Phrase]) -> list[tuple[Phrase, int]]:
        """Return the words that are worth scoring, not the most frequent of many, with their papers."""
        counted = sorted(
            (self._terms.having(word, _MOST_POSTINGS), place) for place, word in enumerate(telling)
        )
        chosen: list[tuple[Phrase, int]] = []
        postings = 0
        for papers, place in counted:
            if chosen and postings + papers > _MOST_POSTINGS:
                break
            postings += papers
            if papers:
                chosen.append((telling[place], papers))
        return chosen or [(word, 0) for word in telling[:1]]


def _must_and_must_not(search: Search) -> tuple[str, list[str]]:
    """Return the clauses of what must stand and must not, each beginning with AND, with their values."""
    among = "(SELECT rowid FROM papers_fts WHERE papers_fts MATCH ?)"
    clauses = [f" AND rowid IN {among}"] * len(search.required) + [f" AND rowid NOT IN {among}"] * len(
        search.excluded
    )
    return "".join(clauses), [f"- tags : ({each.quoted})" for each in (*search.required, *search.excluded)]
