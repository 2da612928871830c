"""Migration 25: the signs of a large cache's vectors; never edited once released."""

from __future__ import annotations

from sqlite_utils import Database  # noqa: TID251 - this room owns the tables

from broadsheet.migrations import packed_texts  # noqa: F401 - its step comes before this one
from broadsheet.migrations.steps import migrations


@migrations()
def m025_vector_signs(db: Database) -> None:
    """One row a model: the papers' row numbers and the signs of their vectors, as they stood with a paper."""
    db.executescript("""
        CREATE TABLE vector_signs (
            model TEXT PRIMARY KEY,
            newest INTEGER NOT NULL,
            newest_id TEXT NOT NULL,
            revised_at TEXT NOT NULL,
            row_numbers BLOB NOT NULL,
            signs BLOB NOT NULL
        );
    """)
