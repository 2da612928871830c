"""Stores the state of the code links in current annotations, and when each was checked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.record import LinkState
from broadsheet.store.rows import decodes_rows, insert, now

FRESH_FOR = timedelta(days=7)
_CHUNK = 500


class Links:
    """Queries and updates of links."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @decodes_rows
    def due(self, *, all_links: bool = False) -> list[str]:
        """Return the distinct code URLs of current annotations: all, or those not checked within a week."""
        since = (datetime.now(UTC) - FRESH_FOR).isoformat()
        fresh = {row[0] for row in self._db.execute("SELECT url FROM links WHERE checked_at > ?", [since])}
        rows = self._db.execute(
            """SELECT a.code_urls FROM papers JOIN annotations a ON a.key = papers.current_key
               WHERE a.code_urls != '[]' ORDER BY papers.first_seen DESC, papers.rowid"""
        )
        urls = dict.fromkeys(url for row in rows for url in json.loads(row[0] or "[]"))
        return [url for url in urls if all_links or url not in fresh]

    def keep(self, url: str, state: LinkState, detail: str) -> None:
        """Store the result of a check, replacing that of an earlier one."""
        row = {"url": url, "state": state, "detail": detail, "checked_at": now()}
        insert(self._db, "links", row, "INSERT OR REPLACE")

    def states(self, urls: Iterable[str]) -> dict[str, LinkState]:
        """Return the state of each of these URLs, leaving out those never checked."""
        wanted = list(dict.fromkeys(urls))
        found: dict[str, LinkState] = {}
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            marks = ", ".join("?" * len(chunk))
            rows = self._db.execute(f"SELECT url, state FROM links WHERE url IN ({marks})", chunk)  # noqa: S608
            found |= {row["url"]: row["state"] for row in rows}
        return found
