"""What every table's module needs: rows in, rows out, and the time."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import GeneratorType
from typing import Any, Literal, ParamSpec, TypeVar, cast

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.errors import StoreError

SPENT_SUMS = """count(*) AS requests, coalesce(sum(input_tokens), 0) AS input_tokens,
    coalesce(sum(cached_tokens), 0) AS cached_tokens, coalesce(sum(output_tokens), 0) AS output_tokens,
    CASE WHEN count(*) = count(cost_usd) THEN coalesce(sum(cost_usd), 0.0) END AS cost_usd"""
"""The sums over some replies; ``cost_usd`` is NULL if the price of any of them is unknown."""

_FAULTS = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What decoding a row raises that is not ours."""
_Given = ParamSpec("_Given")
_Value = TypeVar("_Value")


def decodes_rows(decode: Callable[_Given, _Value]) -> Callable[_Given, _Value]:
    """Decorate a function that makes or yields values of rows, so that a row that is not ours is named.

    Another program may have changed it, or the disk: JSON that ends too early, a day that is none.

    Raises:
        StoreError: Raised by the decorated function for such a row.
    """

    def unknown(error: Exception) -> StoreError:
        return StoreError(
            "The database holds a row that Broadsheet did not write; restore the file from a backup or"
            f" name another with --db ({type(error).__name__} in {decode.__name__.strip('_')})."
        )

    def each(values: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from values
        except _FAULTS as error:
            raise unknown(error) from error

    @functools.wraps(decode)
    def decoded(*args: _Given.args, **named: _Given.kwargs) -> _Value:
        try:  # a context manager would cost as much as some of what is decoded
            values = decode(*args, **named)
        except _FAULTS as error:
            raise unknown(error) from error
        return cast("_Value", each(values)) if isinstance(values, GeneratorType) else values

    return decoded


def now() -> str:
    """Return the current UTC time in ISO 8601, to the microsecond."""
    return datetime.now(UTC).isoformat()


def insert(
    db: Database,
    table: str,
    row: Mapping[str, Any],
    verb: Literal["INSERT", "INSERT OR IGNORE", "INSERT OR REPLACE"] = "INSERT",
    packed: str = "",
) -> int:
    """Write a row, given by column, one of which may be packed; return its rowid.

    sqlite-utils has an ``insert`` too, but that commits, which would break a `Store.transaction` in two.
    """
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join(f"pack(:{name})" if name == packed else f":{name}" for name in row)
    cursor = db.execute(f"{verb} INTO {table} ({names}) VALUES ({marks})", dict(row))
    return int(cursor.lastrowid or 0)
