"""Which process is asking for which paper, so that two processes on one database never ask the same one.

A claim is a lease: it is renewed while answers come or are waited for, given back when the paper is done, and
taken over when it has expired or its owner is dead.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.store.processes import is_dead, new_name

LEASE_S = 900.0
"""How long a claim holds without being renewed, by a process on another host that may be gone."""
_RENEWAL_S = LEASE_S / 60
"""How often a lease is renewed at most: each renewal writes every row that the process holds."""


class Claims:
    """Questions about claims. Call each inside `Store.transaction`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.owner = new_name()
        self._renewed_at = float("-inf")

    def take(self, keys: Mapping[str, str]) -> set[str]:
        """Claim what nobody else has claimed and what is not annotated meanwhile.

        Args:
            keys: The paper's id by the key of its annotation.

        Returns:
            The keys that are ours now.
        """
        free = self.free(keys)
        expires_at = time.time() + LEASE_S
        self._db.conn.executemany(
            "INSERT OR REPLACE INTO claims (key, paper_id, owner, expires_at) VALUES (?, ?, ?, ?)",
            [(key, keys[key], self.owner, expires_at) for key in free],
        )
        return free

    def free(self, keys: Iterable[str]) -> set[str]:
        """The keys that no living process has claimed, this one included, and that are not annotated."""
        claimed = {
            row["key"]
            for row in self._db.execute(
                """SELECT key, owner FROM claims
                   WHERE key IN (SELECT value FROM json_each(?)) AND expires_at > ?""",
                [json.dumps(list(keys)), time.time()],
            )
            if not is_dead(row["owner"])
        }
        return set(keys) - claimed - self._annotated(keys)

    def _annotated(self, keys: Iterable[str]) -> set[str]:
        rows = self._db.execute(
            """SELECT a.key FROM annotations a JOIN papers p ON p.id = a.paper_id
               WHERE a.key IN (SELECT value FROM json_each(?)) AND p.current_key IS NOT NULL""",
            [json.dumps(list(keys))],
        )
        return {row[0] for row in rows}

    @property
    def due(self) -> bool:
        """Whether it is time to renew."""
        return abs(time.time() - self._renewed_at) >= _RENEWAL_S  # a clock may also be set back

    def renew(self) -> None:
        """Hold our claims for about another lease, where that is due."""
        if self.due:
            at = self._renewed_at = time.time()
            self._db.execute("UPDATE claims SET expires_at = ? WHERE owner = ?", [at + LEASE_S, self.owner])

    def release(self, keys: Iterable[str]) -> None:
        """Give back claims of ours."""
        self._db.conn.executemany(
            "DELETE FROM claims WHERE key = ? AND owner = ?", [(key, self.owner) for key in keys]
        )

    def release_all(self) -> None:
        """Give back every claim of ours."""
        self._db.execute("DELETE FROM claims WHERE owner = ?", [self.owner])
