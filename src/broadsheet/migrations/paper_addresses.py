"""Migration 22: a paper is found by its address without reading all papers."""

from __future__ import annotations

from sqlite_utils import Database  # noqa: TID251 - this room owns the tables

from broadsheet.migrations import worker_days  # noqa: F401 - its step comes before this one
from broadsheet.migrations.steps import migrations


@migrations()
def m022_paper_addresses(db: Database) -> None:
    """An index of the addresses: looking one up read every paper, 15 ms with 75,000."""
    db.executescript("CREATE INDEX papers_url ON papers (url) WHERE url != '';")
