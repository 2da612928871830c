"""A paper in arXiv's metadata snapshot on Kaggle: https://www.kaggle.com/datasets/Cornell-University/arxiv."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broadsheet.sources.field_values import value_at


def fits(row: Mapping[str, Any]) -> bool:
    """Tell whether a record has arXiv's parsed authors, or its versions and categories."""
    return "authors_parsed" in row or {"versions", "categories", "update_date"} <= row.keys()


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the paper's values, with the number of its last version and the date of its first."""
    versions = value_at(row, "versions.version") or [""]
    categories = row.get("categories")
    return {
        "id": row.get("id"),
        "title": row.get("title"),
        "abstract": row.get("abstract"),
        "authors": _names(row.get("authors_parsed")) or row.get("authors"),
        "published": value_at(row, "versions.0.created") or row.get("update_date"),
        "version": str(versions[-1]).removeprefix("v"),
        "comment": row.get("comments"),
        "doi": row.get("doi"),
        "categories": categories.split() if isinstance(categories, str) else categories,
        "journal-ref": row.get("journal-ref"),
    }


def _names(parsed: Any) -> list[str]:
    """Return names from lists of last name, first name and suffix; affiliations may follow."""
    people = parsed if isinstance(parsed, list) else []
    return [
        " ".join(part for part in (*person[1::-1], *person[2:3]) if isinstance(part, str) and part)
        for person in people
        if isinstance(person, list)
    ]
