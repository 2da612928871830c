"""What is remembered of a model behind an address: what it understands, and who else is asking it."""

from __future__ import annotations

import time

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.store.papers import now
from broadsheet.store.processes import is_dead

GONE_AFTER_S = 10.0
"""A process on another host that has not been heard of for so long has been killed; a living one is heard of
many times in it. One on this host is seen to be dead at once."""


class Endpoint:
    """Questions about one model behind one address."""

    def __init__(self, db: Database, address: str, model: str) -> None:
        self._db = db
        self._names = [address, model]

    def dialect(self) -> str:
        """What it was found to understand; empty where nothing is known."""
        row = self._db.execute(
            "SELECT dialect FROM dialects WHERE endpoint = ? AND model = ?", self._names
        ).fetchone()
        return str(row[0]) if row else ""

    def remember_dialect(self, dialect: str) -> None:
        """Keep what it understands for later runs."""
        self._db.execute(
            "INSERT OR REPLACE INTO dialects (endpoint, model, dialect, learnt_at) VALUES (?, ?, ?, ?)",
            [*self._names, dialect, now()],
        )

    def processes(self, own: str) -> int:
        """Say that this process asks too; returns how many do, itself included.

        Args:
            own: Its name, by `broadsheet.store.processes.new_name`.
        """
        seen_at = time.time()
        self._db.execute(
            "INSERT OR REPLACE INTO asking_processes (endpoint, model, process, seen_at) VALUES (?, ?, ?, ?)",
            [*self._names, own, seen_at],
        )
        rows = self._db.execute(
            "SELECT process FROM asking_processes WHERE endpoint = ? AND model = ? AND seen_at > ?",
            [*self._names, seen_at - GONE_AFTER_S],
        ).fetchall()
        return sum(not is_dead(name) for (name,) in rows)

    def leave(self, own: str) -> None:
        """Say that this process asks no more, and forget those that were killed."""
        self._db.execute(
            "DELETE FROM asking_processes WHERE process = ? OR seen_at < ?", [own, time.time() - GONE_AFTER_S]
        )
