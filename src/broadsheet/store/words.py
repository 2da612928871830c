"""Keeps the full-text index in step with the papers and their current annotations.

The index (FTS5, https://www.sqlite.org/fts5.html, 4.4.3: external content) has no text of its own. To forget
a paper it must be given the very words that it was built from, so every change of a paper's words, or of
which annotation is current, goes inside `reworded`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

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
