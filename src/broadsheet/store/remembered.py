"""`Remembered`: which papers have a term, and which are like one, for all threads that read a cache.

Related papers and searches ask for the same terms again and again, and to match a pair of words takes up to a
millisecond among 75,000 papers.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Hashable, Iterable, Sequence

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.searching import Phrase
from broadsheet.store.nearest import State, state_of
from broadsheet.store.vocabulary import Standing, standing
from broadsheet.store.words import papers_having, papers_with

FREQUENT = 1_500
"""In more papers a term says little of what one of them is like."""
_MOST_COUNTS = 50_000
_MOST_ROWS = 1_000_000
"""Of all terms together, 4 bytes each, and 4 for how often a token stands there."""
_MOST_RELATED = 20_000
"""Of so many papers the most similar ones are kept, ten row numbers each: 4 MB."""
_CHANGE = 0.05
"""Counts are kept until the cache has grown or shrunk by this share, since they only weigh terms. So are rows
while papers stay as they are and only annotations are added."""
_shared: dict[str, Remembered] = {}
_lock = threading.Lock()


class Remembered:
    """Rows and counts by term; what was remembered first leaves first when there is too much."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: State | None = None
        self._annotations = 0
        self._rows: dict[str, array[int]] = {}
        self._standing: dict[str, Standing] = {}
        self._held = 0
        self._counts: dict[str, int] = {}
        self._having: dict[tuple[str, int], int] = {}
        self._counted_among = 0
        self._related: dict[Hashable, list[int]] = {}

    @classmethod
    def of(cls, name: str) -> Remembered:
        """Return what all threads remember of the cache with this name; without a name, a new one."""
        if not name:
            return cls()
        with _lock:
            return _shared.setdefault(name, cls())

    def refresh(self, db: Database) -> State:
        """Forget what may have changed; return the state that `rows` and `count` are asked for."""
        state = state_of(db)
        annotations = int(db.execute("SELECT max(rowid) FROM annotations").fetchone()[0] or 0)
        with self._lock:
            if state != self._state or _differ(annotations, self._annotations):
                self._rows, self._standing, self._held, self._related = {}, {}, 0, {}
                self._state, self._annotations = state, annotations
            if (
                _differ(state.row, self._counted_among)
                or max(len(self._counts), len(self._having)) > _MOST_COUNTS
            ):
                self._counts, self._having, self._counted_among = {}, {}, state.row
        return state

    def learn(self, db: Database, terms: Iterable[str]) -> None:
        """Count the papers of words that are not known yet, many at once, since `count` will be asked."""
        unknown = [term for term in dict.fromkeys(terms) if term.isalnum() and term not in self._counts]
        counted = papers_with(db, [Phrase(term) for term in unknown], FREQUENT)
        self._counts.update(zip(unknown, counted, strict=True))

    def count(self, db: Database, state: State, term: str) -> int:
        """Return how many papers have a term; one more than `FREQUENT` stands for all beyond."""
        counted = self._counts.get(term)
        if counted is None:
            # To match a phrase takes longer than to tell what it found, which will be asked for next.
            if term.isalnum():
                (counted,) = papers_with(db, [Phrase(term)], FREQUENT)
            else:
                (rows,) = self.rows(db, state, [term])
                counted = len(rows)
            self._counts[term] = counted
        return counted

    def having(self, db: Database, phrase: Phrase, most: int) -> int:
        """Return how many papers have a phrase of a search; one more than so many stands for all beyond.

        That none has it is not remembered: the next paper may.
        """
        asked = phrase.quoted, most
        counted = self._having.get(asked) or next(papers_with(db, [phrase], most))
        if counted:
            self._having[asked] = counted
        return counted

    def rows(self, db: Database, state: State, terms: Sequence[str]) -> list[Sequence[int]]:
        """Return the row numbers of the papers that have each term, one more than `FREQUENT` at most."""
        all_known = self._rows if state == self._state else {}
        known = {term: rows for term in terms if (rows := all_known.get(term)) is not None}
        unknown = [term for term in dict.fromkeys(terms) if term not in known]
        found = papers_having(db, [Phrase(term) for term in unknown], FREQUENT + 1)
        for term, having in zip(unknown, found, strict=True):
            known[term] = array("i", having)
            self._remember(term, known[term], state)
        return [known[term] for term in terms]

    def _remember(self, term: str, found: array[int], state: State) -> None:
        with self._lock:
            if len(found) <= FREQUENT and state == self._state and term not in self._rows:
                self._rows[term] = found
                self._hold(len(found))

    def standing(self, db: Database, state: State, token: str) -> Standing:
        """Return in which papers a token stands, and how often; ask for none that is frequent."""
        known = self._standing.get(token)
        if known is not None and state == self._state:
            return known
        found = standing(db, token)
        with self._lock:
            if state == self._state and token not in self._standing:
                self._standing[token] = found
                self._hold(2 * len(found.rows))
        return found

    def _hold(self, numbers: int) -> None:
        """Count numbers that are kept, and let others go where these are too many."""
        self._held += numbers
        while self._held > _MOST_ROWS:
            if self._standing and len(self._standing) >= len(self._rows):
                self._held -= 2 * len(self._standing.pop(next(iter(self._standing))).rows)
            else:
                self._held -= len(self._rows.pop(next(iter(self._rows))))

    def related(self, db: Database, asked: Hashable, find: Callable[[], list[int]]) -> list[int]:
        """Return the rows of the papers that are most like one, found once while the cache stays as it is.

        Args:
            db: The cache.
            asked: Which paper, how many, and the state of the vectors that are compared.
            find: Finds them.
        """
        state = self.refresh(db)
        known = self._related.get(asked)
        if known is not None and state == self._state:
            return known
        found = find()
        with self._lock:
            if state == self._state:
                self._related[asked] = found
            while len(self._related) > _MOST_RELATED:
                self._related.pop(next(iter(self._related)))
        return found


def _differ(number: int, before: int) -> bool:
    return abs(number - before) > _CHANGE * before
