"""What a server tells of its quota, remembered for the next run's plan."""

from __future__ import annotations

from sqlite_utils import Database  # noqa: TID251 - this room owns the tables

from broadsheet.migrations.steps import migrations


@migrations()
def m015_endpoint_limits(db: Database) -> None:
    """Requests and tokens a minute, for each address and model; NULL where an answer told none."""
    db.executescript("""
        CREATE TABLE endpoint_limits (
            endpoint TEXT NOT NULL,
            model TEXT NOT NULL,
            requests_per_minute REAL,
            tokens_per_minute REAL,
            seen_at TEXT NOT NULL,
            PRIMARY KEY (endpoint, model)
        ) WITHOUT ROWID;
    """)
