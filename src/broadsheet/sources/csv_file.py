"""Reads CSV with a header line, separated by commas, semicolons, tabs or vertical bars."""

from __future__ import annotations

import csv
import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources.field_values import Unreadable
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import NAMES, Record, names_title, papers, plain
from broadsheet.spreadsheets import unguarded
from broadsheet.text import plural

NAME = "csv"
_DIVIDERS = ",;\t|"
_LONGEST_FIELD = 16 * 1024 * 1024  # some fields exceed the csv module's default limit of 128 KiB
_LONGEST_ROW = 1000
"""Lines of the longest row; the longest abstract that we found had 40."""
_LINES_READ_AGAIN = 100_000
"""After so many lines of rows that turned out broken, rows may be shorter, so that time stays linear."""
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
    lines = _Lines(listing.lines())
    header = next((line for line in lines if line.strip()), "").strip()
    columns = _columns(header)
    if not (names_title(columns, listing.fields) or any(plain(name) in NAMES["title"] for name in columns)):
        raise SourceError(
            f"{listing.name} is a table without a title column; name it with --map title=COLUMN, out of"
            f" {', '.join(columns)}."
        )
    torn = False  # a row was broken, and what follows may be its rest
    for number, cells, wrong in _cells(lines, _divider(header), len(columns)):
        trouble = wrong
        if not trouble and len(cells) > len(columns):
            trouble = f"it has {len(cells)} columns, the header {len(columns)}"
        elif not trouble and torn and len(cells) < len(columns):
            trouble = f"it has {plural(len(cells), 'column')} of {len(columns)} and follows a broken row"
        torn = bool(trouble)
        yield (
            f"line {number}",
            Unreadable(trouble) if trouble else dict(zip(columns, map(unguarded, cells), strict=False)),
        )


class _Lines:
    """The lines of a file, of which some can be given back to be read again.

    Attributes:
        number: The number of the line read last, from 1.
    """

    def __init__(self, numbered: Iterator[tuple[int, str]]) -> None:
        self._numbered = numbered
        self._again: deque[tuple[int, str]] = deque()
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.number, line = self._again.popleft() if self._again else next(self._numbered)
        return line

    def give_back(self, lines: list[tuple[int, str]]) -> None:
        self._again.extendleft(reversed(lines))


def _cells(lines: _Lines, divider: str, columns: int) -> Iterator[tuple[int, list[str], str]]:
    """Yield each row's first line, its cells, and what is wrong with it.

    A quote that is never closed, or that another row's quote closes, would swallow the rows between them. So
    a row whose quotes do not match is its first line alone, and the next line begins a row again.
    """
    patience = _LINES_READ_AGAIN
    for first in lines:
        if not first.strip():
            continue
        start, taken = lines.number, [(lines.number, first)]
        longest = _LONGEST_ROW if patience > 0 else _LONGEST_ROW // 50
        try:
            row = next(_parsed(_row_lines(lines, taken, longest), divider, strict=True))
        except csv.Error:
            patience -= len(taken)
            lines.give_back(taken[1:])
            yield start, *_first_line(first, divider, columns)
        else:
            yield start, row, ""


def _row_lines(lines: _Lines, taken: list[tuple[int, str]], longest: int) -> Iterator[str]:
    """Yield a row's lines for as long as the parser asks for more, up to a bound, and note them."""
    yield taken[0][1] + "\n"
    characters = len(taken[0][1])
    for line in itertools.islice(lines, longest - 1):
        taken.append((lines.number, line))
        characters += len(line)
        if characters > _LONGEST_FIELD:
            return
        yield line + "\n"


def _first_line(line: str, divider: str, columns: int) -> tuple[list[str], str]:
    """Return the cells of a line with unmatched quotes, and what is wrong unless it is a whole row."""
    try:
        cells = next(_parsed([line], divider))
    except csv.Error as error:
        return [], f"it is not valid CSV ({error})"
    return cells, "" if len(cells) == columns else "it has a quote without its counterpart"


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


def _parsed(lines: Iterable[str], divider: str, *, strict: bool = False) -> Iterator[list[str]]:
    return csv.reader((line.replace("\r", " ") for line in lines), delimiter=divider, strict=strict)


def _divider(header: str) -> str:
    return max(_DIVIDERS, key=header.count)
