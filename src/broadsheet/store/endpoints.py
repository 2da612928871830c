"""What is remembered of a model behind an address."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.store.rows import now


@dataclass(frozen=True, slots=True)
class Quota:
    """What a server lets through in a minute; None where it tells no limit."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


class Endpoint:
    """Questions about one model behind one address."""

    def __init__(self, db: Database, address: str, model: str) -> None:
        self._db = db
        self._names = [address, model]

    def dialect(self) -> str:
        """Return what it was found to understand; empty if nothing is known."""
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

    def quota(self) -> Quota:
        """Return the limits that its last answers told."""
        row = self._db.execute(
            """SELECT requests_per_minute, tokens_per_minute FROM endpoint_limits
               WHERE endpoint = ? AND model = ?""",
            self._names,
        ).fetchone()
        return Quota(*row) if row else Quota()

    def remember_quota(self, quota: Quota) -> None:
        """Keep its limits for the plans of later runs; one that is told no more is forgotten."""
        self._db.execute(
            """INSERT OR REPLACE INTO endpoint_limits
               (endpoint, model, requests_per_minute, tokens_per_minute, seen_at) VALUES (?, ?, ?, ?, ?)""",
            [*self._names, quota.requests_per_minute, quota.tokens_per_minute, now()],
        )
