"""Makes a database from the rows of a backup: at the migration that they were written at, then upgraded."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL
from sqlite_utils.db import Table  # noqa: TID251 - the same

from broadsheet.errors import StoreError
from broadsheet.migrations import ensure_annotation_columns, migrations, upgrade
from broadsheet.packing import teach
from broadsheet.store.connection import PAGE_BYTES
from broadsheet.store.tables import KEPT, PACKED, Shape, migration_names, shape_of, table_names

Keyed = tuple[list[Any], Mapping[str, Any]]
_CHUNK = 500
_FIRST_PACKED = "m024_packed_texts"
"""From this migration on, texts are packed; those of an earlier backup are packed by it."""


def refill(path: Path, migration: str, tables: Mapping[str, Iterable[Keyed]]) -> int:
    """Make a database of rows, in a new file.

    Args:
        path: The file, which must not exist or be empty.
        migration: The last migration when the rows were written.
        tables: The rows of each kept table: the key, and the other columns that are not NULL.

    Returns:
        How many rows there are.

    Raises:
        StoreError: A newer Broadsheet wrote the rows, or they do not belong together.
    """
    known = migration_names()
    if migration not in known:
        raise StoreError("A newer Broadsheet made this backup; upgrade Broadsheet.")
    connection = sqlite3.connect(path, isolation_level=None)
    with closing(connection):
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        teach(connection)
        db = Database(connection, execute_plugins=False)
        migrations.apply(db, stop_before=known[known.index(migration) + 1 :])
        ensure_annotation_columns(db)
        connection.execute("PRAGMA synchronous = OFF")  # whoever is killed here has no file at all
        try:
            count = _fill_all(
                db, tables, PACKED if _FIRST_PACKED in known[: known.index(migration) + 1] else {}
            )
        except (sqlite3.IntegrityError, ValueError, TypeError) as error:
            raise StoreError(
                "The backup is not whole: some of its rows lack parts or name others that are missing; take"
                " another version of the folder, or make the backup again."
            ) from error
        upgrade(db)
    return count


def _fill_all(db: Database, tables: Mapping[str, Iterable[Keyed]], packed: Mapping[str, str]) -> int:
    db.execute("BEGIN")
    triggers = _without_triggers(db)
    count = sum(_fill(db, name, tables[name], packed.get(name, "")) for name in KEPT if name in tables)
    for statement in triggers:
        db.execute(statement)
    _index(db)
    if db.execute("PRAGMA foreign_key_check").fetchone():
        raise sqlite3.IntegrityError
    db.execute("COMMIT")
    return count


def _without_triggers(db: Database) -> list[str]:
    """Drop all triggers, which guard or complete what is new; return how to make them again."""
    rows = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for row in rows:
        db.execute(f'DROP TRIGGER "{row["name"]}"')
    return [row["sql"] for row in rows]


def _fill(db: Database, name: str, rows: Iterable[Keyed], packed: str) -> int:
    if name not in table_names(db):  # a later migration has dropped it
        return 0
    shape, count = shape_of(db, name), 0
    chunk: list[dict[str, Any]] = []
    for key, row in rows:
        if name == "annotations" and (declared := row.keys() - set(shape.columns)):
            shape = _widen(db, name, sorted(declared))
        chunk.append(
            dict(zip(shape.key, key, strict=True)) | {column: row.get(column) for column in shape.columns}
        )
        count += 1
        if len(chunk) == _CHUNK:
            _insert(db, name, shape, chunk, packed)
            chunk = []
    _insert(db, name, shape, chunk, packed)
    return count


def _widen(db: Database, name: str, columns: Iterable[str]) -> Shape:
    """Add the columns of fields that users have declared."""
    table = db[name]
    assert isinstance(table, Table)  # noqa: S101 - narrows the type: it is never a view
    for column in columns:
        table.add_column(column, str)
    return shape_of(db, name)


def _insert(db: Database, name: str, shape: Shape, rows: list[dict[str, Any]], packed: str) -> None:
    columns = (*shape.key, *shape.columns)
    names = ", ".join(f'"{each}"' for each in columns)
    marks = ", ".join("pack(?)" if each == packed else "?" for each in columns)
    db.conn.executemany(
        f'INSERT INTO "{name}" ({names}) VALUES ({marks})',  # noqa: S608 - our tables
        [[row.get(column) for column in columns] for row in rows],
    )


def _index(db: Database) -> None:
    """Fill the search index from papers and their current annotations, unless the upgrade will."""
    if "papers_words" in db.view_names():
        db.execute("INSERT INTO papers_fts (papers_fts) VALUES ('rebuild')")
