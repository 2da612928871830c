"""Which process is asking for which paper, so that two processes on one database never ask the same one.

A claim is a lease: it is renewed with every answer, given back when the paper is done, and taken over when
it has expired or its owner is dead. WAL databases live on one machine, so that an owner is dead can mostly
be seen at once; only one on another host (a container beside this one) has to be waited for.
"""

from __future__ import annotations

import os
import socket
import sys
import time
import uuid
from collections.abc import Iterable, Mapping

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

LEASE_S = 900.0
"""How long a claim holds without an answer; longer than any one request takes."""

_SESSION = uuid.uuid4().hex


class Claims:
    """Questions about claims. Call each inside `Store.transaction`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.owner = f"{socket.gethostname()}/{os.getpid()}/{_SESSION}.{uuid.uuid4().hex[:8]}"

    def take(self, keys: Mapping[str, str]) -> set[str]:
        """Claim what nobody else has claimed and what is not annotated meanwhile.

        Args:
            keys: The paper's id by the key of its annotation.

        Returns:
            The keys that are ours now.
        """
        taken = set()
        for key, paper_id in keys.items():
            holder = self._db.execute("SELECT owner, expires_at FROM claims WHERE key = ?", [key]).fetchone()
            if holder and holder["expires_at"] > time.time() and not _is_dead(holder["owner"]):
                continue
            if self._is_annotated(key):
                continue
            self._db.execute(
                "INSERT OR REPLACE INTO claims (key, paper_id, owner, expires_at) VALUES (?, ?, ?, ?)",
                [key, paper_id, self.owner, time.time() + LEASE_S],
            )
            taken.add(key)
        return taken

    def _is_annotated(self, key: str) -> bool:
        row = self._db.execute(
            """SELECT 1 FROM annotations a JOIN papers p ON p.id = a.paper_id
               WHERE a.key = ? AND p.current_key IS NOT NULL""",
            [key],
        ).fetchone()
        return row is not None

    def renew(self) -> None:
        """Hold our claims for another lease."""
        self._db.execute(
            "UPDATE claims SET expires_at = ? WHERE owner = ?", [time.time() + LEASE_S, self.owner]
        )

    def release(self, keys: Iterable[str]) -> None:
        """Give back claims of ours."""
        self._db.conn.executemany(
            "DELETE FROM claims WHERE key = ? AND owner = ?", [(key, self.owner) for key in keys]
        )

    def release_all(self) -> None:
        """Give back every claim of ours."""
        self._db.execute("DELETE FROM claims WHERE owner = ?", [self.owner])


def _is_dead(owner: str) -> bool:
    """Whether the process that claimed is known to be gone."""
    host, pid, session = owner.rsplit("/", 2)
    if host != socket.gethostname():
        return False
    if int(pid) == os.getpid():  # a container's first process has the same number each time
        return session.partition(".")[0] != _SESSION
    if sys.platform == "win32":  # there, signal 0 is no question
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
