"""Runs of the annotate stage, and what their tokens went into; totals are counted from replies."""

from __future__ import annotations

from dataclasses import asdict, dataclass
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

    def waste(self, run_id: int, reply_id: int, paper_id: str, cause: str, tokens: int) -> None:
        """Record that a paper's share of a reply, so many tokens, brought no annotation, and why."""
        self._db.execute(
            "INSERT INTO wasted_tokens (run_id, reply_id, paper_id, cause, tokens) VALUES (?, ?, ?, ?, ?)",
            [run_id, reply_id, paper_id, cause, tokens],
        )

    def spent(self, run_id: int) -> Spent:
        """What a run has cost so far."""
        return self._spent("FROM (SELECT *, 1 AS sharers FROM replies WHERE run_id = ?)", run_id, "run_id")

    def spent_on(self, paper_id: str) -> Spent:
        """What a paper has cost in all runs: of each answer its share, the same as its neighbours'."""
        replies = """FROM (SELECT *, (SELECT count(*) FROM json_each(papers)) AS sharers FROM replies
            WHERE EXISTS (SELECT 1 FROM json_each(papers) WHERE json_extract(value, '$[0]') = ?))"""
        return self._spent(replies, paper_id, "paper_id")

    def _spent(self, replies: str, wanted: int | str, column: str) -> Spent:
        row = self._db.execute(
            f"""SELECT count(*), coalesce(sum(1.0 * input_tokens / sharers), 0),
                    coalesce(sum(1.0 * cached_tokens / sharers), 0),
                    coalesce(sum(1.0 * output_tokens / sharers), 0),
                    CASE WHEN count(*) = count(cost_usd) THEN coalesce(sum(cost_usd / sharers), 0.0) END
                {replies}""",
            [wanted],
        ).fetchone()
        wasted = self._db.execute(
            f"SELECT cause, sum(tokens) FROM wasted_tokens WHERE {column} = ? GROUP BY 1 ORDER BY 2 DESC",  # noqa: S608
            [wanted],
        )
        causes = {row[0]: row[1] for row in wasted}
        return Spent(row[0], round(row[1]), round(row[2]), round(row[3]), causes, row[4])

    def latest(self, limit: int = 10) -> list[dict[str, Any]]:
        """The last runs, latest first: their columns, and what they cost by the names of `Spent`."""
        rows = self._db.execute("SELECT * FROM runs ORDER BY id DESC LIMIT ?", [limit]).fetchall()
        return [{**dict(row), **asdict(self.spent(row["id"]))} for row in rows]
