"""Where the tokens of the full-text index stand, read from its vocabulary: what BM25 is computed from.

FTS5's own ``bm25`` matches each phrase of a query twice and counts all its places for each paper again. Its
vocabulary (https://www.sqlite.org/fts5.html, 4.9.1) tells the same of a lone token in a fifth of the time,
and what it told can be kept.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.store.postings import SATURATION, can_count
from broadsheet.store.words import TOKENIZER

_LENGTH = 0.75
"""BM25's b, as in FTS5."""
_WEIGHT = """CASE col WHEN 'abstract' THEN 2 WHEN 'title' THEN 6 WHEN 'authors' THEN 1 WHEN 'tags' THEN 2
    ELSE 4 END"""
"""Twice the weights of `words`, since half a place is no number that fits."""
_BITS = 4
_WEIGHTS = (1 << _BITS) - 1
_MOST_SPLIT = 20_000


class Standing(NamedTuple):
    """Where a token stands.

    Attributes:
        rows: The row numbers of the papers that have it, ascending.
        times: How often each has it; a place counts as its column weighs.
    """

    rows: array[int]
    times: array[float]


def open_vocabulary(db: Database) -> None:
    """Make the vocabulary of the full-text index readable through a connection."""
    db.execute("CREATE VIRTUAL TABLE temp.papers_places USING fts5vocab (main, papers_fts, 'instance')")


def standing(db: Database, token: str) -> Standing:
    """Return in which papers a token stands, and how often.

    Place and weight come as one number, and all of them joined: a row each would take ten times as long.
    """
    joined = db.execute(
        f"SELECT group_concat((doc << {_BITS}) + {_WEIGHT}) FROM temp.papers_places WHERE term = ?",  # noqa: S608 - ours
        [token],
    ).fetchone()[0]
    places: list[int] = json.loads(f"[{joined or ''}]")
    if can_count():
        import numpy as np

        told = np.array(places, np.int64)
        each, first = np.unique(told >> _BITS, return_index=True)
        sums = np.add.reduceat(told & _WEIGHTS, first) / 2 if len(told) else told
        as_bytes = each.astype(np.intc).tobytes(), sums.astype(np.single).tobytes()
        return Standing(array("i", as_bytes[0]), array("f", as_bytes[1]))
    times: dict[int, float] = {}
    for place in places:
        row = place >> _BITS
        times[row] = times.get(row, 0) + (place & _WEIGHTS) / 2
    return Standing(array("i", times), array("f", times.values()))


def lengths(db: Database, rows: Sequence[int]) -> tuple[int, dict[int, float]]:
    """Return how many papers are indexed, and what BM25 adds to how often a token stands in some of them.

    That is more for longer papers.
    """
    papers, *tokens = _numbers(db.execute("SELECT block FROM papers_fts_data WHERE id = 1").fetchone()[0])
    mean = sum(tokens) / papers
    sizes = db.execute(
        """SELECT group_concat(id), group_concat(hex(sz)) FROM papers_fts_docsize
           WHERE id IN (SELECT value FROM json_each(?))""",
        [json.dumps(rows)],
    ).fetchone()
    found = zip(*(each.split(",") for each in sizes), strict=True) if sizes[0] else ()
    return papers, {
        int(row): SATURATION * (1 - _LENGTH + _LENGTH * sum(_numbers(bytes.fromhex(size))) / mean)
        for row, size in found
    }


def _numbers(packed: bytes) -> Iterator[int]:
    """Yield the numbers that SQLite has packed as bytes of seven bits, the last of each below 128."""
    number = 0
    for byte in packed:
        number = number << 7 | byte & 127
        if byte < 128:
            yield number
            number = 0


class Tokens:
    """Splits words as the full-text index does, by an index of its own in memory."""

    def __init__(self) -> None:
        self._db: sqlite3.Connection | None = None
        self._split: dict[str, tuple[str, ...]] = {}

    def of(self, words: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the tokens of each word: one of most, several of ``graph-based``, none of signs."""
        if len(self._split) > _MOST_SPLIT:
            self._split = {}
        if unknown := list({word for word in words if word not in self._split}):
            self._split |= zip(unknown, self._tokens(unknown), strict=True)
        return [self._split[word] for word in words]

    def _tokens(self, words: Sequence[str]) -> Iterator[tuple[str, ...]]:
        db = self._db = self._db or _splitting()
        db.executemany("INSERT INTO split (rowid, word) VALUES (?, ?)", enumerate(words))
        found: defaultdict[int, list[str]] = defaultdict(list)
        for place, token in db.execute("SELECT doc, term FROM places ORDER BY doc, offset"):
            found[place].append(token)
        db.execute("INSERT INTO split (split) VALUES ('delete-all')")
        return (tuple(found[place]) for place in range(len(words)))


def _splitting() -> sqlite3.Connection:
    """Return an index in memory that splits words as that of the papers does."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute(f"CREATE VIRTUAL TABLE split USING fts5 (word, content = '', tokenize = '{TOKENIZER}')")
    db.execute("CREATE VIRTUAL TABLE places USING fts5vocab (split, 'instance')")
    return db
