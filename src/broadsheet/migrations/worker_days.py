"""What the worker has done, day by day; never edited once released."""

from __future__ import annotations

from sqlite_utils import Database  # noqa: TID251 - this room owns the tables

from broadsheet.migrations import delivery  # noqa: F401 - its step comes before this one
from broadsheet.migrations.steps import migrations


@migrations()
def m021_worker_days(db: Database) -> None:
    """What became of each day of the worker, so that missed days are known however long it was away."""
    db.executescript("""
        CREATE TABLE worker_days (
            day TEXT PRIMARY KEY,
            state TEXT NOT NULL,
            words TEXT NOT NULL DEFAULT '',
            ended_at TEXT NOT NULL
        ) WITHOUT ROWID;
    """)
