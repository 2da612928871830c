"""What every table's module needs: rows in, rows out, and the time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

SPENT_SUMS = """count(*) AS requests, coalesce(sum(input_tokens), 0) AS input_tokens,
    coalesce(sum(cached_tokens), 0) AS cached_tokens, coalesce(sum(output_tokens), 0) AS output_tokens,
    CASE WHEN count(*) = count(cost_usd) THEN coalesce(sum(cost_usd), 0.0) END AS cost_usd"""
"""The sums over some replies; ``cost_usd`` is NULL if the price of any of them is unknown."""


def now() -> str:
    """Return the current UTC time in ISO 8601, to the microsecond."""
    return datetime.now(UTC).isoformat()


def insert(
    db: Database,
    table: str,
    row: Mapping[str, Any],
    verb: Literal["INSERT", "INSERT OR IGNORE", "INSERT OR REPLACE"] = "INSERT",
) -> int:
    """Write a row, given by column; return its rowid.

    sqlite-utils has an ``insert`` too, but that commits, which would break a `Store.transaction` in two.
    """
    names, marks = ", ".join(f'"{name}"' for name in row), ", ".join(f":{name}" for name in row)
    cursor = db.execute(f"{verb} INTO {table} ({names}) VALUES ({marks})", dict(row))
    return int(cursor.lastrowid or 0)
