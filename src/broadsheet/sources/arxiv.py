"""``arxiv:cs.CL+cs.LG``: arXiv's announcements in some categories; ``arxiv?QUERY``: an arXiv search.

The announcement feed lists the papers of one day. The query API supplies their details (the feed lacks the
comment, which often links to code) and the announcements of earlier days. The ``arxiv`` package does not fit:
it limits the request rate per process only, and supports neither conditional requests nor the feed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Unpack
from urllib.parse import parse_qsl

from broadsheet.errors import Notice, SourceError, UserError
from broadsheet.paper import Paper
from broadsheet.sources import arxiv_api, feeds, field_values, identifiers, records
from broadsheet.sources.calendar import days
from broadsheet.sources.http import Client
from broadsheet.sources.live import LiveSource, Options

NAME = "arxiv"
_CATEGORY = re.compile(r"[a-z][a-z-]+(?:\.[A-Za-z-]{2,})?")
_MOST_RESULTS = 30_000  # the API's own limit for a query
_MOST_BY_DEFAULT = 200
_LATEST_FIRST = {"sortBy": "submittedDate", "sortOrder": "descending"}
# 14:00 Eastern (https://info.arxiv.org/help/availability.html) in UTC; in summer it is an hour earlier.
_CLOSES = time(19, 0)
_LONGEST_WAIT = timedelta(days=4)  # from a submission to its announcement, over a weekend


class ArxivSource(LiveSource):
    """A source of arXiv's records."""

    def paper(self, record: Mapping[str, Any], day: date) -> Iterator[Paper]:
        """Yield the paper in a record, sighted on a day, or report why the record is not a paper."""
        listing = self.listing(self.query, day)
        try:
            yield records.paper(record, listing.sighting(NAME))
        except field_values.Unreadable as reason:
            listing.trouble(f"{record.get('id') or 'an entry'} is skipped: {reason}")


class Announcements(ArxivSource):
    """arXiv's announcements in some categories."""

    def fetch(self, since: date) -> Iterator[Paper]:
        """Yield the papers announced from a day to the day of the run.

        Replacements of older papers are included only if the cache has the paper.

        Raises:
            SourceError: arXiv's query API cannot be reached, refuses, or sends an unreadable reply.
        """
        with Client(self.settings) as client:
            announced, trouble = self._feed(client, since)
            listed: set[date] = set()
            for record in self._searched(client, since):
                arxiv_id = identifiers.arxiv_id(record["id"])[0]
                day = announced.pop(arxiv_id, {}).get("day") or announced_on(record["published"], self.day)
                if since <= day <= self.day:
                    listed.add(day)
                    yield from self.paper(record, day)
            if trouble:  # reported only once the API has answered; if it fails too, its error is enough
                self.on_trouble(Notice(trouble))
            details = arxiv_api.by_ids(client, self.settings, list(announced)) if announced else {}
            for arxiv_id, entry in announced.items():
                listed.add(entry["day"])
                if arxiv_id not in details:
                    missing = f"{self.name}: arXiv's API returned no details for {arxiv_id}"
                    self.on_trouble(Notice(f"{missing}; the feed's are used."))
                yield from self.paper(details.get(arxiv_id, entry), entry["day"])
        self.report_missing(day for day in days(since, self.day) if day not in listed)

    def _feed(self, client: Client, since: date) -> tuple[dict[str, dict[str, Any]], str]:
        """Return the feed's entries by arXiv id, each with the feed's ``day``, and an error message or "".

        There are no entries if the feed failed or its day is outside the range.
        """
        url = f"{self.settings.arxiv_feed_url.rstrip('/')}/{self.query}"
        try:
            root = feeds.document(client.get(arxiv_api.host(), url), "arXiv's feed")
        except SourceError as error:
            return {}, f"{error} The query API is used instead."
        channel = next(iter(feeds.named(root, "channel")), root)
        day = field_values.date_in(feeds.record(channel)["published"])
        if day is None or not since <= day <= self.day:
            return {}, ""
        announced: dict[str, dict[str, Any]] = {}
        for entry in map(feeds.record, feeds.named(channel, *feeds.ENTRIES)):
            arxiv_id = identifiers.arxiv_id(entry["id"])[0] or identifiers.arxiv_id(entry["url"])[0]
            replaced = entry["announce_type"].startswith("replace")
            if arxiv_id and (not replaced or client.store.papers.by_alias(f"arxiv:{arxiv_id}")):
                announced[arxiv_id] = {**entry, "day": day}
        return announced, ""

    def _searched(self, client: Client, since: date) -> Iterator[dict[str, Any]]:
        """Yield the records of papers whose submission date allows an announcement on or after a day."""
        categories = " OR ".join(f"cat:{category}" for category in self.query.split("+"))
        first, last = since - _LONGEST_WAIT, self.day
        query = f"({categories}) AND submittedDate:[{first:%Y%m%d}0000 TO {last:%Y%m%d}2359]"
        parameters = {"search_query": query, "sortBy": "submittedDate", "sortOrder": "ascending"}
        return arxiv_api.search(client, self.settings, parameters, most=_MOST_RESULTS)


class Search(ArxivSource):
    """The results of an arXiv search."""

    def fetch(self, since: date) -> Iterator[Paper]:  # noqa: ARG002 - the query sets its own dates
        """Yield the papers that the search finds, sighted on the day of the run.

        Raises:
            SourceError: arXiv cannot be reached, refuses the query, or sends an unreadable reply.
        """
        api_query = re.search(r"(?:^|&)(?:search_query|id_list)=", self.query)
        parameters = (
            dict(parse_qsl(self.query)) if api_query else {"search_query": self.query, **_LATEST_FIRST}
        )
        most = min(_MOST_RESULTS, int(parameters.pop("max_results", _MOST_BY_DEFAULT)))
        with Client(self.settings) as client:
            for record in arxiv_api.search(client, self.settings, parameters, most=most):
                yield from self.paper(record, self.day)


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


def open_named(argument: str, **options: Unpack[Options]) -> Announcements | Search:
    """Return the source for ``arxiv:CATEGORY+CATEGORY`` or ``arxiv?QUERY``.

    Raises:
        UserError: The categories or the query are missing or invalid.
    """
    kind, rest = argument[:1], argument[1:]
    if kind == "?" and rest:
        if (most := dict(parse_qsl(rest)).get("max_results", "1")) and not most.isdecimal():
            raise UserError(f"max_results in arxiv?… must be a number, not {most!r}.")
        return Search(f"{NAME}?{rest}", rest, **options)
    if kind == ":" and all(_CATEGORY.fullmatch(category) for category in rest.split("+")):
        return Announcements(f"{NAME}:{rest}", rest, **options)
    raise UserError("Name arXiv categories, such as arxiv:cs.CL+cs.LG, or a search, such as 'arxiv?ti:fog'.")
