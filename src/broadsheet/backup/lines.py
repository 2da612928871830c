"""Rows as lines of JSON, and lines as rows."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from broadsheet.backup.folder import parts
from broadsheet.errors import ConfigError


class Line(BaseModel):
    """A line: the key of a row, and its changed columns; None where it is gone."""

    key: list[Any]
    row: dict[str, Any] | None


_BYTES = "base64"
_LONG = 32
_LONGEST_LINE_BYTES = 128 * 1024 * 1024
"""No row comes near it; what is longer is no line of a backup, and is not read to its end."""
_Kept = TypeVar("_Kept")


def line_of(key: str, row: Mapping[str, Any] | None) -> bytes:
    """Return the line of a row: its key as JSON, and its changed columns; None where it is gone."""
    return f'{{"key":{key},"row":{dumped(row)}}}\n'.encode()


def dumped(value: Any) -> str:
    """Return JSON with sorted names and without spaces; the bytes of a column are an object of one name."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_told)


def _told(value: Any) -> dict[str, str]:
    return {_BYTES: base64.b64encode(value).decode("ascii")}


def loaded(value: Any) -> Any:
    """Return a column's value from JSON."""
    return base64.b64decode(value[_BYTES]) if isinstance(value, dict) else value


def sealed(value: Any) -> Any:
    """Return what tells a column's value from any other, in little room."""
    if isinstance(value, str) and len(value) > _LONG:
        return blake2b(value.encode(), digest_size=16).digest()
    return (dumped(value),) if isinstance(value, bytes | float) else value


def standing(folder: Path, table: str, keep: Callable[[Any], _Kept]) -> dict[str, dict[str, _Kept]]:
    """Return what a backup says of a table: by the key as JSON, each column that is not NULL.

    Args:
        folder: The backup.
        table: The table's name.
        keep: What to keep of each value.

    Raises:
        ConfigError: A line cannot be read; the sentence says which.
    """
    found: dict[str, dict[str, _Kept]] = {}
    for key, row in _lines(folder, table):
        if row is None:
            found.pop(key, None)
            continue
        held = found.setdefault(key, {})
        for name, value in row.items():
            if value is None:
                held.pop(name, None)
            else:
                held[name] = keep(value)
    return found


def _lines(folder: Path, table: str) -> Iterator[tuple[str, dict[str, Any] | None]]:
    for part in parts(folder, table):
        with part.path.open("rb") as file:
            lines = iter(partial(file.readline, _LONGEST_LINE_BYTES), b"")
            for number, line in enumerate(lines, start=1):
                try:
                    told = Line.model_validate_json(line)
                    row = told.row and {name: loaded(value) for name, value in told.row.items()}
                except (ValueError, LookupError, TypeError) as error:
                    raise ConfigError(
                        f"Line {number} of {part.path} cannot be read; restore the file from another version"
                        " of the folder."
                    ) from error
                yield dumped(told.key), row
