"""Reads a saved HTML page of Hugging Face's papers from the properties of its components."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources.field_values import Unreadable
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import Record, papers

NAME = "html-page"
# A comment is taken as a whole or not at all (the atomic group), or many of them would take exponential time.
_BEGINNING = re.compile(
    r"\s*+(?:(?><!--.*?-->)\s*+)*+<(?:!doctype html|html|head|body)", re.IGNORECASE | re.DOTALL
)
_PROPERTIES = re.compile(r"""\bdata-props=(?:"([^"]*)"|'([^']*)')""")


def recognises(text: str, fields: Mapping[str, str]) -> bool:  # noqa: ARG001 - its attributes are fixed
    """Tell whether a text begins like HTML."""
    return bool(_BEGINNING.match(text.lstrip("\ufeff")))


def read(listing: Listing) -> Iterator[Paper]:
    """Yield the papers of the page, each with its sighting on the day given in its row.

    Raises:
        SourceError: The file cannot be read, or does not contain a list of papers.
    """
    rows = list(_rows(listing.text()))
    if not rows:
        raise SourceError(f"{listing.name} is an HTML page without Hugging Face's list of papers.")
    return papers(listing, NAME, ((f"row {number}", _record(row)) for number, row in enumerate(rows, 1)))


def _record(row: Any) -> Record:
    return row if isinstance(row, dict) else Unreadable("it is not a JSON object")


def _rows(page: str) -> Iterator[Any]:
    """Yield the distinct rows in the ``data-props`` attributes of the page's components."""
    seen: set[str] = set()
    for quoted in _PROPERTIES.findall(page):
        try:
            properties = json.loads(html.unescape("".join(quoted)))
        except (ValueError, RecursionError):
            continue
        rows = properties.get("dailyPapers") if isinstance(properties, dict) else None
        for row in rows if isinstance(rows, list) else []:
            key = json.dumps(row, sort_keys=True)
            if key not in seen:
                seen.add(key)
                yield row
