"""A row of Zotero's CSV export: one item with up to 89 columns, many of them empty."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from broadsheet.sources.identifiers import arxiv_id

_COMMENT = re.compile(r"(?:^|>|; )Comment: ([^<]*?)(?=<|$)")


def fits(row: Mapping[str, Any]) -> bool:
    """Tell whether a row has three columns that Zotero always writes."""
    return {"Item Type", "Publication Title", "Abstract Note"} <= row.keys()


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the item's values.

    ``Extra`` has the arXiv id on a line of its own. ``Notes`` are the reader's, except for the authors'
    comment, which Zotero saves from arXiv as a note that begins with ``Comment:``.
    """
    extra = str(row.get("Extra") or "").splitlines()
    comment = _COMMENT.search(str(row.get("Notes") or ""))
    return {
        "id": row.get("Key"),
        "title": row.get("Title"),
        "abstract": row.get("Abstract Note"),
        "authors": [name for name in str(row.get("Author") or "").split(";") if name.strip()],
        "url": row.get("Url"),
        "published": row.get("Date") or row.get("Publication Year"),
        "doi": row.get("DOI"),
        "arxiv_id": next((line for line in extra if arxiv_id(line)[0]), None),
        "comment": html.unescape(comment[1]) if comment else "",
    }
