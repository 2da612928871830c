"""Counts papers by week: what trends are made from."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.filters import Filter
from broadsheet.store.conditions import condition
from broadsheet.store.fields import Fields
from broadsheet.store.rows import decodes_rows
from broadsheet.trends import PERIOD_DAYS, Period, Trends, compared, periods_until

_ROWS_AT_ONCE = 1_000


class WeeklyCounts:
    """Questions about the papers of some weeks."""

    def __init__(self, db: Database, fields: Fields) -> None:
        self._db = db
        self._fields = fields

    def trends(self, until: date | None = None, where: Filter | None = None) -> Trends:
        """Return the trends of the papers that pass a filter, in the weeks up to a day.

        The work is that of the papers of those weeks, however many the cache has.

        Args:
            until: The last day; by default, the latest on which a paper was first seen.
            where: Which papers; its days of first sighting are those of the weeks.
        """
        start, latest = self._known()
        last = until or latest
        spans = periods_until(last, start) if start and last else []
        if not spans:
            return Trends()
        where = where or Filter()
        tally = self._tally(spans, where)
        periods = [
            Period(
                first=first,
                last=end,
                papers=tally.papers[number],
                code=tally.code[number],
                revised=self._revised(first, end, where),
            )
            for number, (first, end) in enumerate(spans)
        ]
        return compared(periods, tally.topics, {**tally.topics, **tally.contributions}, tally.keywords)

    @decodes_rows
    def _known(self) -> tuple[date | None, date | None]:
        """Return the earliest and the latest day on which a paper was first seen."""
        row = (
            self._db.execute(  # SQLite answers each alone by an index, and both together by reading it whole
                "SELECT (SELECT min(first_seen) FROM papers), (SELECT max(first_seen) FROM papers)"
            ).fetchone()
        )
        first, last = (date.fromisoformat(day) if day else None for day in row)
        return first, last

    @decodes_rows
    def _tally(self, spans: Sequence[tuple[date, date]], where: Filter) -> _Tally:
        """Count the annotated papers of the periods.

        One plain row a paper, counted here: grouping in SQLite took five times as long.
        """
        days = {"since": spans[0][0], "until": spans[-1][1]}
        clause, values = condition(where.model_copy(update=days), self._fields.model)
        rows = self._db.execute(
            f"""SELECT papers.first_seen, a.code_status, a.contribution, a.topics, a.keywords
                FROM papers JOIN annotations a ON a.key = papers.current_key {clause}""",  # noqa: S608 - ours
            values,
        )
        rows.row_factory = None
        tally = _Tally(len(spans))
        while found := rows.fetchmany(_ROWS_AT_ONCE):
            for day, *said in found:
                tally.count((date.fromisoformat(day) - spans[0][0]).days // PERIOD_DAYS, *said)
        return tally

    def _revised(self, first: date, last: date, where: Filter) -> int:
        """Count the papers that pass a filter and whose words last changed on these days, in UTC."""
        clause, values = condition(where, self._fields.model)
        return int(
            self._db.execute(
                f"""SELECT count(*) FROM papers {clause or "WHERE 1"}
                    AND revised_at >= ? AND revised_at < date(?, '+1 day')""",  # noqa: S608 - ours
                [*values, first.isoformat(), last.isoformat()],
            ).fetchone()[0]
        )


class _Tally:
    """How many papers of each period there are, with code, with each tag and with each keyword."""

    def __init__(self, periods: int) -> None:
        self.papers, self.code = [0] * periods, [0] * periods
        self.topics, self.contributions, self.keywords = (
            defaultdict[str, list[int]](lambda: [0] * periods) for _ in range(3)
        )

    def count(self, period: int, *said: Any) -> None:
        """Count a paper of a period: its code status, its contribution, its topics and its keywords."""
        status, contribution, topics, keywords = said
        self.papers[period] += 1
        self.code[period] += status == "available"
        self.contributions[contribution][period] += 1
        for topic in _parsed(topics):
            self.topics[topic][period] += 1
        for keyword in {each.lower() for each in json.loads(keywords)}:
            self.keywords[keyword][period] += 1


@lru_cache(maxsize=4_096)
def _parsed(names: str) -> list[str]:
    """Return a list that many rows have."""
    found: list[str] = json.loads(names)
    return found
