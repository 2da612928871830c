"""``hf``: Hugging Face's daily papers for the look-back period, or for a query (``hf?week=2025-W11``).

https://huggingface.co/api/daily_papers takes ``date``, ``week``, ``month``, ``sort`` (publishedAt or
trending), ``p`` from 0 and ``limit``. huggingface_hub (2.4) is not used because it looks for the AI summary,
the repository and its stars at the wrong level of the rows and so loses them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from urllib.parse import parse_qsl

from broadsheet.config import Settings
from broadsheet.errors import SourceError, UserError
from broadsheet.paper import Paper
from broadsheet.sources import daily_papers
from broadsheet.sources.calendar import days, is_weekend
from broadsheet.sources.http import Client, Host
from broadsheet.sources.listing import Listing, listable_today

NAME = "hf"
PACE_S = 0.7
"""Seconds between two requests; without a key, 500 requests in five minutes are allowed."""
_ROWS_A_PAGE = 100
_MOST_PAGES = 50
_PARAMETERS = {"date", "week", "month", "sort", "submitter"}


class HuggingFace:
    """Hugging Face's daily papers."""

    def __init__(
        self,
        query: dict[str, str],
        *,
        day: date | None,
        on_trouble: Callable[[str], None],
        settings: Settings,
    ) -> None:
        self.name = NAME
        self._query = query
        self._day = day or listable_today()
        self._on_trouble = on_trouble
        self._settings = settings

    def fetch(self, since: date) -> Iterator[Paper]:
        """Yield the papers listed from a day to the day of the run, or those that match the query.

        Raises:
            SourceError: The API cannot be reached, refuses the request, or sends an unreadable reply.
        """
        with Client(self._settings) as client:
            if self._query:
                yield from self._pages(client, self._query, self._day)
                return
            for day in days(since, self._day):
                found = False
                for paper in self._pages(client, {"date": day.isoformat()}, day):
                    found = True
                    yield paper
                if not found and not is_weekend(day):
                    self._on_trouble(f"{NAME} lists nothing on {day:%A}, {day}; it may be late.")

    def _pages(self, client: Client, query: dict[str, str], day: date) -> Iterator[Paper]:
        """Yield the papers of a query, page by page, until a page is short or has nothing new."""
        host = Host(NAME, PACE_S, "application/json")
        listing = Listing(_origin(query), lambda: io.BytesIO(b""), self._on_trouble, day=day)
        seen: set[str] = set()
        for page in range(_MOST_PAGES):
            parameters: dict[str, str | int] = {**query, "p": page, "limit": _ROWS_A_PAGE}
            rows = _rows(client.get(host, f"{self._settings.hf_url}/api/daily_papers", parameters))
            fresh = [row for row in rows if (key := _key(row)) not in seen and not seen.add(key)]  # type: ignore[func-returns-value]
            if fresh:
                first_rank = len(seen) - len(fresh) + 1
                yield from daily_papers.papers(listing, NAME, fresh, first_rank)
            if not fresh or len(rows) < _ROWS_A_PAGE:
                return


def open_named(
    argument: str, *, day: date | None, on_trouble: Callable[[str], None], settings: Settings
) -> HuggingFace:
    """Return the source for ``hf`` or ``hf?QUERY``.

    Raises:
        UserError: The query has a parameter that the API does not support.
    """
    query = dict(parse_qsl(argument.lstrip("?:"), keep_blank_values=True))
    if unknown := sorted(set(query) - _PARAMETERS) or (argument.strip("?:") and not query):
        raise UserError(f"hf?… accepts {', '.join(sorted(_PARAMETERS))}, not {unknown or argument}.")
    return HuggingFace(query, day=day, on_trouble=on_trouble, settings=settings)


def _origin(query: dict[str, str]) -> str:
    return "daily" if set(query) == {"date"} else "&".join(f"{name}={value}" for name, value in query.items())


def _rows(body: bytes) -> list[Any]:
    try:
        rows = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"{NAME} sent a reply that is not valid JSON ({error}); try again later."
        ) from error
    if not isinstance(rows, list):
        said = rows.get("error") if isinstance(rows, dict) else None
        raise SourceError(f"{NAME} did not send a list of papers{f' but {said!r}' if said else ''}.")
    return rows


def _key(row: Any) -> str:
    return str(row["paper"]["id"]) if daily_papers.is_row(row) else json.dumps(row, sort_keys=True)
