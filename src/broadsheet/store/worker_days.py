"""Which days the worker has done, and which it had to give up."""

from __future__ import annotations

from datetime import date
from typing import Literal

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.store.rows import decodes_rows, insert, now

DayState = Literal["done", "failed"]


class WorkerDays:
    """Queries and updates of the worker's days; updates are called inside a transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def settle(self, day: date, state: DayState, words: str = "") -> None:
        """Write down what became of a day, in place of what was known of it.

        Args:
            day: The day.
            state: How it ended.
            words: What went wrong, if anything did.
        """
        row = {"day": day.isoformat(), "state": state, "words": words, "ended_at": now()}
        insert(self._db, "worker_days", row, "INSERT OR REPLACE")

    @decodes_rows
    def since(self, day: date) -> dict[date, str]:
        """Return the state of each recorded day from one on."""
        rows = self._db.execute(
            "SELECT day, state FROM worker_days WHERE day >= ? ORDER BY day", [day.isoformat()]
        )
        return {date.fromisoformat(row["day"]): row["state"] for row in rows}

    @decodes_rows
    def first(self) -> date | None:
        """Return the first recorded day, or None if there is none."""
        row = self._db.execute("SELECT min(day) FROM worker_days").fetchone()
        return date.fromisoformat(row[0]) if row[0] else None

    @decodes_rows
    def last_done(self, before: date) -> date | None:
        """Return the last day before another that was done, or None if there is none."""
        row = self._db.execute(
            "SELECT max(day) FROM worker_days WHERE state = 'done' AND day < ?", [before.isoformat()]
        ).fetchone()
        return date.fromisoformat(row[0]) if row[0] else None
