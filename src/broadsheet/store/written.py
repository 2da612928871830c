"""Tells whether anything was written to a cache since it was last asked."""

from __future__ import annotations

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

Written = tuple[object, int, int]


def written(db: Database) -> Written:
    """Return a value that is another after any write, by this connection or others, and of every other one.

    SQLite counts both: https://www.sqlite.org/pragma.html#pragma_data_version and ``sqlite3_total_changes``.
    """
    return db.conn, int(db.execute("PRAGMA data_version").fetchone()[0]), db.conn.total_changes
