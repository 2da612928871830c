"""Reads JSON Lines, one paper per line; reading line by line keeps memory use constant."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from broadsheet.paper import Paper
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import Record, Unreadable, as_record, papers

NAME = "jsonl"
_LINES_LOOKED_AT = 20


def recognises(text: str, fields: Mapping[str, str]) -> bool:  # noqa: ARG001 - an object is one by any name
    """Tell whether one of the first lines is a complete JSON object, or the only line starts one."""
    lines = [line for line in text.split("\n", _LINES_LOOKED_AT)[:_LINES_LOOKED_AT] if line.strip()]
    whole = any(not isinstance(_object(line), Unreadable) for line in lines)
    return whole or (len(lines) == 1 and lines[0].lstrip().startswith('{"'))


def read(listing: Listing) -> Iterator[Paper]:
    """Yield the papers of a JSON Lines file, each with its sighting.

    Raises:
        SourceError: The file cannot be read, or none of its lines is a paper.
    """
    lines = ((f"line {number}", _object(line)) for number, line in listing.lines() if line.strip())
    return papers(listing, NAME, lines)


def _object(line: str) -> Record:
    try:
        return as_record(json.loads(line))
    except (ValueError, RecursionError):
        return Unreadable("it is not valid JSON")
