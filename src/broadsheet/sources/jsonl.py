"""JSON Lines: one object a line, a paper each; read line by line, so that memory stays flat."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources import records
from broadsheet.sources.listing import Listing

NAME = "jsonl"


def recognises(text: str) -> bool:
    """Whether one of the first lines of a text is a JSON object that ends on its line."""
    lines = [line for line in text.split("\n", 20)[:20] if line.strip()]
    return any(_is_object(line) for line in lines) or (
        # One line may be longer than the part that is looked at.
        len(lines) == 1 and lines[0].lstrip().startswith('{"')
    )


def read(listing: Listing) -> Iterator[Paper]:
    """Papers of a JSON Lines file, each with its sighting.

    Raises:
        SourceError: The file cannot be read, or no line of it is a paper.
    """
    rank = 0
    first_reason = ""
    for number, line in listing.lines():
        if not line.strip():
            continue
        try:
            paper = records.paper(_object(line), listing.sighting(NAME, rank + 1), listing.fields)
        except records.Unreadable as reason:
            why = str(reason)
        else:
            rank += 1
            yield paper
            continue
        first_reason = first_reason or f"line {number}: {why}"
        listing.trouble(f"line {number} is skipped: {why}")
    if not rank:
        raise SourceError(f"{listing.name} holds no paper ({first_reason}).")


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise records.Unreadable("it is not valid JSON") from error
    if not isinstance(found, dict):
        raise records.Unreadable("it is no JSON object")
    return found


def _is_object(line: str) -> bool:
    try:
        return bool(_object(line))
    except records.Unreadable:
        return False
