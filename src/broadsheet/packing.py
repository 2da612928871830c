"""Packs long texts that are read one at a time: zlib, as functions of SQLite too.

A function in SQL packs a value after the connection has taken keys and passwords out of it.
"""

from __future__ import annotations

import sqlite3
import zlib


def pack(text: str) -> bytes:
    """Return a text in a third of its room or less."""
    return zlib.compress(text.encode())


def unpack(stored: bytes | str | None) -> str | None:
    """Return a packed text; one that was never packed is returned as it is, and NULL as None.

    Raises:
        ValueError: The bytes are no packed text.
    """
    if not isinstance(stored, bytes):
        return stored
    try:
        return zlib.decompress(stored).decode()
    except zlib.error as error:
        raise ValueError("These bytes are no packed text.") from error


def teach(connection: sqlite3.Connection) -> None:
    """Give a connection ``pack(text)`` and ``unpack(stored)``."""
    connection.create_function("pack", 1, pack, deterministic=True)
    connection.create_function("unpack", 1, unpack, deterministic=True)
