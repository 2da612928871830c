"""Keeps the full-text index in step with the papers and their current annotations.

The index (FTS5, https://www.sqlite.org/fts5.html, 4.4.3: external content) has no text of its own. To forget
a paper it must be given the very words that it was built from, so every change of a paper's words, or of
which annotation is current, goes inside `reworded`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.searching import Phrase

TOKENIZER = "porter unicode61 remove_diacritics 2"
"""How the index splits text into tokens."""
_WEIGHTS = "3.0, 2.0, 2.0, 1.0, 1.0, 0.5"
"""Of a word in title, TL;DR, keywords, tags, abstract and authors; measured by ``benchmarks/search.py``."""
_AT_ONCE = 50
"""How many words are looked for in one statement."""
_COLUMNS = "rowid, title, tldr, keywords, tags, abstract, authors"
_WORDS = f"SELECT {_COLUMNS} FROM papers_words WHERE rowid = (SELECT rowid FROM papers WHERE id = ?)"  # noqa: S608
_FORGET = f"INSERT INTO papers_fts (papers_fts, {_COLUMNS}) SELECT 'delete', {_WORDS.removeprefix('SELECT ')}"
_ENTER = f"INSERT INTO papers_fts ({_COLUMNS}) {_WORDS}"


def enter(db: Database, paper_id: str) -> None:
    """Make a paper's words searchable."""
    db.execute(_ENTER, [paper_id])


def withdraw(db: Database, paper_id: str) -> None:
    """Take a paper's words, as they stand now, out of the index."""
    db.execute(_FORGET, [paper_id])


@contextmanager
def reworded(db: Database, paper_id: str) -> Iterator[None]:
    """Change a paper's words or its current annotation inside; call it inside a transaction."""
    withdraw(db, paper_id)
    yield
    enter(db, paper_id)


def scored(
    db: Database, asked: str, most: int, conditions: str = "", values: Sequence[str] = ()
) -> dict[int, float]:
    """Return the row numbers of the papers that an FTS5 query matches with their BM25, best first.

    Args:
        db: The cache.
        asked: The query.
        most: At most so many.
        conditions: Clauses that papers must pass besides, each beginning with AND.
        values: The values of those clauses.
    """
    rows = db.execute(
        f"""SELECT rowid, bm25(papers_fts, {_WEIGHTS}) AS score FROM papers_fts
            WHERE papers_fts MATCH ? {conditions}
            ORDER BY score, rowid DESC LIMIT {most}""",  # noqa: S608 - ours
        [asked, *values],
    )
    return {row: -score for row, score in rows.fetchall()}


def papers_with(db: Database, phrases: Sequence[Phrase], most: int) -> Iterator[int]:
    """Yield how many papers have each word or phrase; one more than so many stands for all beyond."""
    counted = "SELECT count(*) FROM (SELECT 1 FROM papers_fts WHERE papers_fts MATCH ? LIMIT ?)"
    return _each(db, counted, phrases, most + 1)


def papers_having(db: Database, phrases: Sequence[Phrase], most: int) -> Iterator[list[int]]:
    """Yield the row numbers of the papers that have each word or phrase, so many at most.

    SQLite joins them: a row each would take ten times as long, and give Python's lock away for each.
    """
    joined = "SELECT group_concat(rowid) FROM (SELECT rowid FROM papers_fts WHERE papers_fts MATCH ? LIMIT ?)"
    for found in _each(db, joined, phrases, most):
        yield json.loads(f"[{found}]") if found else []


def _each(db: Database, query: str, phrases: Sequence[Phrase], most: int) -> Iterator[Any]:
    """Yield what a query answers of each phrase, many a statement: each gives Python's lock away."""
    for start in range(0, len(phrases), _AT_ONCE):
        some = phrases[start : start + _AT_ONCE]
        values = [value for phrase in some for value in (phrase.quoted, most)]
        yield from db.execute(f"SELECT {', '.join([f'({query})'] * len(some))}", values).fetchone()


def scored_among(db: Database, asked: str, among: Sequence[int]) -> Iterator[tuple[int, float]]:
    """Yield those of some papers that an FTS5 query matches with their BM25, in no order.

    The sign keeps SQLite from asking the index for each of them; the others are passed over before they are
    scored, which takes most of the time.
    """
    rows, scores = db.execute(
        f"""SELECT group_concat(row), group_concat(score) FROM (
                SELECT rowid AS row, bm25(papers_fts, {_WEIGHTS}) AS score FROM papers_fts
                WHERE papers_fts MATCH ? AND +rowid IN (SELECT value FROM json_each(?))
                ORDER BY score LIMIT -1)""",  # noqa: S608 - ours
        [asked, json.dumps(among)],
    ).fetchone()
    for row, score in zip(json.loads(f"[{rows or ''}]"), json.loads(f"[{scores or ''}]"), strict=True):
        yield row, -score
