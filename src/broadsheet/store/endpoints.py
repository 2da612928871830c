"""What is remembered of a model behind an address."""

from __future__ import annotations

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.store.rows import now


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
