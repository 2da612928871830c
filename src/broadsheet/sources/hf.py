"""``hf``: Hugging Face's daily papers for the look-back period, or for a query (``hf?week=2025-W11``).

https://huggingface.co/api/daily_papers takes ``date``, ``week``, ``month``, ``sort`` (publishedAt or
trending), ``p`` from 0 and ``limit``. huggingface_hub (2.4) is not used because it looks for the AI summary,
the repository and its stars at the wrong level of the rows and so loses them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Unpack
from urllib.parse import parse_qsl

from broadsheet.errors import SourceError, UserError
from broadsheet.paper import Paper
from broadsheet.sources import field_values, records
from broadsheet.sources.calendar import days
from broadsheet.sources.http import Client, Host
from broadsheet.sources.live import LiveSource, Options
from broadsheet.sources.shapes import hugging_face

NAME = "hf"
PACE_S = 0.7
"""Seconds between two requests; without a key, 500 requests in five minutes are allowed."""
_ROWS_A_PAGE = 100
_MOST_PAGES = 50
_PARAMETERS = {"date", "week", "month", "sort", "submitter"}


class HuggingFace(LiveSource):
    """Hugging Face's daily papers."""

    def fetch(self, since: date) -> Iterator[Paper]:
        """Yield the papers listed from a day to the day of the run, or those that match the query.

        Raises:
            SourceError: The API cannot be reached, refuses the request, or sends an unreadable reply.
        """
        with Client(self.settings) as client:
            if self.query:
                yield from self._pages(client, self.query, _parameters(self.query), self.day)
                return
            for day in days(since, self.day):
                found = False
                for paper in self._pages(client, "daily", {"date": day.isoformat()}, day):
                    found = True
                    yield paper
                if not found:
                    self.report_missing([day])

    def _pages(self, client: Client, origin: str, query: Mapping[str, str], day: date) -> Iterator[Paper]:
        """Yield the papers of a query, page by page, until a page is short or has nothing new."""
        host = Host(NAME, PACE_S, "application/json")
        seen: set[str] = set()
        for page in range(_MOST_PAGES):
            parameters: dict[str, str | int] = {**query, "p": page, "limit": _ROWS_A_PAGE}
            rows = _rows(client.get(host, f"{self.settings.hf_url}/api/daily_papers", parameters))
            fresh = {key: row for row in rows if (key := _key(row)) not in seen}
            if fresh:
                numbered = enumerate(fresh.values(), len(seen) + 1)
                found = ((f"row {number}", _record(row)) for number, row in numbered)
                yield from records.papers(self.listing(origin, day), NAME, found, first_rank=len(seen) + 1)
            seen.update(fresh)
            if not fresh or len(rows) < _ROWS_A_PAGE:
                return


def open_named(argument: str, **options: Unpack[Options]) -> HuggingFace:
    """Return the source for ``hf`` or ``hf?QUERY``.

    Raises:
        UserError: The query has a parameter that the API does not support.
    """
    query = argument.lstrip("?:")
    parameters = _parameters(query)
    if unknown := sorted(set(parameters) - _PARAMETERS) or (query and not parameters):
        raise UserError(f"hf?… accepts {', '.join(sorted(_PARAMETERS))}, not {unknown or argument}.")
    return HuggingFace(NAME, query, **options)


def _parameters(query: str) -> dict[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True))


def _rows(body: bytes) -> list[Any]:
    try:
        rows = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"{NAME} sent a reply that is not valid JSON ({error}); try again later."
        ) from error
    if not isinstance(rows, list):
        reason = rows.get("error") if isinstance(rows, dict) else None
        raise SourceError(f"{NAME} did not send a list of papers{f' but {reason!r}' if reason else ''}.")
    return rows


def _record(row: Any) -> records.Record:
    if isinstance(row, dict) and hugging_face.fits(row):
        return row
    return field_values.Unreadable("it has no paper with an id")


def _key(row: Any) -> str:
    record = _record(row)
    return str(record["paper"]["id"]) if isinstance(record, Mapping) else json.dumps(row, sort_keys=True)
