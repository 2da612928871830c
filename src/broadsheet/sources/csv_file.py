"""Reads CSV with a header line, separated by commas, semicolons, tabs or vertical bars."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import Told, Unreadable, names_title, papers

NAME = "csv"
_DIVIDERS = ",;\t|"
_LONGEST_FIELD = 16 * 1024 * 1024  # some fields exceed the csv module's default limit of 128 KiB


def recognises(text: str, fields: Mapping[str, str]) -> bool:
    """Tell whether the first line is a header with a title column."""
    return names_title(_columns(text.lstrip().partition("\n")[0]), fields)


def read(listing: Listing) -> Iterator[Paper]:
    """Yield the papers of a CSV file, each with its sighting.

    Raises:
        SourceError: The file cannot be read, or none of its rows is a paper.
    """
    return papers(listing, NAME, _rows(listing))


def _rows(listing: Listing) -> Iterator[tuple[str, Told]]:
    csv.field_size_limit(_LONGEST_FIELD)
    lines = (line + "\n" for _, line in listing.lines())
    header = next((line for line in lines if line.strip()), "").strip()
    columns = _columns(header)
    rows = csv.reader(lines, delimiter=_divider(header))
    number = 1
    while True:
        number += 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise SourceError(f"{listing.name} cannot be read from row {number} on ({error}).") from error
        if len(row) > len(columns):
            yield f"row {number}", Unreadable(f"it has {len(row)} columns, the header {len(columns)}")
        elif any(row):
            yield f"row {number}", dict(zip(columns, row, strict=False))


def _columns(header: str) -> list[str]:
    try:
        row = next(csv.reader([header], delimiter=_divider(header)), [])
    except csv.Error:
        return []
    return [name.strip() for name in row] if len(row) > 1 else []


def _divider(header: str) -> str:
    return max(_DIVIDERS, key=header.count)
