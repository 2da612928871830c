"""Reads JSON Lines, one paper or one reply per line; reading line by line keeps memory use constant."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from broadsheet.paper import Paper
from broadsheet.sources.field_values import Unreadable
from broadsheet.sources.json_file import has_too_many_values, is_object, records
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import Record, papers

NAME = "jsonl"
_LINES_LOOKED_AT = 20


def recognises(text: str, fields: Mapping[str, str]) -> bool:  # noqa: ARG001 - an object is one by any name
    """Tell whether one of the first lines is a complete JSON object, or the only line starts one."""
    lines = [line for line in text.split("\n", _LINES_LOOKED_AT)[:_LINES_LOOKED_AT] if line.strip()]
    only_line_starts_one = len(lines) == 1 and lines[0].lstrip().startswith('{"')
    return only_line_starts_one or any(is_object(line) for line in lines)


def read(listing: Listing) -> Iterator[Paper]:
    """Yield the papers of a JSON Lines file, each with its sighting.

    Raises:
        SourceError: The file cannot be read, or none of its lines is a paper.
    """
    return papers(listing, NAME, _records(listing))


def _records(listing: Listing) -> Iterator[tuple[str, Record]]:
    for number, line in listing.lines():
        place = f"line {number}"
        if has_too_many_values(line):
            yield place, Unreadable("it has too many values for one paper")
            continue
        try:
            value = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            yield place, Unreadable("it is not valid JSON")
            continue
        if isinstance(value, dict):
            yield from records(value, listing.fields, place)
        elif line.strip():
            yield place, Unreadable("it is not a JSON object")
