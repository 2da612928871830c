"""Stores runs of the annotate stage, and adds up their cost from their replies."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.record import Maker
from broadsheet.store.rows import SPENT_SUMS, insert, now


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run's requests have cost.

    Attributes:
        requests: Number of replies received.
        input_tokens: Prompt tokens, including those from the provider's prompt cache.
        cached_tokens: Prompt tokens from the provider's prompt cache.
        output_tokens: Tokens in the replies.
        by_purpose: Input plus output tokens, by the purpose of the request.
        cost_usd: Cost in US dollars; None if the price of any reply is unknown.
    """

    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    by_purpose: dict[str, int]
    cost_usd: float | None


class Runs:
    """Queries and updates of runs. Each write is a single statement."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def begin(self, maker: Maker, papers: int) -> int:
        """Record the start of a run over this many papers; return the run's id."""
        row = {"engine": maker.engine, "model": maker.model, "papers": papers, "started_at": now()}
        return insert(self._db, "runs", row)

    def end(self, run_id: int, *, annotated: int, failed: int, ending: str) -> None:
        """Record how a run ended: ``done``, or why it stopped. A run without an ending was killed."""
        self._db.execute(
            "UPDATE runs SET annotated = ?, failed = ?, ending = ?, ended_at = ? WHERE id = ?",
            [annotated, failed, ending, now(), run_id],
        )

    def spent(self, run_id: int) -> Spent:
        """Return what a run has cost so far."""
        sums = self._db.execute(f"SELECT {SPENT_SUMS} FROM replies WHERE run_id = ?", [run_id]).fetchone()  # noqa: S608
        purposes = self._db.execute(
            """SELECT purpose, sum(input_tokens + output_tokens) FROM replies WHERE run_id = ?
               GROUP BY 1 ORDER BY 2 DESC""",
            [run_id],
        )
        return Spent(**dict(sums), by_purpose={each[0]: each[1] for each in purposes})

    def latest(self, limit: int = 10) -> list[dict[str, Any]]:
        """Return the most recent runs, latest first, each as its columns plus the fields of `Spent`."""
        rows = self._db.execute("SELECT * FROM runs ORDER BY id DESC LIMIT ?", [limit]).fetchall()
        return [{**dict(row), **asdict(self.spent(row["id"]))} for row in rows]
