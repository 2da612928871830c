"""The database's numbered, append-only migrations. Never edit a migration that has been released.

Migrations do not create the columns of an annotation: those are derived from the fields of `Annotation`, and
`ensure_annotation_columns` adds the missing ones.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress

from sqlite_utils import Database  # noqa: TID251 - only this package and store use SQL
from sqlite_utils.db import Table  # noqa: TID251 - the same

from broadsheet.annotation import Annotation
from broadsheet.errors import StoreError
from broadsheet.fields import annotation_model
from broadsheet.migrations.delivery import m018_subscribers_and_deliveries  # noqa: F401 - registers it
from broadsheet.migrations.editions_by_newsletter import (
    m016_editions_by_newsletter,  # noqa: F401 - registers it
)
from broadsheet.migrations.endpoint_limits import m015_endpoint_limits  # noqa: F401 - the same
from broadsheet.migrations.later_steps import m011_one_annotate_at_a_time  # noqa: F401 - registers them
from broadsheet.migrations.one_search_index import m017_one_search_index  # noqa: F401 - the same
from broadsheet.migrations.packaged_model import m026_packaged_model  # noqa: F401 - the same
from broadsheet.migrations.packed_texts import m024_packed_texts  # noqa: F401 - registers it
from broadsheet.migrations.paper_addresses import m022_paper_addresses  # noqa: F401 - registers it
from broadsheet.migrations.steps import migrations
from broadsheet.migrations.vector_signs import m025_vector_signs  # noqa: F401 - registers it
from broadsheet.migrations.vectors import m023_vectors  # noqa: F401 - registers it
from broadsheet.migrations.worker_days import m021_worker_days  # noqa: F401 - registers it
from broadsheet.packing import teach
from broadsheet.schema import columns

__all__ = ["ensure_annotation_columns", "leave_log", "migrations", "upgrade"]


def upgrade(db: Database) -> bool:
    """Migrate a database to this version, keeping its rows; tell whether old ones were rewritten.

    Its connection can pack and unpack from then on.

    Raises:
        StoreError: A newer Broadsheet or another program made the database.
    """
    teach(db.conn)
    ours = {migration.name for migration in migrations.pending(Database(memory=True))}
    applied = {migration.name for migration in migrations.applied(db)}
    if applied - ours:
        raise StoreError(
            "The database was made by a newer Broadsheet; upgrade Broadsheet or use another --db."
        )
    if applied == ours and not _missing_columns(db):
        return False
    if applied:
        leave_log(db)
    # Take the write lock and check again under it, since another process may be opening the same new file.
    db.execute("BEGIN IMMEDIATE")
    try:
        _refuse_another_programs(db)
        migrations.apply(db)
        ensure_annotation_columns(db)
    except BaseException:
        db.rollback()
        raise
    db.execute("COMMIT")
    return bool(applied) and applied != ours


def leave_log(db: Database) -> None:
    """Write to the file itself from now on, unless another process has it open.

    An upgrade may write every page, and SQLite looks through the whole write-ahead log for each page that it
    reads again: a million papers made a log of 13 GB. Pages take a new size only outside it, too.
    """
    (timeout_ms,) = db.execute("PRAGMA busy_timeout").fetchone()
    db.execute("PRAGMA busy_timeout = 0")
    with suppress(sqlite3.OperationalError, StoreError):
        db.execute("PRAGMA journal_mode = DELETE")
    db.execute(f"PRAGMA busy_timeout = {timeout_ms}")


def _refuse_another_programs(db: Database) -> None:
    if db.table_names() and not migrations.applied(db):
        raise StoreError("The database belongs to another program; name another file with --db.")


def ensure_annotation_columns(db: Database, model: type[Annotation] | None = None) -> None:
    """Add a column to the annotations table for each field of the model that has none; keep all rows."""
    for name in _missing_columns(db, model):
        _annotations(db).add_column(name, str)


def _missing_columns(db: Database, model: type[Annotation] | None = None) -> list[str]:
    present = {column.name for column in _annotations(db).columns}
    return [column.name for column in columns(model or annotation_model()) if column.name not in present]


def _annotations(db: Database) -> Table:
    table = db["annotations"]
    assert isinstance(table, Table)  # noqa: S101 - narrows the type: it is never a view
    return table
