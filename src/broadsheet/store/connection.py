"""Opens the database file, and turns what SQLite says of a broken, locked or full one into sentences."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.errors import StoreError
from broadsheet.migrations import upgrade

BUSY_TIMEOUT_S = 30.0

_DAMAGED = "{path} is damaged; restore it from a backup or name another file with --db."
_SENTENCES = (
    ("file is not a database", "{path} is not a Broadsheet database; name another file with --db."),
    ("could not decode to utf-8", _DAMAGED),
    ("malformed", _DAMAGED),
    ("readonly", "{path} is read-only; make it and its folder writable or name another file with --db."),
    ("locked", "{path} is locked by another program; try again when that has finished."),
    ("full", "The disk that holds {path} is full; free some space and run the same command again."),
    ("unable to open", "{path} cannot be opened; check that its folder exists and can be written."),
    ("disk i/o", "{path} cannot be read or written (disk I/O error); check the disk and try again."),
)


def _sentence(path: str, error: sqlite3.Error) -> str | None:
    said = str(error).lower()
    return next((sentence.format(path=path) for words, sentence in _SENTENCES if words in said), None)


@contextmanager
def _translating(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if sentence := _sentence(path, error):
            raise StoreError(sentence) from error
        raise
    except UnicodeDecodeError as error:
        raise StoreError(_DAMAGED.format(path=path)) from error


class _Cursor(sqlite3.Cursor):
    """Rows are read as they are asked for, so a damaged page may show itself only then."""

    path = ""

    def __next__(self) -> Any:
        with _translating(self.path):
            return super().__next__()

    def fetchone(self) -> Any:
        with _translating(self.path):
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        with _translating(self.path):
            return super().fetchall()


class _Connection(sqlite3.Connection):
    """Every statement passes through here, so that no caller needs to know SQLite's errors."""

    path = ""
    file: os.stat_result | None = None

    def cursor(self, factory: Any = _Cursor) -> Any:
        cursor = super().cursor(factory)
        cursor.path = self.path
        return cursor

    def execute(self, *args: Any) -> sqlite3.Cursor:
        try:
            # sqlite3's own `execute` does not ask `cursor`.
            return self.cursor().execute(*args)  # type: ignore[no-any-return]
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                # Who has waited in vain will only tidy up; that is not worth the same wait again.
                super().execute("PRAGMA busy_timeout = 0")
            with _translating(self.path):
                raise

    def executemany(self, *args: Any) -> sqlite3.Cursor:
        with _translating(self.path):
            return super().executemany(*args)

    def executescript(self, *args: Any) -> sqlite3.Cursor:
        with _translating(self.path):
            return super().executescript(*args)

    def commit(self) -> None:
        with _translating(self.path):
            super().commit()

    def rollback(self) -> None:
        with _translating(self.path):
            super().rollback()


def connect(path: Path, *, create: bool = True) -> Database:
    """Open the database, bring it to this version and set it up for one writer beside many readers.

    Raises:
        StoreError: There is no such file and ``create`` is false; or it is no database, is of a newer
            version, read-only, locked or damaged.
    """
    try:
        absent, is_folder = not path.exists(), path.is_dir()
    except OSError as error:
        raise StoreError(f"{path} cannot be opened ({error.strerror}); name another --db.") from error
    if absent and not create:
        raise StoreError(f"There is no cache at {path} yet; make one with: broadsheet run sample")
    if is_folder:
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
        db = Database(connection, execute_plugins=False)
        upgrade(db)
        connection.execute("PRAGMA journal_mode = WAL")
        # With WAL, NORMAL keeps every committed row through a kill of the process and never harms the file;
        # only a power cut may take back the last commits. FULL would cost an fsync a reply, which at one
        # paper a request took half of a latency-bound run's time.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.file = _file_at(path)
    except BaseException:
        connection.close()
        raise
    return db


def require_in_place(db: Database) -> None:
    """Check that the file still stands where it was opened; what is written to one that does not is lost.

    Raises:
        StoreError: It was removed or replaced. What was written is moved from the log beside the file into
            the file that was opened: left there, it would damage one that has taken its place.
    """
    connection = db.conn
    assert isinstance(connection, _Connection)  # noqa: S101 - narrows the type: `connect` made it
    opened, found = connection.file, _file_at(Path(connection.path))
    if opened is None or (found is not None and os.path.samestat(opened, found)):
        return
    with suppress(StoreError):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raise StoreError(
        f"{connection.path} was removed or replaced while in use, and what was done since is not in it;"
        " put the file back and run the same command again."
    )


def _file_at(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
