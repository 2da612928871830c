"""Each abstract once: a search index without text of its own, and versions only where words were replaced.

An abstract stood in `papers`, in `versions` and in the index; two thirds of a cache were copies.
"""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - this room owns the tables

from broadsheet.migrations import delivery  # noqa: F401 - its steps come before this one
from broadsheet.migrations.steps import migrations

_INDEXED = ("tldr", "keywords", "topics", "contribution")
"""Columns of an annotation that the index reads; the rest are added from the model."""


@migrations()
def m017_one_search_index(db: Database) -> None:
    """Give papers a row number that VACUUM keeps, and build one index over them and their annotations.

    What stood in the old indexes is read from the papers anew, so it also mends one that VACUUM has confused.
    """
    _number_papers(db)
    db.executescript("""
        DELETE FROM versions
            WHERE content_hash = (SELECT content_hash FROM papers WHERE papers.id = versions.paper_id);
        DROP TABLE papers_fts;
        DROP TABLE annotations_fts;
    """)
    present = {row[1] for row in db.execute("PRAGMA table_info (annotations)")}
    for name in _INDEXED:
        if name not in present:
            db.execute(f'ALTER TABLE annotations ADD COLUMN "{name}" TEXT')
    db.executescript("""
        CREATE VIEW papers_words AS
            SELECT p.rowid AS rowid, p.title AS title, coalesce(a.tldr, '') AS tldr,
                coalesce(a.keywords, '') AS keywords,
                coalesce(a.topics || ' ' || a.contribution, '') AS tags,
                p.abstract AS abstract, p.authors AS authors
            FROM papers p LEFT JOIN annotations a ON a.key = p.current_key;
        CREATE VIRTUAL TABLE papers_fts USING fts5 (
            title, tldr, keywords, tags, abstract, authors, content = 'papers_words',
            tokenize = 'porter unicode61 remove_diacritics 2'
        );
        INSERT INTO papers_fts (papers_fts) VALUES ('rebuild');
    """)
    _rename_words_of_filters(db)


def _number_papers(db: Database) -> None:
    """Make the papers' implicit row numbers a column; the table is as it was otherwise."""
    columns = [row[1] for row in db.execute("PRAGMA table_info (papers)")]
    indexes = db.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'papers' AND sql IS NOT NULL"
    ).fetchall()
    created = db.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'papers'").fetchone()
    _, _, body = created[0].partition("(")
    numbered = body.replace("id TEXT PRIMARY KEY", "rowid INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE", 1)
    db.execute(f"CREATE TABLE numbered_papers ({numbered}")
    names = ", ".join(f'"{name}"' for name in columns)
    db.execute(f"INSERT INTO numbered_papers (rowid, {names}) SELECT rowid, {names} FROM papers")  # noqa: S608
    db.execute("DROP TABLE papers")
    db.execute("ALTER TABLE numbered_papers RENAME TO papers")
    for (sql,) in indexes:
        db.execute(sql)


def _rename_words_of_filters(db: Database) -> None:
    """Call the words that must all stand ``words`` in readers' filters; ``search`` now ranks by any."""
    for table, column, key in (
        ("subscribers", "filter", "rowid"),
        ("contents", "filter", "rowid"),
        ("tokens", "wanted", "hash"),
    ):
        rows = db.execute(f"SELECT {key}, {column} FROM {table} WHERE {column} LIKE '{{%'")  # noqa: S608 - ours
        for id_, text in rows.fetchall():
            said = json.loads(text)
            where = said.get("filter", said)
            if "search" in where:
                _rename(where)
                changed = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
                db.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", [changed, id_])  # noqa: S608


def _rename(where: dict[str, Any]) -> None:
    where["words"] = where.pop("search")
    where["search"] = ""
