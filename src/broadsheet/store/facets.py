"""Counts for facets: which papers have which tag, code status, kind, source and month, by row number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.filters import Filter
from broadsheet.store.postings import can_count, numbers
from broadsheet.store.ranking import Ranking
from broadsheet.store.rows import decodes_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = Sequence[int] | NDArray[Any]
    """Row numbers: an array, which takes a quarter of the room, or a list where numpy is not installed."""
Facet = Literal["tag", "contribution", "code", "source", "month"]
OF_PAPERS: tuple[Facet, ...] = ("tag", "source", "month")
_PAIRS: dict[Facet, str] = {
    "tag": """SELECT t.tag AS value, p.rowid AS row FROM papers p JOIN tags t ON t.paper_id = p.id
        WHERE p.rowid BETWEEN ?1 AND ?2""",
    "source": """SELECT CASE s.origin WHEN '' THEN s.source ELSE s.source || ':' || s.origin END AS value,
            p.rowid AS row FROM papers p JOIN sightings s ON s.paper_id = p.id
            WHERE p.rowid BETWEEN ?1 AND ?2 AND s.source IN ('hf', 'arxiv')
        UNION ALL SELECT s.source, p.rowid FROM papers p JOIN sightings s ON s.paper_id = p.id
            WHERE p.rowid BETWEEN ?1 AND ?2""",
    "month": """SELECT substr(p.first_seen, 1, 7) AS value, p.rowid AS row FROM papers p
        WHERE p.rowid BETWEEN ?1 AND ?2""",
}
"""A value and the row of a paper that has it, maybe more than once. Of a source's listings only live ones
count by themselves: the others are files, whose names tell a reader little."""
ROWS_AT_ONCE = 131_072
"""So many papers are read at a time: all of a million together would take 40 MB."""


def _rows(joined: str | None) -> Rows:
    if can_count():
        return numbers(joined)
    return [int(row) for row in joined.split(",")] if joined else []


class Facets:
    """Questions that a page of facets asks of all papers at once."""

    def __init__(self, db: Database, ranking: Ranking) -> None:
        self._db, self._ranking = db, ranking

    def parts(self) -> Iterator[range]:
        """Yield the row numbers that all papers are among, some at a time."""
        end = 1 + int(self._db.execute("SELECT max(rowid) FROM papers").fetchone()[0] or 0)
        for start in range(0, end, ROWS_AT_ONCE):
            yield range(start, min(end, start + ROWS_AT_ONCE))

    def by_value(self, facet: Facet, among: range) -> Iterator[tuple[str, Rows]]:
        """Yield each value of a facet of papers with the row numbers of those that have it.

        Args:
            facet: The facet.
            among: Only papers in these rows.
        """
        cursor = self._db.execute(
            f"SELECT value, group_concat(row) FROM ({_PAIRS[facet]}) GROUP BY value",  # noqa: S608 - ours
            [among.start, among.stop - 1],
        )
        for value, rows in cursor:
            yield value, _rows(rows)

    def by_annotation(self, among: range) -> Iterator[tuple[dict[Facet, str], Rows]]:
        """Yield the values of the facets of annotations that go together, with the row numbers of the papers.

        To find the annotation of each paper takes most of the time, so that all facets share it.
        """
        cursor = self._db.execute(
            """SELECT a.contribution, a.code_status, group_concat(p.rowid)
               FROM papers p JOIN annotations a ON a.key = p.current_key
               WHERE p.rowid BETWEEN ? AND ? GROUP BY 1, 2""",
            [among.start, among.stop - 1],
        )
        for contribution, code, rows in cursor:
            yield {"contribution": contribution, "code": code}, _rows(rows)

    def rows(self, where: Filter | None = None) -> Rows:
        """Return the row numbers of the papers that pass a filter, in no order.

        Raises:
            UserError: No field has a name that the filter gives.
        """
        where = where or Filter()
        if where == Filter(search=where.search) and (ranked := self._ranking.found(where.search)) is not None:
            return ranked
        conditions, values = self._ranking.condition(where)
        found = self._db.execute(f"SELECT group_concat(papers.rowid) FROM papers {conditions}", values)  # noqa: S608 - ours
        return _rows(found.fetchone()[0])

    def day_before(self, day: date) -> date | None:
        """Return the last day before a day on which a paper was first seen, if there is one."""
        return self._day("SELECT max(first_seen) FROM papers WHERE first_seen < ?", day)

    def day_after(self, day: date) -> date | None:
        """Return the first day after a day on which a paper was first seen, if there is one."""
        return self._day("SELECT min(first_seen) FROM papers WHERE first_seen > ?", day)

    @decodes_rows
    def _day(self, query: str, day: date) -> date | None:
        found: Any = self._db.execute(query, [day.isoformat()]).fetchone()[0]
        return date.fromisoformat(found) if found else None
