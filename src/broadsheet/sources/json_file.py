"""Reads JSON: a list of objects, an object containing such a list, one object, or a Hugging Face reply."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import as_record, names_title, papers

NAME = "json"
_HOLDS_LIST = re.compile(r'\{\s*"[^"]*"\s*:\s*\[\s*\{')


def recognises(text: str, fields: Mapping[str, str]) -> bool:
    """Tell whether a text begins a JSON value that cannot be the first line of JSON Lines."""
    text = text.strip()
    if not text.startswith(("[", "{")):
        return False
    first, _, rest = text.partition("\n")
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        # Cut off or spread over lines. A long object on a single line is taken for JSON Lines.
        return bool(rest) or first.startswith("[") or bool(_HOLDS_LIST.match(first))
    if rest:
        return False
    return isinstance(value, list) or not names_title(value, fields)


def read(listing: Listing) -> Iterator[Paper]:
    """Yield the papers of a JSON file, each with its sighting.

    Raises:
        SourceError: The file cannot be read, is not valid JSON, or has no papers.
    """
    try:
        value = json.loads(listing.text())
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{listing.name} is not valid JSON ({error}).") from error
    return papers(listing, NAME, ((f"record {n}", as_record(row)) for n, row in enumerate(_rows(value), 1)))


def _rows(value: Any) -> list[Any]:
    if isinstance(value, dict):
        lists = [
            held for held in value.values() if isinstance(held, list) and held and isinstance(held[0], dict)
        ]
        return [value] if names_title(value, {}) or not lists else max(lists, key=len)
    return value if isinstance(value, list) else [value]
