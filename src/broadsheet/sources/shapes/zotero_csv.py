"""A row of Zotero's CSV export: one item with up to 89 columns, many of them empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broadsheet.sources.identifiers import arxiv_id


def fits(row: Mapping[str, Any]) -> bool:
    """Tell whether a row has three columns that Zotero always writes."""
    return {"Item Type", "Publication Title", "Abstract Note"} <= row.keys()


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the item's values; ``Extra`` holds the arXiv id on a line of its own, beside other lines."""
    extra = str(row.get("Extra") or "").splitlines()
    return {
        "id": row.get("Key"),
        "title": row.get("Title"),
        "abstract": row.get("Abstract Note"),
        "authors": [name for name in str(row.get("Author") or "").split(";") if name.strip()],
        "url": row.get("Url"),
        "published": row.get("Date") or row.get("Publication Year"),
        "doi": row.get("DOI"),
        "arxiv_id": next((each for each in extra if arxiv_id(each)[0]), None),
        "comment": "\n\n".join(each for each in extra if each.strip() and not arxiv_id(each)[0]),
    }
