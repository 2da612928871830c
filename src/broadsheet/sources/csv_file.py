"""CSV with a header line; commas, semicolons, tabs or bars divide its columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import Told, Unreadable, names_title, papers

NAME = "csv"
_DIVIDERS = ",;\t|"
_LONGEST_FIELD = 16 * 1024 * 1024  # the library's own limit of 128 KiB is less than some abstracts have


def recognises(text: str, fields: Mapping[str, str]) -> bool:
    """Whether the first line names columns, one of them the title."""
    return names_title(_columns(text.lstrip().partition("\n")[0]), fields)


def read(listing: Listing) -> Iterator[Paper]:
    """Papers of a CSV file, each with its sighting.

    Raises:
        SourceError: The file cannot be read, or no row of it is a paper.
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
            raise SourceError(f"{listing.name} cannot be read beyond row {number} ({error}).") from error
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
