"""A work of OpenAlex, from its API or snapshot: https://docs.openalex.org/api-entities/works/work-object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broadsheet.sources.field_values import value_at
from broadsheet.sources.identifiers import arxiv_id


def fits(row: Mapping[str, Any]) -> bool:
    """Tell whether a record has a field that only OpenAlex's works have."""
    return "authorships" in row or "abstract_inverted_index" in row


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the work's values; its abstract is put together from the positions of its words."""
    pages = value_at(row, "locations.landing_page_url") or []
    return {
        "id": str(row.get("id") or "").rpartition("/")[2],
        "title": row.get("title") or row.get("display_name"),
        "abstract": _abstract(row.get("abstract_inverted_index")),
        "authors": value_at(row, "authorships.author.display_name"),
        "url": value_at(row, "primary_location.landing_page_url") or row.get("doi"),
        "published": row.get("publication_date") or row.get("publication_year"),
        "doi": row.get("doi"),
        "arxiv_id": next((page for page in pages if arxiv_id(str(page))[0]), None),
    }


def _abstract(index: Any) -> str:
    if not isinstance(index, Mapping):
        return ""
    words = {
        place: str(word)
        for word, places in index.items()
        for place in (places if isinstance(places, list) else [])
        if isinstance(place, int)
    }
    return " ".join(words[place] for place in sorted(words))
