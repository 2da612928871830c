"""Reads CSV with a header line, separated by commas, semicolons, tabs or vertical bars."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import Record, Unreadable, names_title, papers

NAME = "csv"
_SURPLUS = ""  # the key of the values beyond the last column
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


def _rows(listing: Listing) -> Iterator[tuple[str, Record]]:
    csv.field_size_limit(_LONGEST_FIELD)
    lines = (line + "\n" for _, line in listing.lines())
    header = next((line for line in lines if line.strip()), "").strip()
    columns = _columns(header)
    rows = csv.DictReader(lines, columns, restkey=_SURPLUS, delimiter=_divider(header))
    number = 1
    try:
        for number, row in enumerate(rows, 2):
            surplus = len(row.pop(_SURPLUS, ()))
            message = f"it has {len(columns) + surplus} columns, the header {len(columns)}"
            yield f"row {number}", Unreadable(message) if surplus else row
    except csv.Error as error:
        raise SourceError(f"{listing.name} cannot be read after row {number} ({error}).") from error


def _columns(header: str) -> list[str]:
    row = next(csv.reader([header.replace("\r", " ")], delimiter=_divider(header)), [])
    return [name.strip() for name in row] if len(row) > 1 else []


def _divider(header: str) -> str:
    return max(_DIVIDERS, key=header.count)
