"""Editions of several newsletters, in rows that name papers and annotations instead of repeating them.

An edition named everything it needs by repeating it: a fourth of the database. Now a card's record is its
paper's id and content hash and its annotation's key, with what may change later (votes, findings, the state
of links). A record that the tables no longer have word for word stays whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - this room owns the tables

from broadsheet.migrations import later_steps  # noqa: F401 - its steps come before
from broadsheet.migrations.steps import migrations

_MADE_BY = ("engine", "model", "prompt", "annotated_at")
_TEXTS = ("title", "abstract", "comment")
_FILLED_LATER = {"authors": "a", "url": "u", "published": "p", "arxiv_id": "x", "doi": "d", "local_id": "l"}
_KEPT = ("revised", "votes", "repository", "findings", "links", "failure")


@migrations()
def m016_editions_by_newsletter(db: Database) -> None:
    """Key editions by newsletter and day, and make their rows small."""
    db.executescript("""
        CREATE TABLE newsletter_editions (
            id INTEGER PRIMARY KEY,
            newsletter TEXT NOT NULL,
            day TEXT NOT NULL,
            edition TEXT NOT NULL,
            mark INTEGER NOT NULL DEFAULT 0,
            composed_at TEXT NOT NULL,
            published_at TEXT,
            UNIQUE (newsletter, day)
        );
        CREATE TABLE edition_papers (
            paper_id TEXT NOT NULL REFERENCES papers (id),
            edition_id INTEGER NOT NULL REFERENCES editions (id),
            is_outside INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (paper_id, edition_id)
        ) WITHOUT ROWID;
        CREATE INDEX edition_papers_edition ON edition_papers (edition_id);
        CREATE TABLE edits (
            newsletter TEXT NOT NULL,
            day TEXT NOT NULL,
            paper_id TEXT NOT NULL REFERENCES papers (id),
            pin INTEGER,
            is_hidden INTEGER NOT NULL DEFAULT 0,
            note TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (newsletter, day, paper_id)
        ) WITHOUT ROWID;
        CREATE TABLE corrections (
            id INTEGER PRIMARY KEY,
            edition_id INTEGER NOT NULL REFERENCES editions (id),
            paper_id TEXT NOT NULL,
            day TEXT NOT NULL,
            words TEXT NOT NULL,
            announced_id INTEGER REFERENCES editions (id)
        );
        CREATE INDEX corrections_edition ON corrections (edition_id);
        CREATE INDEX corrections_announced ON corrections (announced_id);
        CREATE INDEX papers_revised ON papers (revised_at) WHERE revised_at IS NOT NULL;
    """)
    row = db.execute("SELECT min(rowid) - 1, max(rowid) FROM papers WHERE edition_day IS NULL").fetchone()
    newest = db.execute("SELECT coalesce(max(rowid), 0) FROM papers").fetchone()[0]
    mark = newest if row[0] is None else row[0]
    days = db.execute("SELECT day FROM editions ORDER BY day").fetchall()
    for (day,) in days:
        _move(db, day, mark)
    db.executescript("""
        DROP INDEX papers_edition;
        ALTER TABLE papers DROP COLUMN edition_day;
        DROP TABLE editions;
        ALTER TABLE newsletter_editions RENAME TO editions;
    """)


def _move(db: Database, day: str, mark: int) -> None:
    old = db.execute(
        "SELECT edition, composed_at, published_at FROM editions WHERE day = ?", [day]
    ).fetchone()
    edition = json.loads(old[0])
    for section in edition.get("sections", ()):
        for card in section.get("cards", ()):
            card["record"] = _small(db, card["record"])
    small = json.dumps(_filled(edition), ensure_ascii=False, separators=(",", ":"))
    id_ = db.execute(
        """INSERT INTO newsletter_editions (newsletter, day, edition, mark, composed_at, published_at)
           VALUES ('daily', ?, ?, ?, ?, ?)""",
        [day, small, mark, old[1], old[2]],
    ).lastrowid
    db.execute(
        "INSERT INTO edition_papers (paper_id, edition_id) SELECT id, ? FROM papers WHERE edition_day = ?",
        [id_, day],
    )


def _filled(value: Any) -> Any:
    """Return a JSON value without the parts that are null or empty; records stay as they are."""
    if isinstance(value, dict):
        return {
            key: each if key == "record" else _filled(each)
            for key, each in value.items()
            if each not in (None, "", [], {})
        }
    return [_filled(each) for each in value] if isinstance(value, list) else value


def _small(db: Database, record: dict[str, Any]) -> dict[str, Any]:
    """Return a record by reference, or whole where the tables do not have all of it."""
    paper, whole = record["paper"], {"whole": record}
    row = db.execute("SELECT * FROM papers WHERE id = ?", [paper["id"]]).fetchone()
    if row is None:
        return whole
    texts = tuple(paper.get(name) or "" for name in _TEXTS)
    if tuple(row[name] for name in _TEXTS) == texts:
        content_hash = row["content_hash"]
    elif (content_hash := _version(db, paper["id"], texts)) is None:
        return whole
    small: dict[str, Any] = {"id": paper["id"], "hash": content_hash, "seen": record["first_seen"]}
    now = {name: row[name] for name in _FILLED_LATER} | {"authors": json.loads(row["authors"])}
    empty = "".join(letter for name, letter in _FILLED_LATER.items() if not paper.get(name) and now[name])
    if record["source"] != row["source"] or any(
        paper.get(name) and paper[name] != now[name] for name in _FILLED_LATER
    ):
        return whole
    if record.get("annotation"):
        if (key := _key(db, record)) is None:
            return whole
        small["key"] = key
    small |= {"empty": empty} if empty else {}
    small |= {"version": paper["version"]} if paper.get("version") is not None else {}
    kept = {name: record[name] for name in _KEPT if record.get(name) not in (None, False, "", [], {})}
    return small | kept


def _version(db: Database, paper_id: str, texts: tuple[str, ...]) -> str | None:
    row = db.execute(
        "SELECT content_hash FROM versions WHERE (paper_id, title, abstract, comment) = (?, ?, ?, ?)",
        [paper_id, *texts],
    ).fetchone()
    return row[0] if row else None


def _key(db: Database, record: Mapping[str, Any]) -> str | None:
    """Return the key of the row that says exactly what the record does, if there is one."""
    said, made = dict(_flat(record["annotation"])), record["provenance"]
    rows = db.execute("SELECT * FROM annotations WHERE paper_id = ?", [record["paper"]["id"]]).fetchall()
    for row in rows:
        present = row.keys()
        if all(_same_time(made[name], row[name]) for name in _MADE_BY) and all(
            name in present and _same(value, row[name]) for name, value in said.items()
        ):
            return str(row["key"])
    return None


def _same_time(told: str, stored: str) -> bool:
    return told.replace("Z", "+00:00") == stored


def _same(value: Any, stored: str | None) -> bool:
    if value is None or isinstance(value, str):
        return value == stored or (value is None and stored is None)
    try:
        return stored is not None and json.loads(stored) == value
    except (ValueError, RecursionError):
        return False


def _flat(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, (*path, name))
        else:
            yield "_".join((*path, name)), value
