"""Reads JSON: a list of objects, one object, or a service's reply that holds such a list somewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources import shapes
from broadsheet.sources.field_values import Unreadable
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import Record, names_title, papers

NAME = "json"
_DEEPEST = 3
_LINES_LOOKED_AT = 20
_MOST_VALUES = 4_000_000
"""Values in one JSON text; each takes Python about 100 bytes, and papers have at most one per 50 bytes."""


def recognises(text: str, fields: Mapping[str, str]) -> bool:  # noqa: ARG001 - JSON is JSON by any name
    """Tell whether a text begins a JSON value other than the objects of JSON Lines, one per line."""
    text = text.strip()
    first, _, rest = text.partition("\n")
    if not first.startswith(("[", "{")):
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        # Spread over lines, or cut off, unless it is one broken line among those of JSON Lines.
        return not _is_json_lines(rest) if rest else first.startswith("[")
    return first.startswith("[") and not rest


def is_object(line: str) -> bool:
    """Tell whether a line is a JSON object as a whole."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _is_json_lines(text: str) -> bool:
    """Tell whether most of the first lines are objects; where JSON has one a line, commas end them."""
    lines = [line for line in text.split("\n", _LINES_LOOKED_AT)[:_LINES_LOOKED_AT] if line.strip()]
    return sum(map(is_object, lines)) * 2 > len(lines)


def read(listing: Listing) -> Iterator[Paper]:
    """Yield the papers of a JSON file, each with its sighting.

    Raises:
        SourceError: The file cannot be read, is not valid JSON, or has no papers.
    """
    text = listing.text()
    if has_too_many_values(text):
        raise SourceError(f"{listing.name} has more than {_MOST_VALUES:,} values; save it as JSON Lines.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{listing.name} is not valid JSON ({error}); was it cut off?") from error
    return papers(listing, NAME, records(value, listing.fields))


def records(value: Any, fields: Mapping[str, str], place: str = "") -> Iterator[tuple[str, Record]]:
    """Yield the records in a JSON value, each after its place."""
    rows = _rows(value, fields)
    for number, row in enumerate(rows, 1):
        here = f"{place}, record {number}" if len(rows) > 1 and place else place or f"record {number}"
        yield here, row if isinstance(row, dict) else Unreadable("it is not a JSON object")


def has_too_many_values(text: str) -> bool:
    """Tell whether a JSON text would take far more memory than its length, such as a list of empty lists."""
    return len(text) > _MOST_VALUES and sum(map(text.count, ",[{")) > _MOST_VALUES


def _rows(value: Any, fields: Mapping[str, str]) -> list[Any]:
    """Return the list of papers in a value, or the value itself if there is none in it."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or _is_paper(value, fields):
        return [value]
    lists = list(_lists(value, fields))
    of_papers = [row for rows in lists if any(_is_paper(row, fields) for row in rows) for row in rows]
    return of_papers or max(lists, key=len, default=[value])


def _lists(value: dict[str, Any], fields: Mapping[str, str], depth: int = 0) -> Iterator[list[Any]]:
    """Yield every list of objects in an object, and the objects themselves where their keys are ids."""
    objects = [held for held in value.values() if isinstance(held, dict)]
    if any(_is_paper(held, fields) for held in objects):
        yield objects
        objects = [
            held for held in objects if not _is_paper(held, fields)
        ]  # a paper's own lists are no listing
    for held in value.values():
        if isinstance(held, list) and held and isinstance(held[0], dict):
            yield held
    for held in objects if depth < _DEEPEST else ():
        yield from _lists(held, fields, depth + 1)


def _is_paper(value: Any, fields: Mapping[str, str]) -> bool:
    return isinstance(value, dict) and (names_title(value, fields) or shapes.fits(value))
