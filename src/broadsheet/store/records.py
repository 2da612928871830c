"""Reading: papers with their current annotations, by filter, by id or by title."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.annotation import Annotation, Finding
from broadsheet.errors import AmbiguousError, NotFoundError
from broadsheet.filters import Filter
from broadsheet.paper import title_key
from broadsheet.record import LinkState, Provenance, Record, Repository
from broadsheet.schema import from_row
from broadsheet.searching import storable
from broadsheet.store.annotations import finding_from_row
from broadsheet.store.fields import Fields
from broadsheet.store.links import Links
from broadsheet.store.papers import paper_from_row
from broadsheet.store.ranking import Ranking
from broadsheet.store.rows import decodes_rows

_SELECT = """
    SELECT papers.*, a.*, papers.rowid AS rowid, papers.content_hash AS content_hash,
        (SELECT f.reason FROM failures f WHERE f.paper_id = papers.id AND papers.current_key IS NULL
         ORDER BY f.failed_at DESC LIMIT 1) AS failure,
        (SELECT json_object('url', json_extract(s.words, '$.githubRepo'), 'stars', s.stars) FROM sightings s
         WHERE s.paper_id = papers.id AND json_extract(s.words, '$.githubRepo') != ''
         ORDER BY s.day DESC, s.seen_at DESC LIMIT 1) AS repository,
        (SELECT json_object('listings', count(*), 'sources', json_group_array(DISTINCT
            CASE origin WHEN '' THEN source ELSE source || ':' || origin END))
         FROM sightings s WHERE s.paper_id = papers.id) AS listed
    FROM papers LEFT JOIN annotations a ON a.key = papers.current_key
"""
_ORDERS = {
    "new": "papers.first_seen DESC, papers.rowid",
    "top": "papers.votes DESC, papers.first_seen DESC, papers.rowid",
}
Order = Literal["new", "top", "relevance"]
"""Latest first seen first, within a day as listed; most votes first; or what answers a search best first."""
_CANDIDATES_SHOWN = 10
_ARXIV_PREFIX = re.compile(
    r"^(?:https?://)?(?:(?:\w+\.)?arxiv\.org/(?:abs|pdf|html)/|(?:\w+\.)?huggingface\.co/papers/|arxiv:"
    r"|(?:(?:dx\.)?doi\.org/|doi:)?10\.48550/arxiv\.)",
    re.IGNORECASE,
)
_ARXIV_SUFFIX = re.compile(r"(?<=\d)(?:v\d+)?(?:\.pdf)?/?(?:[?#].*)?$")
_DOI_PREFIX = re.compile(r"^(?:(?:https?://)?(?:dx\.|www\.)?doi\.org/|doi:)", re.IGNORECASE)
_FEWEST_LETTERS_OF_ID = 3
_FEW = 800
"""Papers that are sorted sooner than thirty of them are met among a million."""
_CHUNK = 500
_LISTS_REPOSITORIES = "Hugging Face"
"""Whose listings have a ``githubRepo``: its daily papers, live or saved."""


class Records:
    """Questions whose answers are records."""

    def __init__(self, db: Database, fields: Fields, ranking: Ranking) -> None:
        self._db = db
        self._fields = fields
        self._ranking = ranking

    def matching(
        self, where: Filter, *, order: Order | None = None, limit: int | None = None, offset: int = 0
    ) -> Iterator[Record]:
        """Yield records that pass a filter, in an order, as `ids` does."""
        ids = self.ids(where, order=order, limit=limit, offset=offset)
        for start in range(0, len(ids), _CHUNK):
            yield from self.by_ids(ids[start : start + _CHUNK])

    def ids(
        self, where: Filter, *, order: Order | None = None, limit: int | None = None, offset: int = 0
    ) -> list[str]:
        """Return the ids of the papers that pass a filter, by relevance to its search, else the latest first.

        What a search finds can be had in another order.
        """
        found = self._ranking.found(where.search) if order in {None, "relevance"} else None
        if found is not None:
            return self._ids_found(found, where.model_copy(update={"search": ""}), limit, offset)
        conditions, values = self._ranking.condition(where)
        among, tags = self._of_rare_tags(where)
        rows = self._db.execute(
            f"""SELECT papers.id FROM {among} {conditions}
                ORDER BY {_ORDERS["top" if order == "top" else "new"]} LIMIT ? OFFSET ?""",  # noqa: S608 - ours
            [*tags, *values, -1 if limit is None else limit, offset],
        )
        return [row[0] for row in rows.fetchall()]

    def _ids_found(self, found: list[int], where: Filter, limit: int | None, offset: int) -> list[str]:
        """Return the ids of what a search found and a filter lets through, in the order of `found`.

        Where nothing else is asked for, the first rows are enough, unless some have been removed.
        """
        end = len(found) if limit is None else offset + limit
        conditions, values = self._ranking.condition(where)
        for rows in (found[:end], found) if not conditions and end < len(found) else (found,):
            ids = self._db.execute(
                f"""SELECT papers.id FROM json_each(?) found JOIN papers ON papers.rowid = found.value
                    {conditions} ORDER BY found.key LIMIT ? OFFSET ?""",  # noqa: S608 - ours
                [json.dumps(rows), *values, -1 if limit is None else limit, offset],
            ).fetchall()
            if len(ids) == end - offset:
                break
        return [row[0] for row in ids]

    def _of_rare_tags(self, where: Filter) -> tuple[str, list[str]]:
        """Return what the papers of a filter are among, if few have any of its tags, or all papers.

        The latest papers of a frequent tag are soon met on the way back through the days; for a rare one, all
        papers would be looked at.
        """
        for tags in [where.tags] if where.match == "any" else [(tag,) for tag in where.tags]:
            having, values = "FROM tags WHERE tag IN (SELECT value FROM json_each(?))", [json.dumps(tags)]
            counted = self._db.execute(f"SELECT count(*) FROM (SELECT 1 {having} LIMIT {_FEW + 1})", values)  # noqa: S608
            if tags and counted.fetchone()[0] <= _FEW:
                tagged = f"(SELECT DISTINCT paper_id {having}) tagged"
                return f"{tagged} CROSS JOIN papers ON papers.id = tagged.paper_id", values
        return "papers", []

    def count(self, where: Filter) -> int:
        """Count the records that pass a filter."""
        conditions, values = self._ranking.condition(where)
        return int(
            self._db.execute(f"SELECT count(*) FROM papers {conditions}", values).fetchone()[0]  # noqa: S608
        )

    def by_ids(self, ids: Sequence[str]) -> list[Record]:
        """Return the records with these ids (a few hundred at most), in order; unknown ids are left out."""
        marks = ", ".join("?" * len(ids))
        rows = self._db.execute(f"{_SELECT} WHERE papers.id IN ({marks})", list(ids)).fetchall()
        findings = self._findings([row["current_key"] for row in rows if row["current_key"]])
        found = {
            row["id"]: _record(row, findings.get(row["current_key"], []), self._fields.model) for row in rows
        }
        states = Links(self._db).states(url for record in found.values() for url in _urls(record))
        return [_with_links(found[id_], states) for id_ in ids if id_ in found]

    def by_rows(self, rowids: Sequence[int]) -> list[Record]:
        """Return the records in these rows (a few hundred at most), in order."""
        rows = self._db.execute(
            """SELECT papers.id FROM json_each(?) found JOIN papers ON papers.rowid = found.value
               ORDER BY found.key""",
            [json.dumps(rowids)],
        )
        return self.by_ids([row[0] for row in rows])

    def get(self, wanted: str) -> Record:
        """Return the one paper with this id (ours, arXiv's, a DOI, a file's own), address or title.

        The first letters of an id and a part of a title are enough where only one paper has them.

        Raises:
            NotFoundError: No paper answers to it.
            AmbiguousError: Several do.
        """
        wanted = storable(wanted).removeprefix("id:")
        for find in (self._with_id, self._titled, self._with_part):  # the last reads every title
            ids = find(wanted)
            if len(ids) == 1:
                return self.by_ids(ids)[0]
            if ids:
                raise self._ambiguous(wanted, ids)
        raise NotFoundError(
            f"No paper in the cache answers to {wanted[:80]!r}; try: broadsheet list --search WORDS"
        )

    def with_id(self, wanted: str) -> Record | None:
        """Return the paper with this id (ours, arXiv's, a DOI, a file's own) or address, if one alone has."""
        ids = self._with_id(storable(wanted).removeprefix("id:"))
        found = self.by_ids(ids) if len(ids) == 1 else []
        return found[0] if found else None

    def named(self, wanted: str) -> list[Record]:
        """Return the papers with this id, address or title, the whole of it; up to ten.

        Unlike `get`, it reads no more of the cache than the answer, so a thousand names are soon looked up.
        """
        wanted = storable(wanted).removeprefix("id:")
        ids = self._with_id(wanted) or self._titled(wanted)
        return self.by_ids(ids[:_CANDIDATES_SHOWN]) if ids else []

    def tag_counts(self, where: Filter | None = None) -> dict[str, int]:
        """Return the tags of the papers that pass a filter, each with the number of those papers."""
        conditions, values = self._ranking.condition(where or Filter())
        among = f"WHERE paper_id IN (SELECT id FROM papers {conditions})" if conditions else ""  # noqa: S608 - ours
        rows = self._db.execute(
            f"SELECT tag, count(*) FROM tags {among} GROUP BY tag ORDER BY tag",  # noqa: S608 - ours
            values,
        )
        return dict(rows.fetchall())

    def _with_id(self, wanted: str) -> list[str]:
        bare = _ARXIV_SUFFIX.sub("", _ARXIV_PREFIX.sub("", wanted.strip()))
        doi = _DOI_PREFIX.sub("", wanted.strip()).lower()
        rows = self._db.execute(
            """SELECT id FROM papers WHERE id IN (?1, ?2, ?3)
               UNION SELECT paper_id FROM aliases
                   WHERE alias IN ('arxiv:' || ?2, 'doi:' || ?3, 'former:' || ?1)
               UNION SELECT id FROM papers WHERE local_id = ?1 AND local_id != ''
               UNION SELECT id FROM papers WHERE url != '' AND url IN (SELECT value FROM json_each(?4))""",
            [wanted.strip(), bare, doi, json.dumps(_spellings(wanted.strip()))],
        )
        return [row[0] for row in rows]

    def _titled(self, wanted: str) -> list[str]:
        rows = self._db.execute("SELECT id FROM papers WHERE title_key = ?", [title_key(wanted)])
        return [row[0] for row in rows]

    def _with_part(self, wanted: str) -> list[str]:
        """Return the papers whose id begins so, and those with this part of a title."""
        start = wanted.strip().lower() if len(wanted.strip()) >= _FEWEST_LETTERS_OF_ID else "\0"
        begins_so = self._db.execute(
            "SELECT id FROM papers WHERE substr(lower(id), 1, length(?1)) = ?1 ORDER BY id", [start]
        )
        return list(dict.fromkeys([*(row[0] for row in begins_so), *self._with_title_part(wanted)]))

    def _with_title_part(self, wanted: str) -> list[str]:
        key = title_key(wanted)
        if not key:
            return []
        rows = self._db.execute(  # an index of titles is a twentieth of the papers
            """SELECT id, title_key FROM papers
               WHERE rowid IN (SELECT rowid FROM papers WHERE instr(title_key, ?)) ORDER BY title""",
            [key],
        ).fetchall()
        whole_words = [row for row in rows if f" {key} " in f" {row['title_key']} "]
        return [row["id"] for row in whole_words or rows]

    def _ambiguous(self, wanted: str, ids: Sequence[str]) -> AmbiguousError:
        candidates = tuple((record.id, record.title) for record in self.by_ids(ids[:_CANDIDATES_SHOWN]))
        return AmbiguousError(
            f"{len(ids)} papers answer to {wanted[:80]!r}; name one by its id or by more of its title.",
            candidates,
        )

    def _findings(self, keys: Sequence[str]) -> dict[str, list[Finding]]:
        marks = ", ".join("?" * len(keys))
        rows = self._db.execute(f"SELECT * FROM findings WHERE key IN ({marks}) ORDER BY rowid", list(keys))  # noqa: S608
        found: dict[str, list[Finding]] = {}
        for row in rows:
            found.setdefault(row["key"], []).append(finding_from_row(row))
        return found


def _spellings(url: str) -> list[str]:
    """Return an address with and without what makes no difference: https, www. and a slash at the end."""
    bare = re.sub(r"^https?://(?:www\.)?", "", url.partition("#")[0], flags=re.IGNORECASE).rstrip("/")
    return [f"http{s}://{www}{bare}{slash}" for s in ("s", "") for www in ("", "www.") for slash in ("", "/")]


def _urls(record: Record) -> tuple[str, ...]:
    return record.annotation.code.urls if record.annotation else ()


def _with_links(record: Record, states: Mapping[str, LinkState]) -> Record:
    links = {url: states[url] for url in _urls(record) if url in states}
    return record.model_copy(update={"links": links}) if links else record


@decodes_rows
def _record(row: Mapping[str, Any], findings: Sequence[Finding], model: type[Annotation]) -> Record:
    annotated, listed = row["current_key"] is not None, json.loads(row["listed"])
    return Record.model_construct(
        paper=paper_from_row(row),
        first_seen=date.fromisoformat(row["first_seen"]),
        source=row["source"],
        revised=row["revised_at"] is not None,
        votes=row["votes"],
        repository=Repository(**json.loads(row["repository"]), listed_by=_LISTS_REPOSITORIES)
        if row["repository"]
        else None,
        annotation=from_row(row, model) if annotated else None,
        provenance=_provenance(row) if annotated else None,
        findings=tuple(findings),
        links={},
        sources=tuple(sorted(listed["sources"])),
        listings=listed["listings"],
        failure=row["failure"] or "",
    )


def _provenance(row: Mapping[str, Any]) -> Provenance:
    return Provenance(
        engine=row["engine"],
        model=row["model"],
        prompt=row["prompt"],
        annotated_at=datetime.fromisoformat(row["annotated_at"]),
    )
