"""Runs of the annotate stage, and what their tokens went into; totals are counted from replies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.record import Maker
from broadsheet.store.papers import now


@dataclass(frozen=True, slots=True)
class Spent:
    """What requests have cost.

    Attributes:
        requests: Answers that came.
        input_tokens: Prompt tokens, those from the provider's prompt cache included.
        cached_tokens: Prompt tokens from the provider's prompt cache.
        output_tokens: Tokens of the answers.
        wasted: Tokens in and out that brought no annotation, by cause.
        cost_usd: US dollars; None where the price of an answer is unknown.
    """

    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    wasted: dict[str, int]
    cost_usd: float | None


class Runs:
    """Questions about runs. Each write is one statement."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def begin(self, maker: Maker, papers: int) -> int:
        """Record that a run over so many papers begins; returns its id."""
        cursor = self._db.execute(
            "INSERT INTO runs (engine, model, papers, started_at) VALUES (?, ?, ?, ?)",
            [maker.engine, maker.model, papers, now()],
        )
        return int(cursor.lastrowid or 0)

    def end(self, run_id: int, *, annotated: int, failed: int, ending: str) -> None:
        """Record how a run ended: ``done``, or why it stopped. One without an end was killed."""
        self._db.execute(
            "UPDATE runs SET annotated = ?, failed = ?, ending = ?, ended_at = ? WHERE id = ?",
            [annotated, failed, ending, now(), run_id],
        )

    def waste(self, run_id: int, reply_id: int, cause: str, tokens: int) -> None:
        """Record that so many tokens of a reply brought no annotation, and why."""
        self._db.execute(
            "INSERT INTO wasted_tokens (run_id, reply_id, cause, tokens) VALUES (?, ?, ?, ?)",
            [run_id, reply_id, cause, tokens],
        )

    def spent(self, run_id: int) -> Spent:
        """What a run has cost so far."""
        row = self._db.execute(
            """SELECT count(*), coalesce(sum(input_tokens), 0), coalesce(sum(cached_tokens), 0),
                   coalesce(sum(output_tokens), 0),
                   CASE WHEN count(*) = count(cost_usd) THEN coalesce(sum(cost_usd), 0.0) END
               FROM replies WHERE run_id = ?""",
            [run_id],
        ).fetchone()
        return Spent(row[0], row[1], row[2], row[3], self._wasted(run_id), row[4])

    def latest(self, limit: int = 10) -> list[dict[str, Any]]:
        """The last runs, latest first: their columns, and what they cost by the names of `Spent`."""
        rows = self._db.execute("SELECT * FROM runs ORDER BY id DESC LIMIT ?", [limit]).fetchall()
        return [{**dict(row), **_as_dict(self.spent(row["id"]))} for row in rows]

    def _wasted(self, run_id: int) -> dict[str, int]:
        rows = self._db.execute(
            "SELECT cause, sum(tokens) FROM wasted_tokens WHERE run_id = ? GROUP BY 1 ORDER BY 2 DESC",
            [run_id],
        )
        return {row[0]: row[1] for row in rows}


def _as_dict(spent: Spent) -> dict[str, Any]:
    return {name: getattr(spent, name) for name in Spent.__slots__}
