"""A paper of Semantic Scholar, from its API or its bulk files: https://api.semanticscholar.org/api-docs.

The API writes ``externalIds``, the bulk files ``externalids``; fields that were not requested are missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broadsheet.sources.field_values import value_at

_MARKS = {"externalids", "openaccesspdf", "openaccessinfo", "tldr", "publicationdate", "s2fieldsofstudy"}


def fits(row: Mapping[str, Any]) -> bool:
    """Tell whether a record has Semantic Scholar's number, or its id beside another of its fields."""
    has_id = "paperId" in row or "paperid" in row
    return "corpusid" in row or (has_id and not _MARKS.isdisjoint(str(name).lower() for name in row))


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the paper's values; the summary by Semantic Scholar's model stays apart from the abstract."""
    row = {str(name).lower(): value for name, value in row.items()}
    external = row.get("externalids") or value_at(row, "openaccessinfo.externalids")
    pairs = external.items() if isinstance(external, Mapping) else ()
    ids = {str(name).lower(): value for name, value in pairs}
    return {
        "id": row.get("paperid") or row.get("corpusid"),
        "title": row.get("title"),
        "abstract": row.get("abstract"),
        "authors": row.get("authors"),
        "url": row.get("url") or value_at(row, "openaccesspdf.url"),
        "published": row.get("publicationdate") or row.get("year"),
        "doi": ids.get("doi"),
        "arxiv_id": ids.get("arxiv"),
        "tldr": value_at(row, "tldr.text"),
    }
