"""arXiv's query API, by search or by id: https://info.arxiv.org/help/api/user-manual.html."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from broadsheet.config import Settings
from broadsheet.errors import SourceError
from broadsheet.sources import feeds, identifiers
from broadsheet.sources.http import Client, Host

NAME = "arxiv"
ENTRIES_A_PAGE = 200
IDS_A_REQUEST = 100

PACE_S = 3.0
"""Seconds between two requests, as https://info.arxiv.org/help/api/tou.html requires."""


def host() -> Host:
    """Return the host settings shared by all arXiv servers, whose request limit applies to them together."""
    return Host(NAME, PACE_S, "application/atom+xml, application/rss+xml, application/xml, text/xml")


def search(
    client: Client, settings: Settings, parameters: Mapping[str, str], *, most: int
) -> Iterator[dict[str, Any]]:
    """Yield the distinct entries that a search finds, at most ``most``, as records.

    Raises:
        SourceError: arXiv cannot be reached, refuses the query, or stops before the last result.
    """
    seen: set[str] = set()
    start = 0
    while start < most:
        asked = min(ENTRIES_A_PAGE, most - start)
        page = {**parameters, "start": str(start), "max_results": str(asked)}
        root = feeds.document(client.get(host(), settings.arxiv_api_url, page), "arXiv's reply")
        entries = [feeds.record(entry) for entry in _entries(root)]
        total = _total(root)
        fresh = [entry for entry in entries if entry["id"] not in seen]
        seen.update(entry["id"] for entry in fresh)
        yield from fresh
        start += asked
        if start >= total:
            return
        if not fresh:
            raise SourceError(
                f"{NAME}: only {len(seen)} of {total} results came before an empty page; try again later."
            )


def by_ids(client: Client, settings: Settings, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the records for some arXiv ids, by id without version; arXiv may leave some out.

    Raises:
        SourceError: arXiv cannot be reached or refuses the request.
    """
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(ids), IDS_A_REQUEST):
        asked = ids[start : start + IDS_A_REQUEST]
        parameters: dict[str, str | int] = {"id_list": ",".join(asked), "max_results": len(asked)}
        root = feeds.document(client.get(host(), settings.arxiv_api_url, parameters), "arXiv's reply")
        for entry in map(feeds.record, _entries(root)):
            found[identifiers.arxiv_id(entry["id"])[0]] = entry
    return found


def _entries(root: Element) -> list[Element]:
    """Return the entries of a reply.

    Raises:
        SourceError: The reply is an error, which arXiv sends in the form of a single entry.
    """
    entries = [child for child in root if feeds.local_name(child) == "entry"]
    for entry in entries:
        told = feeds.record(entry)
        if "/api/errors" in told["id"] or (len(entries) == 1 and told["title"] == "Error"):
            raise SourceError(f"{NAME} rejected the query: {told['abstract'] or 'it does not say why'}.")
    return entries


def _total(root: Element) -> int:
    told = next((child.text or "" for child in root if feeds.local_name(child) == "totalResults"), "")
    return int(told) if told.strip().isdecimal() else 0
