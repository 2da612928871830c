"""arXiv's query API, by search or by id: https://info.arxiv.org/help/api/user-manual.html."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
    for start in range(0, most, ENTRIES_A_PAGE):
        size = min(ENTRIES_A_PAGE, most - start)
        wanted: dict[str, str | int] = {**parameters, "start": start, "max_results": size}
        entries, total = _page(client, settings, wanted)
        fresh = [entry for entry in entries if entry["id"] not in seen]
        seen.update(entry["id"] for entry in fresh)
        yield from fresh
        if start + size >= total:
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
        chunk = ids[start : start + IDS_A_REQUEST]
        parameters: dict[str, str | int] = {"id_list": ",".join(chunk), "max_results": len(chunk)}
        entries, _ = _page(client, settings, parameters)
        found |= {identifiers.arxiv_id(entry["id"])[0]: entry for entry in entries}
    return found


def _page(
    client: Client, settings: Settings, parameters: Mapping[str, str | int]
) -> tuple[list[dict[str, Any]], int]:
    """Return the entries of a reply as records, and how many results the query has in all.

    Raises:
        SourceError: The request fails, or the reply is an error, which arXiv sends as a single entry.
    """
    root = feeds.document(client.get(host(), settings.arxiv_api_url, parameters), "arXiv's reply")
    entries = [feeds.record(entry) for entry in feeds.named(root, "entry")]
    for entry in entries:
        if "/api/errors" in entry["id"] or (len(entries) == 1 and entry["title"] == "Error"):
            raise SourceError(f"{NAME} rejected the query: {entry['abstract'] or 'it does not say why'}.")
    total = next((each.text or "" for each in feeds.named(root, "totalResults")), "").strip()
    return entries, int(total) if total.isdecimal() else 0
