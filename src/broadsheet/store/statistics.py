"""Counts over the whole cache, computed on demand."""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.engines import free
from broadsheet.store.rows import SPENT_SUMS

_CODE = """SELECT code_status, count(*) FROM annotations JOIN papers ON current_key = key
    GROUP BY 1 ORDER BY 2 DESC"""


class Statistics:
    """Queries for totals."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def summary(self) -> dict[str, Any]:
        """Return all totals by name; ``cost_usd`` is None if the price of any reply is unknown."""
        sums = self._db.execute(
            f"SELECT {SPENT_SUMS} FROM replies WHERE engine NOT IN (SELECT value FROM json_each(?))",  # noqa: S608
            [json.dumps(free())],
        ).fetchone()
        paid = self._db.execute(
            "SELECT count(*) FROM annotations WHERE engine NOT IN (SELECT value FROM json_each(?))",
            [json.dumps(free())],
        ).fetchone()[0]
        return {
            "papers": self._number("SELECT count(*) FROM papers"),
            "sightings": self._number("SELECT count(*) FROM sightings"),
            "revised": self._number("SELECT count(*) FROM papers WHERE revised_at IS NOT NULL"),
            "annotated": self._number("SELECT count(*) FROM papers WHERE current_key IS NOT NULL"),
            "annotations by engine": self._counts(
                "SELECT engine || ' ' || model, count(*) FROM annotations GROUP BY 1 ORDER BY 2 DESC"
            ),
            "code": self._counts(_CODE),
            "findings": self._counts(
                """SELECT field || ' ' || kind, count(*) FROM findings JOIN papers ON current_key = key
                   GROUP BY 1 ORDER BY 2 DESC"""
            ),
            "failures": self._counts("SELECT reason, count(*) FROM failures GROUP BY 1 ORDER BY 2 DESC"),
            "fetches": self._counts(
                """SELECT source || ' ' || coalesce(status, 'unanswered'), count(*) FROM fetches
                   GROUP BY 1 ORDER BY 1"""
            ),
            "editions": self._number("SELECT count(*) FROM editions"),
            **dict(sums),
            "tokens by purpose": self._counts(
                """SELECT purpose, sum(input_tokens + output_tokens) FROM replies
                   WHERE input_tokens + output_tokens > 0 GROUP BY 1 ORDER BY 2 DESC"""
            ),
            "usd_per_1000_papers": sums["cost_usd"] and paid and sums["cost_usd"] / paid * 1000,
        }

    def of_papers(self) -> dict[str, Any]:
        """Return those totals that are about papers alone, which takes two thirds of the time."""
        code = self._counts(_CODE)
        return {
            "papers": self._number("SELECT count(*) FROM papers"),
            "annotated": sum(code.values()),
            "revised": self._number("SELECT count(*) FROM papers WHERE revised_at IS NOT NULL"),
            "editions": self._number("SELECT count(*) FROM editions"),
            "code": code,
        }

    def _number(self, sql: str) -> int:
        return int(self._db.execute(sql).fetchone()[0])

    def _counts(self, sql: str) -> dict[str, int]:
        return {row[0]: row[1] for row in self._db.execute(sql)}
