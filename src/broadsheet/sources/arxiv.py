"""``arxiv:cs.CL+cs.LG``: arXiv's announcements in some categories; ``arxiv?QUERY``: an arXiv search.

The announcement feed lists the papers of one day. The query API supplies their details (the feed lacks the
comment, which often links to code) and the announcements of earlier days. The ``arxiv`` package does not fit:
it limits the request rate per process only, and supports neither conditional requests nor the feed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qsl

from broadsheet.config import Settings
from broadsheet.errors import SourceError, UserError
from broadsheet.paper import Paper
from broadsheet.sources import arxiv_api, feeds, identifiers, records
from broadsheet.sources.calendar import days, is_weekend
from broadsheet.sources.http import Client
from broadsheet.sources.listing import Listing, listable_today

NAME = "arxiv"
_CATEGORY = re.compile(r"[a-z][a-z-]+(?:\.[A-Za-z-]{2,})?")
_MOST_RESULTS = 30_000  # the API's own limit for a query
_MOST_BY_DEFAULT = 200
# 14:00 Eastern (https://info.arxiv.org/help/availability.html) in UTC; in summer it is an hour earlier.
_CLOSES = time(19, 0)
_LONGEST_WAIT = timedelta(days=4)  # from a submission to its announcement, over a weekend


class Announcements:
    """arXiv's announcements in some categories."""

    def __init__(
        self, categories: str, *, day: date | None, on_trouble: Callable[[str], None], settings: Settings
    ) -> None:
        self.name = f"{NAME}:{categories}"
        self._categories = categories
        self._day = day or listable_today()
        self._on_trouble = on_trouble
        self._settings = settings

    def fetch(self, since: date) -> Iterator[Paper]:
        """Yield the papers announced from a day to the day of the run.

        Replacements of older papers are included only if the cache has the paper.

        Raises:
            SourceError: arXiv's query API cannot be reached, refuses, or sends an unreadable reply.
        """
        with Client(self._settings) as client:
            announced, trouble = self._feed(client, since)
            brought: set[date] = set()
            for record in self._searched(client, since):
                arxiv_id = identifiers.arxiv_id(record["id"])[0]
                day = announced.pop(arxiv_id, {}).get("day") or announced_on(record["published"], self._day)
                if since <= day <= self._day:
                    brought.add(day)
                    yield from self._told(record, day)
            if trouble:  # reported only once the API has answered; if it fails too, its error is enough
                self._on_trouble(trouble)
            details = arxiv_api.by_ids(client, self._settings, list(announced)) if announced else {}
            for arxiv_id, entry in announced.items():
                brought.add(entry["day"])
                if arxiv_id not in details:
                    self._on_trouble(
                        f"{self.name}: arXiv's API returned no details for {arxiv_id}; the feed's are used."
                    )
                yield from self._told(details.get(arxiv_id, entry), entry["day"])
        for day in days(since, self._day):
            if day not in brought and not is_weekend(day):
                self._on_trouble(f"{self.name} lists nothing on {day:%A}, {day}; it may be late.")

    def _feed(self, client: Client, since: date) -> tuple[dict[str, dict[str, Any]], str]:
        """Return the feed's entries by arXiv id, each with the feed's ``day``, and an error message or "".

        There are no entries if the feed failed or its day is outside the range.
        """
        url = f"{self._settings.arxiv_feed_url.rstrip('/')}/{self._categories}"
        try:
            root = feeds.document(client.get(arxiv_api.host(), url), "arXiv's feed")
        except SourceError as error:
            return {}, f"{error} The query API is used instead."
        channel = next((child for child in root if feeds.local_name(child) == "channel"), root)
        head = feeds.record(channel)
        day = records.date_in(head["published"])
        if day is None or not since <= day <= self._day:
            return {}, ""
        announced: dict[str, dict[str, Any]] = {}
        for entry in (child for child in channel if feeds.local_name(child) in {"entry", "item"}):
            told = feeds.record(entry)
            arxiv_id = identifiers.arxiv_id(told["id"])[0] or identifiers.arxiv_id(told["url"])[0]
            replaced = told["announce_type"].startswith("replace")
            if arxiv_id and (not replaced or client.store.papers.by_alias(f"arxiv:{arxiv_id}")):
                announced[arxiv_id] = {**told, "day": day}
        return announced, ""

    def _searched(self, client: Client, since: date) -> Iterator[dict[str, Any]]:
        """Yield the records of papers whose submission date allows an announcement on or after a day."""
        categories = " OR ".join(f"cat:{category}" for category in self._categories.split("+"))
        first, last = since - _LONGEST_WAIT, self._day
        query = f"({categories}) AND submittedDate:[{first:%Y%m%d}0000 TO {last:%Y%m%d}2359]"
        parameters = {"search_query": query, "sortBy": "submittedDate", "sortOrder": "ascending"}
        return arxiv_api.search(client, self._settings, parameters, most=_MOST_RESULTS)

    def _told(self, record: Mapping[str, Any], day: date) -> Iterator[Paper]:
        yield from told(record, day, self._categories, self._on_trouble)


class Search:
    """The results of an arXiv search."""

    def __init__(
        self, query: str, *, day: date | None, on_trouble: Callable[[str], None], settings: Settings
    ) -> None:
        self.name = f"{NAME}?{query}"
        self._query = query
        self._day = day or listable_today()
        self._on_trouble = on_trouble
        self._settings = settings
        parameters = dict(parse_qsl(query)) if re.search(r"(?:^|&)(?:search_query|id_list)=", query) else {}
        self._most = min(_MOST_RESULTS, int(parameters.pop("max_results", _MOST_BY_DEFAULT)))
        self._parameters = parameters or {
            "search_query": query,
            "sortBy": "submittedDate",
            "sortOrder": "descending",
        }

    def fetch(self, since: date) -> Iterator[Paper]:  # noqa: ARG002 - the query sets its own dates
        """Yield the papers that the search finds, sighted on the day of the run.

        Raises:
            SourceError: arXiv cannot be reached, refuses the query, or sends an unreadable reply.
        """
        with Client(self._settings) as client:
            for record in arxiv_api.search(client, self._settings, self._parameters, most=self._most):
                yield from told(record, self._day, self._query, self._on_trouble)


def told(
    record: Mapping[str, Any], day: date, origin: str, on_trouble: Callable[[str], None]
) -> Iterator[Paper]:
    """Yield the paper in an entry, with its sighting, or report why the entry is not a paper."""
    listing = Listing(origin, lambda: io.BytesIO(b""), on_trouble, day=day)
    words = {name: record[name] for name in ("announce_type", "categories") if record.get(name)}
    try:
        yield records.paper(record, listing.sighting(NAME, words=words))
    except records.Unreadable as reason:
        listing.trouble(f"{record.get('id') or 'an entry'} is skipped: {reason}")


def announced_on(submitted: str, otherwise: date) -> date:
    """Return the day on which arXiv lists a paper submitted at an ISO 8601 time, or `otherwise` if invalid.

    Submissions close at 14:00 Eastern, Monday to Friday, and are listed on the next weekday.
    """
    try:
        moment = datetime.fromisoformat(submitted.replace("Z", "+00:00")).astimezone(UTC)
    except ValueError:
        return otherwise
    closing = moment.date() + timedelta(days=moment.time() > _CLOSES)
    while closing.weekday() >= 5:
        closing += timedelta(days=1)
    return closing + timedelta(days=3 if closing.weekday() == 4 else 1)


def open_named(
    argument: str, *, day: date | None, on_trouble: Callable[[str], None], settings: Settings
) -> Announcements | Search:
    """Return the source for ``arxiv:CATEGORY+CATEGORY`` or ``arxiv?QUERY``.

    Raises:
        UserError: The categories or the query are missing or invalid.
    """
    kind, rest = argument[:1], argument[1:]
    if kind == "?" and rest:
        if (most := dict(parse_qsl(rest)).get("max_results", "1")) and not most.isdecimal():
            raise UserError(f"max_results in arxiv?… must be a number, not {most!r}.")
        return Search(rest, day=day, on_trouble=on_trouble, settings=settings)
    if kind == ":" and all(_CATEGORY.fullmatch(category) for category in rest.split("+")):
        return Announcements(rest, day=day, on_trouble=on_trouble, settings=settings)
    raise UserError("Name arXiv categories, such as arxiv:cs.CL+cs.LG, or a search, such as 'arxiv?ti:fog'.")
