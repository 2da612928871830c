"""Stores papers, their aliases, their versions and their sightings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from datetime import date
from typing import Any, NamedTuple

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.paper import Paper, Sighting, title_key
from broadsheet.store.named_rows import take_in
from broadsheet.store.rows import decodes_rows, insert, now
from broadsheet.store.words import enter, reworded, withdraw

_TEXTS = ("id", "title", "abstract", "url", "comment", "arxiv_id", "doi", "local_id")


@decodes_rows
def paper_from_row(row: Mapping[str, Any]) -> Paper:
    """Return the paper in a row of the papers table, without its sightings."""
    return Paper.model_construct(
        **{name: row[name] for name in _TEXTS},
        authors=tuple(json.loads(row["authors"])),
        published=date.fromisoformat(row["published"]) if row["published"] else None,
        version=row["version"],
        sighting=None,
    )


def _row(paper: Paper) -> dict[str, Any]:
    """Return the columns of the papers table that a source fills."""
    return {name: getattr(paper, name) for name in (*_TEXTS, "version", "source", "content_hash")} | {
        "title_key": title_key(paper.title),
        "authors": json.dumps(paper.authors, ensure_ascii=False),
        "published": paper.published.isoformat() if paper.published else None,
    }


class Listings(NamedTuple):
    """Who has listed a paper with exactly one text.

    Attributes:
        latest: The latest day on which anybody has.
        by_arxiv: Whether arXiv has.
    """

    latest: date
    by_arxiv: bool


class Papers:
    """Queries and updates of papers. Group several writes in a `Store.transaction`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def by_alias(self, alias: str) -> Paper | None:
        """Return the paper with an alias such as ``arxiv:2503.01234`` or ``doi:10.1/x``, or None."""
        return self._one("JOIN aliases ON aliases.paper_id = papers.id WHERE alias = ?", alias)

    def by_id(self, paper_id: str) -> Paper | None:
        """Return the paper with exactly this id, or None."""
        return self._one("WHERE papers.id = ?", paper_id)

    def titled(self, title: str) -> list[Paper]:
        """Return the papers whose titles have the same words as the given one."""
        rows = self._db.execute("SELECT * FROM papers WHERE title_key = ?", [title_key(title)])
        return [paper_from_row(row) for row in rows]

    def add(self, paper: Paper, seen_on: date) -> None:
        """Insert a new paper."""
        row = _row(paper) | {"first_seen": seen_on.isoformat(), "admitted_at": now()}
        insert(self._db, "papers", row)
        enter(self._db, paper.id)

    def revise(self, paper: Paper) -> None:
        """Replace the text of a stored paper, keeping the old text as a version.

        The paper has no current annotation until it is annotated again, since the old one described the old
        text.
        """
        self._keep_version(paper.id, paper.id)
        self._forget_vectors(paper.id)
        with reworded(self._db, paper.id):
            self._db.execute(
                """UPDATE papers SET title = :title, title_key = :title_key, abstract = :abstract,
                       comment = :comment, version = :version, content_hash = :content_hash,
                       revised_at = :now, current_key = NULL WHERE id = :id""",
                _row(paper) | {"now": now()},
            )
        self._db.execute("DELETE FROM tags WHERE paper_id = ?", [paper.id])

    def enrich(self, paper: Paper) -> None:
        """Fill what a stored paper lacks (authors, URL, dates, identifiers) from another telling of it."""
        lacks_authors = "SELECT 1 FROM papers WHERE id = ? AND authors = '[]'"
        names_authors = paper.authors and self._db.execute(lacks_authors, [paper.id]).fetchone()
        with reworded(self._db, paper.id) if names_authors else nullcontext():
            self._fill(paper)

    def _fill(self, paper: Paper) -> None:
        self._db.execute(
            """UPDATE papers SET
                   authors = CASE authors WHEN '[]' THEN :authors ELSE authors END,
                   url = CASE url WHEN '' THEN :url ELSE url END,
                   published = coalesce(published, :published),
                   version = coalesce(version, :version),
                   arxiv_id = CASE arxiv_id WHEN '' THEN :arxiv_id ELSE arxiv_id END,
                   doi = CASE doi WHEN '' THEN :doi ELSE doi END,
                   local_id = CASE local_id WHEN '' THEN :local_id ELSE local_id END
               WHERE id = :id""",
            _row(paper),
        )

    def add_aliases(self, paper_id: str, aliases: Iterable[str]) -> None:
        """Record aliases of a paper; an alias that is taken stays with the paper that has it."""
        self._db.conn.executemany(
            "INSERT OR IGNORE INTO aliases (alias, paper_id) VALUES (?, ?)",
            [(alias, paper_id) for alias in aliases],
        )

    def merge(self, kept_id: str, gone_id: str) -> None:
        """Merge the second paper into the first, which keeps its text.

        Everything that refers to the second paper then refers to the first, whose versions now have the words
        of both, and the second paper's id becomes an alias of the first.
        """
        take_in(self._db, gone_id)
        self._keep_version(gone_id, kept_id)
        self._db.execute("DELETE FROM tags WHERE paper_id = ?", [gone_id])
        for table, reference in self._references():
            self._db.execute(
                f"UPDATE OR IGNORE {table} SET {reference} = ? WHERE {reference} = ?",  # noqa: S608 - our table
                [kept_id, gone_id],
            )
        self._db.execute(
            """UPDATE papers SET first_seen = min(papers.first_seen, gone.first_seen),
                   votes = max(coalesce(papers.votes, gone.votes), coalesce(gone.votes, papers.votes))
               FROM (SELECT first_seen, votes FROM papers WHERE id = ?) AS gone WHERE id = ?""",
            [gone_id, kept_id],
        )
        self.remove(gone_id)
        self.add_aliases(kept_id, [f"former:{gone_id}"])

    def remove(self, paper_id: str) -> None:
        """Remove a paper and everything that refers to it; raw replies about it stay, and editions."""
        take_in(self._db, paper_id)
        withdraw(self._db, paper_id)
        self._forget_vectors(paper_id)
        self._db.execute(
            "DELETE FROM findings WHERE key IN (SELECT key FROM annotations WHERE paper_id = ?)", [paper_id]
        )
        for table, reference in self._references():
            self._db.execute(f"DELETE FROM {table} WHERE {reference} = ?", [paper_id])  # noqa: S608 - ours
        self._db.execute("DELETE FROM papers WHERE id = ?", [paper_id])

    def _references(self) -> list[tuple[str, str]]:
        """Return the tables that refer to papers, each with its column, quoted."""
        return [
            (f"[{row['name']}]", f"[{row['reference']}]")
            for row in self._db.execute(
                """SELECT tables.name AS name, keys."from" AS reference
                   FROM sqlite_master AS tables JOIN pragma_foreign_key_list(tables.name) AS keys
                   WHERE tables.type = 'table' AND keys."table" = 'papers'"""
            ).fetchall()
        ]

    def sight(self, paper_id: str, sighting: Sighting, content_hash: str = "") -> None:
        """Record that a source listed the paper, or update the record if the listing is read again."""
        self._db.execute(
            """INSERT INTO sightings (paper_id, source, origin, day, rank, votes, stars, words, seen_at,
                   content_hash)
               VALUES (:paper_id, :source, :origin, :day, :rank, :votes, :stars, :words, :seen_at,
                   :content_hash)
               ON CONFLICT DO UPDATE SET rank = excluded.rank, votes = excluded.votes,
                   stars = excluded.stars, words = excluded.words, content_hash = excluded.content_hash
               WHERE (rank, votes, stars, words, content_hash) IS NOT
                   (excluded.rank, excluded.votes, excluded.stars, excluded.words, excluded.content_hash)""",
            dict(sighting)
            | {
                "paper_id": paper_id,
                "day": sighting.day.isoformat(),
                "words": json.dumps(sighting.words, ensure_ascii=False),
                "seen_at": now(),
                "content_hash": content_hash,
            },
        )
        self._db.execute(
            """UPDATE papers SET first_seen = min(first_seen, :day),
                   votes = CASE WHEN :votes IS NULL THEN votes ELSE max(coalesce(votes, 0), :votes) END
               WHERE id = :id AND (first_seen > :day OR coalesce(votes, -1) < coalesce(:votes, -1))""",
            {"id": paper_id, "day": sighting.day.isoformat(), "votes": sighting.votes},
        )

    @decodes_rows
    def listings(self, paper: Paper) -> Listings | None:
        """Return who has listed the paper with exactly this text, or None if nobody has."""
        row = self._db.execute(
            """SELECT max(day) AS latest, max(source LIKE 'arxiv%') AS by_arxiv FROM sightings
               WHERE paper_id = ? AND content_hash = ?""",
            [paper.id, paper.content_hash],
        ).fetchone()
        return Listings(date.fromisoformat(row["latest"]), bool(row["by_arxiv"])) if row["latest"] else None

    def has_version(self, paper: Paper) -> bool:
        """Tell whether exactly this text is one that the paper once had."""
        return bool(
            self._db.execute(
                "SELECT 1 FROM versions WHERE paper_id = ? AND content_hash = ?",
                [paper.id, paper.content_hash],
            ).fetchone()
        )

    @decodes_rows
    def sightings(self, paper_id: str) -> list[Sighting]:
        """Return the paper's sightings, oldest first."""
        rows = self._db.execute(
            "SELECT * FROM sightings WHERE paper_id = ? ORDER BY day, source, origin", [paper_id]
        )
        fields = Sighting.model_fields
        return [
            Sighting.model_validate(
                {name: row[name] for name in fields} | {"words": json.loads(row["words"])}
            )
            for row in rows
        ]

    def count(self) -> int:
        """Return the number of papers."""
        return int(self._db.execute("SELECT count(*) FROM papers").fetchone()[0])

    def _keep_version(self, paper_id: str, owner_id: str) -> None:
        """Keep the words that a paper has now as a version of a paper, unless those are that one's own."""
        self._db.execute(
            """INSERT OR IGNORE INTO versions
                   (paper_id, content_hash, version, title, abstract, comment, seen_at)
               SELECT :owner, content_hash, version, title, abstract, comment,
                   coalesce(revised_at, admitted_at)
               FROM papers WHERE id = :id AND (id = :owner
                   OR content_hash != (SELECT content_hash FROM papers WHERE id = :owner))""",
            {"id": paper_id, "owner": owner_id},
        )

    def _forget_vectors(self, paper_id: str) -> None:
        """Remove the vectors of a paper's present words, of every model.

        Those of twins are made or asked for once more.
        """
        self._db.execute(
            """WITH RECURSIVE models (model) AS (SELECT min(model) FROM vectors UNION ALL
                   SELECT (SELECT min(model) FROM vectors v WHERE v.model > models.model) FROM models
                   WHERE models.model IS NOT NULL)
               DELETE FROM vectors WHERE (model, content_hash) IN
                   (SELECT model, (SELECT content_hash FROM papers WHERE id = ?) FROM models)""",
            [paper_id],
        )

    def _one(self, where: str, value: str) -> Paper | None:
        row = self._db.execute(f"SELECT papers.* FROM papers {where}", [value]).fetchone()  # noqa: S608 - ours
        return paper_from_row(row) if row else None
