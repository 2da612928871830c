"""Opens the database file and turns SQLite's errors into messages that a user can act on."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.errors import StoreError
from broadsheet.migrations import leave_log, upgrade
from broadsheet.redaction import Secrets
from broadsheet.store.vocabulary import open_vocabulary
from broadsheet.store.write_ahead import keep_log

BUSY_TIMEOUT_S = 30.0
PAGE_BYTES = 8_192
"""A paper takes 1.8 KB: of pages of 4 KB, SQLite's own size, a quarter stays empty."""

_DAMAGED = "{path} is damaged; restore it from a backup or name another file with --db."
_CHANGED = "{path} was changed by another program; restore it from a backup or name another file with --db."
_SENTENCES = (
    ("file is not a database", "{path} is not a Broadsheet database; name another file with --db."),
    ("could not decode to utf-8", _DAMAGED),
    ("malformed", _DAMAGED),
    ("corrupt", _DAMAGED),
    ("sql logic error", _DAMAGED),
    ("vtable constructor failed", _DAMAGED),
    ("fts5", _DAMAGED),
    ("user-defined function", _DAMAGED),  # `unpack` was given what is not packed
    ("no such table", _CHANGED),
    ("no such column", _CHANGED),
    ("has no column", _CHANGED),
    ("readonly", "{path} is read-only; make it and its folder writable or name another file with --db."),
    ("locked", "{path} is locked by another program; try again when that has finished."),
    ("full", "The disk that holds {path} is full; free some space and run the same command again."),
    ("unable to open", "{path} cannot be opened; check that its folder exists and can be written."),
    ("disk i/o", "{path} cannot be read or written (disk I/O error); check the disk and try again."),
)

_ROOM_BYTES = 10_000_000
"""A disk with so much room is not the one that is full; SQLite also writes temporary files."""
_FULL_ELSEWHERE = (
    "The folder for temporary files, {folder}, is full; free some space there, or name another in TMPDIR, and"
    " run the same command again."
)


def _sentence(path: str, error: sqlite3.Error) -> str | None:
    message = str(error).lower()
    # https://www.sqlite.org/tempfiles.html, 5
    folder = os.environ.get("SQLITE_TMPDIR") or os.environ.get("TMPDIR") or "/var/tmp"  # noqa: S108
    if "full" in message and _has_room(Path(path).absolute().parent) and not _has_room(Path(folder)):
        return _FULL_ELSEWHERE.format(folder=folder)
    return next((sentence.format(path=path) for words, sentence in _SENTENCES if words in message), None)


def _has_room(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free > _ROOM_BYTES
    except OSError:
        return False


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
    """A cursor that translates errors, also of fetching: SQLite finds a damaged page only on reading it."""

    path = ""

    def execute(self, *args: Any) -> sqlite3.Cursor:  # type: ignore[override]
        with _translating(self.path):
            return super().execute(*args)

    def execute_untranslated(self, *args: Any) -> sqlite3.Cursor:
        return super().execute(*args)

    def __next__(self) -> Any:
        try:  # `_translating` itself would cost more than to read a row
            return super().__next__()
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            with _translating(self.path):
                raise

    def fetchone(self) -> Any:
        with _translating(self.path):
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        with _translating(self.path):
            return super().fetchall()

    def fetchmany(self, size: int | None = None) -> list[Any]:
        with _translating(self.path):
            return super().fetchmany(size or self.arraysize)


class _Connection(sqlite3.Connection):
    """A connection that translates the errors of every statement, so that callers only see `StoreError`.

    No key or password is stored: an error may quote one, and so may what a server answers.
    """

    path = ""
    file: os.stat_result | None = None
    secrets = Secrets((), None)

    def cursor(self, factory: Any = _Cursor) -> Any:
        cursor = super().cursor(factory)
        cursor.path = self.path
        return cursor

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        try:
            # sqlite3's own `execute` would bypass `cursor`, and with it `_Cursor`.
            cursor: _Cursor = self.cursor()
            return cursor.execute_untranslated(statement, *map(self._without_secrets, values))
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                # Only cleanup follows a timeout, and it should not wait just as long again.
                super().execute("PRAGMA busy_timeout = 0")
            with _translating(self.path):
                raise

    def executemany(self, statement: str, rows: Any) -> sqlite3.Cursor:
        with _translating(self.path):
            return super().executemany(statement, map(self._without_secrets, rows))

    def executescript(self, *args: Any) -> sqlite3.Cursor:
        with _translating(self.path):
            return super().executescript(*args)

    def commit(self) -> None:
        with _translating(self.path):
            super().commit()

    def rollback(self) -> None:
        with _translating(self.path):
            super().rollback()

    def _without_secrets(self, values: Any) -> Any:
        """Return a statement's values, by place or by name, without keys and passwords."""
        secrets = self.secrets
        if not (secrets.long or secrets.short):
            return values
        if isinstance(values, Mapping):
            return {name: self._without_secret(value) for name, value in values.items()}
        return [self._without_secret(value) for value in values]

    def _without_secret(self, value: Any) -> Any:
        return self.secrets.hide(value) if isinstance(value, str) else value


def connect(path: Path, *, create: bool = True, reading: bool = False) -> Database:
    """Open the database, migrate it to this version, and configure it for one writer and many readers.

    For reading only, neither the file nor its folder needs to be writable, unless an older version made it,
    and SQLite refuses every statement that would write.

    Raises:
        StoreError: The file does not exist and ``create`` is false; or it is not a Broadsheet database, was
            made by a newer version, or is read-only, locked or damaged.
    """
    if str(path) == ":memory:":
        raise StoreError("What is kept in memory is gone when the command ends; name a file with --db.")
    try:
        absent, is_folder = not path.exists(), path.is_dir()
    except OSError as error:
        raise StoreError(f"{path} cannot be opened ({error.strerror}); name another --db.") from error
    if absent and not create:
        raise StoreError(f"There is no cache at {path} yet; make one with: broadsheet run sample")
    if is_folder:
        raise StoreError(f"{path} is a folder; name a file with --db.")
    try:
        bound = reading and not _is_writable(path)
        connection = sqlite3.connect(
            _read_only_uri(path) if bound else path,
            timeout=BUSY_TIMEOUT_S,
            factory=_Connection,
            isolation_level=None,
            check_same_thread=True,
            uri=bound,
        )
    except sqlite3.Error as error:
        raise StoreError(_sentence(str(path), error) or f"{path} cannot be opened ({error}).") from error
    connection.path, connection.secrets = str(path), Secrets.of_environment()
    try:
        connection.row_factory = sqlite3.Row
        db = Database(connection, execute_plugins=False)
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a new file; another keeps its own
        if upgrade(db):
            _shrink(db)
        open_vocabulary(db)
        if not bound:
            with _translating(connection.path):
                keep_log(connection, BUSY_TIMEOUT_S)
        # In WAL mode, NORMAL never corrupts the file and loses no commit when the process is killed; only a
        # power cut can undo the last commits. FULL needs an fsync per reply, which took half the time of a
        # latency-bound run with one paper per request.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        if reading:
            connection.execute("PRAGMA query_only = ON")
        connection.file = _file_at(path)
    except BaseException:
        connection.close()
        raise
    return db


def _shrink(db: Database) -> None:
    """Give back the room that an upgrade has freed; without room for a second copy, it is used later."""
    leave_log(db)
    with suppress(StoreError):
        db.execute("VACUUM")


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)


def _read_only_uri(path: Path) -> str:
    """Return the address of a file that nothing may be written beside.

    SQLite then reads without locks; only where there is a write-ahead log does it need the log's index.
    """
    log = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"
    return f"{path.absolute().as_uri()}?{mode}"


def connect_in_memory() -> Database:
    """Return an empty database that is gone when it is closed."""
    connection = sqlite3.connect(":memory:", factory=_Connection, isolation_level=None)
    connection.row_factory = sqlite3.Row
    db = Database(connection, execute_plugins=False)
    upgrade(db)
    open_vocabulary(db)
    return db


def copy(path: Path, target: Path) -> None:
    """Copy a database as it is now, even while another process writes to it.

    Raises:
        StoreError: It cannot be opened or read.
    """
    db = connect(path, create=False)
    with _translating(str(path)), closing(db.conn), closing(sqlite3.connect(target)) as copied:
        db.conn.backup(copied)


def require_in_place(db: Database) -> None:
    """Check that the database file is still at its path; anything written to a removed file is lost.

    Raises:
        StoreError: The file was removed or replaced. The write-ahead log is first checkpointed into the
            original file, because it would corrupt a new file at the same path.
    """
    connection = db.conn
    assert isinstance(connection, _Connection)  # noqa: S101 - narrows the type: `connect` made it
    opened, found = connection.file, _file_at(Path(connection.path))
    if opened is None or (found is not None and os.path.samestat(opened, found)):
        return
    with suppress(StoreError):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raise StoreError(
        f"{connection.path} was removed or replaced while in use and lacks the work done since;"
        " put the file back and run the same command again."
    )


def file_of(db: Database) -> tuple[int, int] | None:
    """Return which file a database is, whatever is at its path by now; None if it is in memory."""
    connection = db.conn
    opened = connection.file if isinstance(connection, _Connection) else None
    return (opened.st_dev, opened.st_ino) if opened else None


def _file_at(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
