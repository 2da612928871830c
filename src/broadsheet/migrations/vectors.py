"""What papers are about, as vectors; never edited once released."""

from __future__ import annotations

from sqlite_utils import Database  # noqa: TID251 - this room owns the tables

from broadsheet.migrations import paper_addresses  # noqa: F401 - its step comes before this one
from broadsheet.migrations.steps import migrations


@migrations()
def m023_vectors(db: Database) -> None:
    """A vector for each text, by the hash of its words."""
    db.executescript("""
        CREATE TABLE vectors (
            model TEXT NOT NULL,
            content_hash TEXT NOT NULL,
            vector BLOB NOT NULL,
            PRIMARY KEY (model, content_hash)
        ) WITHOUT ROWID;
    """)
