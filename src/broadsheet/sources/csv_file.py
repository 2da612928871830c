"""Reads CSV with a header line, separated by commas, semicolons, tabs or vertical bars."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator, Mapping

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources.field_values import Unreadable
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import NAMES, Record, names_title, papers, plain

NAME = "csv"
_SURPLUS = ""  # the key of the values beyond the last column
_DIVIDERS = ",;\t|"
_LONGEST_FIELD = 16 * 1024 * 1024  # some fields exceed the csv module's default limit of 128 KiB
_LONGEST_HEADING = 60
_ROWS_LOOKED_AT = 5


def recognises(text: str, fields: Mapping[str, str]) -> bool:
    """Tell whether the first line is a header with a title column, or the header of a table with others.

    A table without a title column is recognised so that `read` can say what to do.
    """
    lines = text.lstrip().split("\n")
    columns = _columns(lines[0])
    return names_title(columns, fields) or "name" in map(plain, columns) or _is_table(columns, lines)


def read(listing: Listing) -> Iterator[Paper]:
    """Yield the papers of a CSV file, each with its sighting.

    Raises:
        SourceError: The file cannot be read, has no title column, or none of its rows is a paper.
    """
    return papers(listing, NAME, _rows(listing))


def _rows(listing: Listing) -> Iterator[tuple[str, Record]]:
    csv.field_size_limit(_LONGEST_FIELD)
    lines = (line + "\n" for _, line in listing.lines())
    header = next((line for line in lines if line.strip()), "").strip()
    columns = _columns(header)
    if not (names_title(columns, listing.fields) or any(plain(name) in NAMES["title"] for name in columns)):
        raise SourceError(
            f"{listing.name} is a table without a title column; name it with --map title=COLUMN, out of"
            f" {', '.join(columns)}."
        )
    rows = csv.DictReader(lines, columns, restkey=_SURPLUS, delimiter=_divider(header))
    number = 1
    try:
        for number, row in enumerate(rows, 2):
            surplus = len(row.pop(_SURPLUS, ()))
            message = f"it has {len(columns) + surplus} columns, the header {len(columns)}"
            yield f"row {number}", Unreadable(message) if surplus else row
    except csv.Error as error:
        raise SourceError(f"{listing.name} cannot be read after row {number} ({error}).") from error


def _is_table(columns: list[str], lines: list[str]) -> bool:
    """Tell whether the first lines are a table: short, distinct headings, and most rows as long as they are.

    Prose has commas too, so a heading must be known, or there must be three or more.
    """
    known = any(plain(name) in itertools.chain(*NAMES.values()) for name in columns)
    headed = len(set(columns)) == len(columns) and all(0 < len(name) < _LONGEST_HEADING for name in columns)
    if not headed or len(columns) < (2 if known else 3):
        return False
    try:
        rows = [
            row for row in itertools.islice(_parsed(lines[1:], _divider(lines[0])), _ROWS_LOOKED_AT) if row
        ]
    except csv.Error:
        return False
    return sum(len(row) == len(columns) for row in rows) * 2 >= len(rows)  # one may be ragged or cut off


def _columns(header: str) -> list[str]:
    row = next(_parsed([header], _divider(header)), [])
    return [name.strip() for name in row] if len(row) > 1 else []


def _parsed(lines: Iterable[str], divider: str) -> Iterator[list[str]]:
    return csv.reader((line.replace("\r", " ") for line in lines), delimiter=divider)


def _divider(header: str) -> str:
    return max(_DIVIDERS, key=header.count)
