"""The tables as plain rows: which of them a backup in text keeps, and which it leaves out, and why.

A migration that adds a table adds a line to `KEPT` or to `LEFT_OUT`; a test holds that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.migrations import migrations
from broadsheet.store.connection import connect

_TO_ROOMS = "channel IN ('webhook', 'telegram') AND subscriber_id IS NULL"
_IN_ROOMS = f"(SELECT content_id FROM deliveries WHERE {_TO_ROOMS})"  # noqa: S608 - ours

KEPT: Mapping[str, str] = {
    "fields": "",
    "papers": "",
    "aliases": "",
    "versions": "",
    "sightings": "",
    "runs": "",
    "replies": "",
    "annotations": "",
    "findings": "",
    "tags": "",
    "failures": "",
    "links": "",
    "editions": "",
    "edition_papers": "",
    "edits": "",
    "corrections": "",
    "batch_jobs": "",
    "batch_requests": "",
    "batch_papers": "",
    "dialects": "",
    "endpoint_limits": "",
    "worker_days": "",
    # What was posted to a room must not be posted again; what was mailed is about readers.
    "contents": f"id IN {_IN_ROOMS}",
    "content_papers": f"content_id IN {_IN_ROOMS}",
    "deliveries": _TO_ROOMS,
}
"""The tables of a backup, each with the condition on its rows; empty for all of them."""

PACKED: Mapping[str, str] = {"replies": "text", "editions": "edition"}
"""The packed column of a table; a backup holds its text."""

LEFT_OUT: Mapping[str, str] = {
    "subscribers": "addresses of readers, which must not enter a public repository",
    "tokens": "what readers prove themselves with",
    "suppressions": "hashes of readers' addresses",
    "bounces": "what came back from readers' addresses",
    "validators": "replies of live sources, which are asked for again",
    "fetches": "a log of requests to live sources",
    "paces": "when a source may be asked again, which passes in a minute",
    "papers_fts": "an index, made again",
    "vectors": "what papers are about, worked out or asked for again from their words",
    "vector_signs": "the signs of vectors, taken from these again",
    "_sqlite_migrations": "the last migration stands in the backup's own file",
}
"""The tables that a backup leaves out, and why."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """How a table's rows are told apart.

    Attributes:
        key: The columns of its primary key, or ``rowid``.
        columns: All other columns; ``rowid`` is one of them where a row has a number besides its key.
    """

    key: tuple[str, ...]
    columns: tuple[str, ...]


def shape_of(db: Database, table: str) -> Shape:
    """Return how a table's rows are told apart; computed columns are left out."""
    columns = [row for row in db.execute("SELECT * FROM pragma_table_xinfo(?)", [table]) if not row["hidden"]]
    keyed = sorted((row for row in columns if row["pk"]), key=lambda row: int(row["pk"]))
    key = tuple(row["name"] for row in keyed) or ("rowid",)
    if keyed and key == ("rowid",):  # a number that VACUUM keeps; the row's name is its unique column
        key = _unique(db, table)
    is_numbered = not db.execute(
        "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?", [table]
    ).fetchone()["wr"]
    is_number = len(keyed) == 1 and keyed[0]["type"].upper() == "INTEGER"
    others = [row["name"] for row in columns if row["name"] not in key]
    if is_numbered and keyed and not is_number and "rowid" not in others:
        others.append("rowid")
    return Shape(key, tuple(others))


def _unique(db: Database, table: str) -> tuple[str, ...]:
    rows = db.execute(
        """SELECT info.name FROM pragma_index_list(?) AS list JOIN pragma_index_info(list.name) AS info
           WHERE list.origin = 'u' ORDER BY info.seqno""",
        [table],
    )
    return tuple(row["name"] for row in rows)


def table_names(db: Database) -> list[str]:
    """Return the names of all tables but SQLite's own and those that hold an index's parts."""
    rows = db.execute(
        """SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')
           AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"""
    )
    return [row["name"] for row in rows]


class Tables:
    """The kept tables of a cache, as they were at one moment."""

    def __init__(self, db: Database) -> None:
        self._db = db
        applied = {migration.name for migration in migrations.applied(db)}
        self.migration = [name for name in migration_names() if name in applied][-1]

    def names(self) -> list[str]:
        """Return the names of the kept tables."""
        present = set(table_names(self._db))
        return [name for name in KEPT if name in present]

    def rows(self, table: str) -> Iterator[tuple[list[Any], Row]]:
        """Yield the key of each kept row of a table, in order, and its other columns."""
        shape = shape_of(self._db, table)
        packed = PACKED.get(table)
        named = ", ".join(
            f'unpack("{name}")' if name == packed else f'"{name}"' for name in (*shape.key, *shape.columns)
        )
        order = ", ".join(f'"{name}"' for name in (shape.key if "rowid" not in shape.columns else ["rowid"]))
        chosen = f"WHERE {KEPT[table]}" if KEPT[table] else ""
        count = len(shape.key)
        for row in self._db.execute(f'SELECT {named} FROM "{table}" {chosen} ORDER BY {order}'):  # noqa: S608 - ours
            values = tuple(row)
            yield list(values[:count]), dict(zip(shape.columns, values[count:], strict=True))


@contextmanager
def reading_tables(path: Path) -> Iterator[Tables]:
    """Yield the tables of a cache, all as of one moment, even while another process writes.

    Raises:
        StoreError: There is no such cache, or it cannot be read.
    """
    db = connect(path, create=False)
    with closing(db.conn):
        db.execute("BEGIN")
        yield Tables(db)
        db.execute("ROLLBACK")


def migration_names() -> list[str]:
    """Return the names of this version's migrations, in order."""
    return [migration.name for migration in migrations.pending(Database(memory=True))]
