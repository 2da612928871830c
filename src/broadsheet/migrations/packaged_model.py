"""Migration 26: vectors of the model that came with the extra before; never edited once released."""

from __future__ import annotations

from sqlite_utils import Database  # noqa: TID251 - this room owns the tables

from broadsheet.migrations import vector_signs  # noqa: F401 - its step comes before this one
from broadsheet.migrations.steps import migrations


@migrations()
def m026_packaged_model(db: Database) -> None:
    """Remove them: nothing compares them any more, and those of the new model are made from the papers."""
    for table in ("vectors", "vector_signs"):
        db.execute(f"DELETE FROM {table} WHERE model = 'wordllama-256'")  # noqa: S608 - ours
