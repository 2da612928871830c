"""Has a database keep a write-ahead log, so that readers go on beside its one writer."""

from __future__ import annotations

import sqlite3
import time

_PAUSE_S = 0.01
_PRIMARY = 0xFF
"""The part of an error's code that says of what kind it is: https://www.sqlite.org/rescode.html."""


def keep_log(connection: sqlite3.Connection, patience_s: float) -> None:
    """Write to a log beside the file from now on, and to the file itself every 4 MB.

    Of several processes that open a new file at once, some would be told that it is locked: where two might
    wait for each other, SQLite waits for neither (https://www.sqlite.org/c3ref/busy_handler.html).

    Args:
        connection: To a file.
        patience_s: So many seconds others are waited for.

    Raises:
        sqlite3.OperationalError: They still had it open, or it cannot be written.
    """
    ends = time.monotonic() + patience_s
    while True:
        try:
            sqlite3.Cursor.execute(connection.cursor(), "PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY or time.monotonic() >= ends:
                raise
        time.sleep(_PAUSE_S)
    connection.execute("PRAGMA wal_autocheckpoint = 500")  # as many bytes as 1,000 pages of SQLite's size
