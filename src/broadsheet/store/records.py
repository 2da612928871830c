"""Reading: papers with their current annotations, by filter, by id or by title."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.annotation import Annotation, Finding
from broadsheet.errors import AmbiguousError, NotFoundError, UserError
from broadsheet.filters import Filter
from broadsheet.paper import title_key
from broadsheet.record import LinkState, Provenance, Record, Repository
from broadsheet.schema import columns, from_row
from broadsheet.store.annotations import finding_from_row
from broadsheet.store.fields import Fields
from broadsheet.store.links import Links
from broadsheet.store.papers import paper_from_row
from broadsheet.store.rows import decodes_rows

_SELECT = """
    SELECT papers.*, a.*, papers.rowid AS rowid, papers.content_hash AS content_hash,
        (SELECT f.reason FROM failures f WHERE f.paper_id = papers.id AND papers.current_key IS NULL
         ORDER BY f.failed_at DESC LIMIT 1) AS failure,
        (SELECT json_object('url', json_extract(s.words, '$.githubRepo'), 'stars', s.stars) FROM sightings s
         WHERE s.paper_id = papers.id AND json_extract(s.words, '$.githubRepo') != ''
         ORDER BY s.day DESC, s.seen_at DESC LIMIT 1) AS repository
    FROM papers LEFT JOIN annotations a ON a.key = papers.current_key
"""
_CANDIDATES_SHOWN = 10
_ARXIV_PREFIX = re.compile(
    r"^(?:https?://)?(?:(?:\w+\.)?arxiv\.org/(?:abs|pdf|html)/|(?:\w+\.)?huggingface\.co/papers/|arxiv:"
    r"|(?:(?:dx\.)?doi\.org/|doi:)?10\.48550/arxiv\.)",
    re.IGNORECASE,
)
_ARXIV_SUFFIX = re.compile(r"(?<=\d)(?:v\d+)?(?:\.pdf)?/?(?:[?#].*)?$")
_DOI_PREFIX = re.compile(r"^(?:(?:https?://)?(?:dx\.|www\.)?doi\.org/|doi:)", re.IGNORECASE)
_FEWEST_LETTERS_OF_ID = 3
_CHUNK = 500
_LISTS_REPOSITORIES = "Hugging Face"
"""Whose listings have a ``githubRepo``: its daily papers, live or saved."""
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}
_MOST_WORDS = 100


class Records:
    """Questions whose answers are records."""

    def __init__(self, db: Database, fields: Fields) -> None:
        self._db = db
        self._fields = fields

    def matching(self, where: Filter, *, limit: int | None = None, offset: int = 0) -> Iterator[Record]:
        """Yield records that pass a filter, latest first seen first; within a day, as they were listed."""
        condition, values = _condition(where, self._fields.model)
        ids = [
            row["id"]
            for row in self._db.execute(
                f"""SELECT papers.id FROM papers {condition}
                    ORDER BY papers.first_seen DESC, papers.rowid LIMIT ? OFFSET ?""",  # noqa: S608 - ours
                [*values, -1 if limit is None else limit, offset],
            )
        ]
        for start in range(0, len(ids), _CHUNK):
            yield from self.by_ids(ids[start : start + _CHUNK])

    def count(self, where: Filter) -> int:
        """Count the records that pass a filter."""
        condition, values = _condition(where, self._fields.model)
        return int(
            self._db.execute(f"SELECT count(*) FROM papers {condition}", values).fetchone()[0]  # noqa: S608
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

    def get(self, wanted: str) -> Record:
        """Return the one paper with this id (ours, arXiv's, a DOI, a file's own), address or title.

        The first letters of an id and a part of a title are enough where only one paper has them.

        Raises:
            NotFoundError: No paper answers to it.
            AmbiguousError: Several do.
        """
        wanted = _storable(wanted).removeprefix("id:")
        for ids in (self._with_id(wanted), self._titled(wanted), self._with_part(wanted)):
            if len(ids) == 1:
                return self.by_ids(ids)[0]
            if ids:
                raise self._ambiguous(wanted, ids)
        raise NotFoundError(
            f"No paper in the cache answers to {wanted[:80]!r}; try: broadsheet list --search WORDS"
        )

    def tag_counts(self) -> dict[str, int]:
        """Return the tags that some paper has, each with the number of its papers."""
        return dict(self._db.execute("SELECT tag, count(*) FROM tags GROUP BY tag ORDER BY tag").fetchall())

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
        whole_words = self._db.execute(
            "SELECT id FROM papers WHERE instr(' ' || title_key || ' ', ' ' || ? || ' ') ORDER BY title",
            [key],
        ).fetchall()
        rows = whole_words or self._db.execute(
            "SELECT id FROM papers WHERE instr(title_key, ?) ORDER BY title", [key]
        )
        return [row[0] for row in rows]

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
    annotated = row["current_key"] is not None
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
        failure=row["failure"] or "",
    )


def _provenance(row: Mapping[str, Any]) -> Provenance:
    return Provenance(
        engine=row["engine"],
        model=row["model"],
        prompt=row["prompt"],
        annotated_at=datetime.fromisoformat(row["annotated_at"]),
    )


def _storable(text: str) -> str:
    """Replace lone surrogates, which a terminal makes of bytes that are no UTF-8 and SQLite refuses."""
    return text.encode(errors="replace").decode()


def _searched(search: str) -> Iterator[str]:
    """Yield the FTS5 queries that a paper or its annotation must all match; the last word may be unfinished.

    Raw input such as c++ or a lone quote is a syntax error in FTS5, so every word is quoted; one of signs
    alone answers to nothing and is passed over, unless there is no other. Beyond `_MOST_WORDS` SQLite's
    expressions would grow too deep.
    """
    given = _storable(search).replace("\0", " ").split()
    words = [word for word in given if any(map(str.isalnum, word))] or given[:1]
    *whole, last = words[:_MOST_WORDS] or [""]
    yield from map(_quoted, dict.fromkeys(whole))
    if last:
        yield f"{_quoted(last)}*"


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _condition(where: Filter, model: type[Annotation]) -> tuple[str, list[Any]]:
    """Return the WHERE clause of a filter, with its values."""
    clauses: list[str] = []
    values: list[Any] = []

    def add(clause: str, *given: Any) -> None:
        clauses.append(clause)
        values.extend(given)

    # Tags go in as one JSON value, so that no number of them is too many for SQLite.
    tagged = (
        "(SELECT count(*) FROM tags t WHERE t.paper_id = papers.id"
        " AND t.tag IN (SELECT value FROM json_each(?)))"
    )
    if where.tags:
        wanted = set(where.tags)
        add(f"{tagged} >= ?", json.dumps(sorted(wanted)), 1 if where.match == "any" else len(wanted))
    if where.without:
        add(f"{tagged} = 0", json.dumps(where.without))
    if where.code:
        add(
            "EXISTS (SELECT 1 FROM annotations a WHERE a.key = papers.current_key AND a.code_status = ?)",
            where.code,
        )
    if where.repository is not None:
        listed = """EXISTS (SELECT 1 FROM sightings s WHERE s.paper_id = papers.id
            AND json_extract(s.words, '$.githubRepo') != '')"""
        add(listed if where.repository else f"NOT {listed}")
    for column, first, last in (
        ("first_seen", where.since, where.until),
        ("published", where.published_since, where.published_until),
    ):
        if first:
            add(f"papers.{column} >= ?", first.isoformat())
        if last:
            add(f"papers.{column} <= ?", last.isoformat())
    for name, value in where.fields:
        clause, given = _field_condition(name, value, model)
        add(clause, given)
    for word in _searched(where.search):
        add(
            """papers.rowid IN (SELECT rowid FROM papers_fts WHERE papers_fts MATCH ?
                UNION SELECT rowid FROM annotations_fts WHERE annotations_fts MATCH ?)""",
            word,
            word,
        )
    return ("WHERE " + " AND ".join(clauses) if clauses else ""), values


def _field_condition(name: str, value: str, model: type[Annotation]) -> tuple[str, str]:
    """Return the clause, with its value, of a field that has a value, or of phrases that hold it."""
    fields = {column.name: column for column in columns(model)}
    column = fields.get(name.replace(".", "_").replace("-", "_"))
    if column is None:
        raise UserError(f"No field is called {name!r}; --where takes one of {', '.join(fields)}.")
    current = "SELECT 1 FROM annotations a WHERE a.key = papers.current_key"
    if column.is_text:
        return f'EXISTS ({current} AND a."{column.name}" = ? COLLATE NOCASE)', value
    words: list[Any] = [value, *(_YES_NO[word] for word in [value.lower()] if word in _YES_NO)]
    if value.isdecimal():
        words.append(int(value))
    found = 'SELECT 1 FROM json_each(a."{}") AS held, json_each(?) AS wanted WHERE held.value = wanted.value'
    return f"EXISTS ({current} AND EXISTS ({found.format(column.name)} COLLATE NOCASE))", json.dumps(words)
