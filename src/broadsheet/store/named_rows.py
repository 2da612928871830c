"""The rows of papers and annotations that editions name, and how they outlast the tables.

Before a text or an annotation that an edition names is changed or removed, `take_in` copies it into the
edition's own row; so an edition can be rendered again, byte for byte, whatever becomes of the cache.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.store.rows import decodes_rows

Row = Mapping[str, Any]
_TEXTS = ("title", "abstract", "comment")
_TOLD = (
    "id",
    *_TEXTS,
    "authors",
    "url",
    "published",
    "arxiv_id",
    "doi",
    "local_id",
    "source",
    "content_hash",
)


def small_json(value: Any) -> str:
    """Return JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def holders(edition: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the cards and picks of an edition's JSON that hold a record, in order."""
    for section in edition["sections"]:
        for holder in (*section.get("cards", ()), *section.get("picks", ())):
            if "record" in holder:
                yield holder


def named_rows(db: Database, references: Sequence[Row]) -> Iterator[tuple[Row, Row | None]]:
    """Yield the paper, with the words that it had, and the annotation that each reference names."""
    asked = [reference for reference in references if "paper" not in reference]
    ids, keys = {each["id"] for each in asked}, {each["key"] for each in asked if "key" in each}
    papers = _rows(db, "SELECT * FROM papers WHERE id IN (SELECT value FROM json_each(?))", ids, "id")
    said = _rows(db, "SELECT * FROM annotations WHERE key IN (SELECT value FROM json_each(?))", keys, "key")
    revised = [each for each in asked if papers[each["id"]]["content_hash"] != each["hash"]]
    versions = {(each["id"], each["hash"]): _version(db, each) for each in revised}
    for reference in references:
        if "paper" in reference:
            yield reference["paper"], reference.get("said")
        else:
            words = versions.get((reference["id"], reference["hash"]), {})
            yield {**papers[reference["id"]], **words}, said.get(reference.get("key", ""))


@decodes_rows
def take_in(db: Database, paper_id: str) -> None:
    """Copy what editions name of a paper into their rows; call it before that is changed or removed."""
    rows = db.execute(
        """SELECT id, unpack(edition) AS edition FROM editions
           WHERE id IN (SELECT edition_id FROM edition_papers WHERE paper_id = ?)""",
        [paper_id],
    ).fetchall()
    for row in rows:
        edition = json.loads(row["edition"])
        named = [
            reference
            for reference in (holder["record"] for holder in holders(edition))
            if reference.get("id") == paper_id and "paper" not in reference
        ]
        for reference, (paper, said) in zip(named, list(named_rows(db, named)), strict=True):
            reference["paper"] = {name: paper[name] for name in _TOLD}
            if said:
                reference["said"] = dict(said)
        if named:
            db.execute("UPDATE editions SET edition = pack(?) WHERE id = ?", [small_json(edition), row["id"]])


def _version(db: Database, reference: Row) -> dict[str, Any]:
    row = db.execute(
        "SELECT title, abstract, comment FROM versions WHERE (paper_id, content_hash) = (?, ?)",
        [reference["id"], reference["hash"]],
    ).fetchone()
    return dict(row)


def _rows(db: Database, sql: str, values: Iterable[str], column: str) -> dict[str, Row]:
    return {row[column]: dict(row) for row in db.execute(sql, [json.dumps(sorted(values))])}
