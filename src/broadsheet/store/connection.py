"""Opens the database file, and turns what SQLite says of a broken, locked or full one into sentences."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.errors import StoreError
from broadsheet.migrations import upgrade

BUSY_TIMEOUT_S = 30.0

_SENTENCES = (
    ("file is not a database", "{path} is not a Broadsheet database; name another file with --db."),
    ("malformed", "{path} is damaged; restore it from a backup or name another file with --db."),
    ("readonly", "{path} is read-only; make it and its folder writable or name another file with --db."),
    ("locked", "{path} is locked by another program; try again when that has finished."),
    ("full", "The disk that holds {path} is full; free some space and run the same command again."),
    ("unable to open", "{path} cannot be opened; check that its folder exists and can be written."),
    ("disk i/o", "{path} cannot be read or written (disk I/O error); check the disk and try again."),
)


def _sentence(path: str, error: sqlite3.Error) -> str | None:
    said = str(error).lower()
    return next((sentence.format(path=path) for words, sentence in _SENTENCES if words in said), None)


class _Connection(sqlite3.Connection):
    """Every statement passes through here, so that no caller needs to know SQLite's errors."""

    path = ""

    def execute(self, *args: Any) -> sqlite3.Cursor:
        with self._translating():
            return super().execute(*args)

    def executemany(self, *args: Any) -> sqlite3.Cursor:
        with self._translating():
            return super().executemany(*args)

    def executescript(self, *args: Any) -> sqlite3.Cursor:
        with self._translating():
            return super().executescript(*args)

    def commit(self) -> None:
        with self._translating():
            super().commit()

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if sentence := _sentence(self.path, error):
                raise StoreError(sentence) from error
            raise


def connect(path: Path, *, create: bool = True) -> Database:
    """Open the database, bring it to this version and set it up for one writer beside many readers.

    Raises:
        StoreError: There is no such file and ``create`` is false; or it is no database, is of a newer
            version, read-only, locked or damaged.
    """
    if not create and not path.exists():
        raise StoreError(f"There is no cache at {path} yet; make one with: broadsheet run sample")
    if path.is_dir():
        raise StoreError(f"{path} is a folder; name a file with --db.")
    try:
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, factory=_Connection, isolation_level=None, check_same_thread=True
        )
    except sqlite3.Error as error:
        raise StoreError(_sentence(str(path), error) or f"{path} cannot be opened ({error}).") from error
    connection.path = str(path)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        # With WAL, NORMAL keeps every committed row through a crash of the process; only a power cut can
        # take back the last commits, and replies are paid for, so FULL is worth its fsync.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        db = Database(connection, execute_plugins=False)
        upgrade(db)
    except BaseException:
        connection.close()
        raise
    return db
