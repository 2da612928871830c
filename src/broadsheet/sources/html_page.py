"""Reads a saved HTML page of Hugging Face's papers from the properties of its components."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources import daily_papers
from broadsheet.sources.listing import Listing

NAME = "html-page"
_BEGINNING = re.compile(r"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body)", re.IGNORECASE | re.DOTALL)


def recognises(text: str, fields: Mapping[str, str]) -> bool:  # noqa: ARG001 - its attributes are fixed
    """Tell whether a text begins like HTML."""
    return bool(_BEGINNING.match(text.lstrip("\ufeff")))


def read(listing: Listing) -> Iterator[Paper]:
    """Yield the papers of the page, each with its sighting on the day given in its row.

    Raises:
        SourceError: The file cannot be read, or does not contain a list of papers.
    """
    page = _Page()
    page.feed(listing.text())
    page.close()
    if not page.rows:
        raise SourceError(f"{listing.name} is an HTML page without Hugging Face's list of papers.")
    return daily_papers.papers(listing, NAME, page.rows)


class _Page(HTMLParser):
    """Collects the rows from the ``data-props`` attributes of the page's components."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[Any] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - its name
        properties = dict(attrs).get("data-props")
        if not properties or "dailyPapers" not in properties:
            return
        try:
            carried = json.loads(properties)
        except (ValueError, RecursionError):
            return
        rows = carried.get("dailyPapers") if isinstance(carried, dict) else None
        if isinstance(rows, list):
            self.rows.extend(row for row in rows if row not in self.rows)
