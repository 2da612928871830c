"""arXiv's query API: entries by search or by id. https://info.arxiv.org/help/api/user-manual.html."""

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
"""Seconds between two requests: https://info.arxiv.org/help/api/tou.html asks for one every three."""


def host() -> Host:
    """The servers of arXiv, which count as one: one request in three seconds over all of them."""
    return Host(NAME, PACE_S, "application/atom+xml, application/rss+xml, application/xml, text/xml")


def search(
    client: Client, settings: Settings, parameters: Mapping[str, str], *, most: int
) -> Iterator[dict[str, Any]]:
    """Entries that a search finds, each once, at most so many, as records.

    Raises:
        SourceError: arXiv is out of reach, refuses the query, or stops before all results are told.
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
                f"{NAME}: {len(seen)} of {total} results came before a page without any; try again later."
            )


def by_ids(client: Client, settings: Settings, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Records by arXiv id without version; arXiv may answer in any order and leave some out.

    Raises:
        SourceError: arXiv is out of reach or refuses.
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
    """The entries of a reply; arXiv tells of an error in the form of one entry.

    Raises:
        SourceError: It does.
    """
    entries = [child for child in root if feeds.local_name(child) == "entry"]
    for entry in entries:
        told = feeds.record(entry)
        if "/api/errors" in told["id"] or (len(entries) == 1 and told["title"] == "Error"):
            raise SourceError(f"{NAME} refuses the query: {told['abstract'] or 'it does not say why'}.")
    return entries


def _total(root: Element) -> int:
    told = next((child.text or "" for child in root if feeds.local_name(child) == "totalResults"), "")
    return int(told) if told.strip().isdecimal() else 0
