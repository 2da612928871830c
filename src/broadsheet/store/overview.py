"""Answers questions about the whole cache at once, for what shows all of it, such as a site."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.paper import Sighting
from broadsheet.store.rows import decodes_rows
from broadsheet.store.written import Written, written

DAILY = "daily"
"""The newsletter of every paper, which exists without being declared."""
_STAMP = """json_array(p.content_hash, p.current_key, p.url, p.authors, p.published, p.doi, p.votes,
    p.revised_at, (SELECT json_group_array(e.edition_id) FROM edition_papers e WHERE e.paper_id = p.id),
    p.source, a.annotated_at, s.listings, s.latest, s.figures, c.corrections)"""


class Stamp(NamedTuple):
    """Whether anything shown of a paper has changed, in one value.

    Attributes:
        paper_id: The paper.
        first_seen: The day of its first sighting, as ``YYYY-MM-DD``.
        value: Text that changes whenever the paper, its annotation or its sightings do.
    """

    paper_id: str
    first_seen: str
    value: str


class EditionKey(NamedTuple):
    """Which edition: of which newsletter, of which day."""

    newsletter: str
    day: date


class Version(NamedTuple):
    """One text of a paper.

    Attributes:
        number: arXiv's number of it, from 1, if the source says.
        seen_at: When it was first read, in UTC.
    """

    number: int | None
    title: str
    abstract: str
    seen_at: datetime


class Times(NamedTuple):
    """When a paper was admitted, and when what is said of it last changed; both in UTC."""

    admitted_at: datetime
    updated_at: datetime


class Overview:
    """Questions whose answers cover all papers, or many of them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def written(self) -> Written:
        """Return a value that is another after anything was written, and in every other store."""
        return written(self._db)

    def stamps(self) -> list[Stamp]:
        """Return the stamp of every paper, latest first seen first; within a day, as they were listed."""
        rows = self._db.execute(
            f"""SELECT p.id, p.first_seen, {_STAMP} FROM papers p
                LEFT JOIN annotations a ON a.key = p.current_key
                LEFT JOIN (SELECT paper_id, count(*) AS listings, max(seen_at) AS latest,
                        json_array(total(rank), total(votes), total(stars)) AS figures
                    FROM sightings GROUP BY paper_id) s ON s.paper_id = p.id
                LEFT JOIN (SELECT paper_id, count(*) AS corrections FROM corrections GROUP BY paper_id) c
                    ON c.paper_id = p.id
                ORDER BY p.first_seen DESC, p.rowid"""  # noqa: S608 - ours
        )
        return [Stamp(*row) for row in rows]

    def link_states(self) -> dict[str, tuple[str, ...]]:
        """Return the states of the code links that were checked, by the id of the paper that has them."""
        found: dict[str, tuple[str, ...]] = {}
        rows = self._db.execute(
            """SELECT p.id, l.state FROM papers p JOIN annotations a ON a.key = p.current_key,
                   json_each(a.code_urls) u JOIN links l ON l.url = u.value
               WHERE a.code_urls != '[]' AND EXISTS (SELECT 1 FROM links) ORDER BY p.id, u.key"""
        )
        for paper_id, state in rows:
            found[paper_id] = (*found.get(paper_id, ()), state)
        return found

    def tagged(self) -> dict[str, list[str]]:
        """Return the ids of the papers of each tag, in the order of `stamps`."""
        found: dict[str, list[str]] = {}
        rows = self._db.execute(
            """SELECT t.tag, t.paper_id FROM papers p JOIN tags t ON t.paper_id = p.id
               ORDER BY p.first_seen DESC, p.rowid"""
        )
        for tag, paper_id in rows:
            found.setdefault(tag, []).append(paper_id)
        return found

    @decodes_rows
    def keywords(self) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
        """Yield the id, the keywords and the tags of every annotated paper, latest first seen first."""
        rows = self._db.execute(
            """SELECT p.id, a.keywords, a.topics, a.contribution FROM papers p
               JOIN annotations a ON a.key = p.current_key ORDER BY p.first_seen DESC, p.rowid"""
        )
        for paper_id, keywords, topics, contribution in rows:
            yield paper_id, tuple(json.loads(keywords)), (*json.loads(topics), contribution)

    @decodes_rows
    def editions(self) -> dict[EditionKey, str]:
        """Return a text for each edition that changes whenever it does, a newsletter's latest first."""
        rows = self._db.execute(
            """SELECT newsletter, day, composed_at, published_at,
                   (SELECT count(*) FROM corrections c WHERE c.edition_id = editions.id)
               FROM editions ORDER BY newsletter, day DESC"""
        )
        return {EditionKey(name, date.fromisoformat(day)): json.dumps(stamps) for name, day, *stamps in rows}

    @decodes_rows
    def edition_sizes(self) -> dict[EditionKey, int]:
        """Return the number of papers in each edition."""
        rows = self._db.execute(
            """SELECT newsletter, day, count(*) FROM edition_papers e JOIN editions ON id = edition_id
               WHERE NOT is_outside GROUP BY id"""
        )
        return {EditionKey(name, date.fromisoformat(day)): papers for name, day, papers in rows}

    @decodes_rows
    def editions_of(self, ids: Sequence[str]) -> dict[str, list[EditionKey]]:
        """Return the editions that each of these papers is in, by paper id, oldest first."""
        found: dict[str, list[EditionKey]] = {}
        rows = self._asked(
            """SELECT paper_id, newsletter, day FROM edition_papers e JOIN editions ON id = edition_id
               WHERE NOT is_outside AND paper_id""",
            ids,
        )
        for paper_id, name, day in sorted(rows, key=lambda row: (row[2], row[1])):
            found.setdefault(paper_id, []).append(EditionKey(name, date.fromisoformat(day)))
        return found

    @decodes_rows
    def times(self, ids: Sequence[str]) -> dict[str, Times]:
        """Return when these papers were admitted and last changed, by paper id."""
        rows = self._asked(
            """SELECT p.id, p.admitted_at, max(p.admitted_at, coalesce(p.revised_at, ''),
                   coalesce(a.annotated_at, ''))
               FROM papers p LEFT JOIN annotations a ON a.key = p.current_key WHERE p.id""",
            ids,
        )
        return {
            paper_id: Times(datetime.fromisoformat(admitted), datetime.fromisoformat(updated))
            for paper_id, admitted, updated in rows
        }

    @decodes_rows
    def versions(self, ids: Sequence[str]) -> dict[str, list[Version]]:
        """Return the texts of these papers, the present one included, by paper id, oldest first."""
        rows = list(
            self._asked(
                """SELECT paper_id, content_hash, version, title, abstract, seen_at
                   FROM versions WHERE paper_id""",
                ids,
                "ORDER BY seen_at",
            )
        )
        stored = {(paper_id, content_hash) for paper_id, content_hash, *_ in rows}
        present = self._asked(
            """SELECT id, content_hash, version, title, abstract, coalesce(revised_at, admitted_at)
               FROM papers WHERE id""",
            ids,
        )
        found: dict[str, list[Version]] = {}
        for paper_id, _, number, title, abstract, seen_at in (
            *rows,
            *(row for row in present if row[:2] not in stored),
        ):
            version = Version(number, title, abstract, datetime.fromisoformat(seen_at))
            found.setdefault(paper_id, []).append(version)
        return found

    @decodes_rows
    def sightings(self, ids: Sequence[str]) -> dict[str, list[Sighting]]:
        """Return the sightings of these papers, without the sources' words, by paper id, oldest first."""
        found: dict[str, list[Sighting]] = {}
        rows = self._asked(
            "SELECT paper_id, source, origin, day, rank, votes, stars FROM sightings WHERE paper_id",
            ids,
            "ORDER BY day, source, origin",
        )
        for paper_id, *values in rows:
            fields: Mapping[str, Any] = dict(
                zip(("source", "origin", "day", "rank", "votes", "stars"), values, strict=True)
            )
            found.setdefault(paper_id, []).append(Sighting.model_validate(fields))
        return found

    def titles(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the titles of these papers, by paper id."""
        return dict(self._asked("SELECT id, title FROM papers WHERE id", ids))

    def former_ids(self) -> dict[str, str]:
        """Return the present id of each paper that was merged into another, by its former id."""
        rows = self._db.execute("SELECT alias, paper_id FROM aliases WHERE alias LIKE 'former:%'")
        return {alias.removeprefix("former:"): paper_id for alias, paper_id in rows}

    def _asked(self, select: str, ids: Sequence[str], order: str = "") -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query that ends before ``IN``, asked with one value for any number of ids."""
        query = f"{select} IN (SELECT value FROM json_each(?)) {order}"  # noqa: S608 - all of it is ours
        rows = self._db.execute(query, [json.dumps(ids)])
        yield from (tuple(row) for row in rows)
