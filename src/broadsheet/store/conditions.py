"""A `Filter` as a WHERE clause over the papers table."""

from __future__ import annotations

import json
from typing import Any

from broadsheet.annotation import Annotation
from broadsheet.errors import UserError
from broadsheet.filters import Filter, column_name, wanted_values
from broadsheet.schema import columns
from broadsheet.searching import Phrase, phrases, storable

# Tags go in as one JSON value, so that no number of them is too many for SQLite.
_TAGGED = """(SELECT count(*) FROM tags t WHERE t.paper_id = papers.id
    AND t.tag IN (SELECT value FROM json_each(?)))"""
_CURRENT = "SELECT 1 FROM annotations a WHERE a.key = papers.current_key"
_LISTS_REPOSITORY = """EXISTS (SELECT 1 FROM sightings s WHERE s.paper_id = papers.id
    AND json_extract(s.words, '$.githubRepo') != '')"""
_LISTED_BY = """EXISTS (SELECT 1 FROM sightings s, json_each(?) AS wanted WHERE s.paper_id = papers.id
    AND (wanted.value = s.source COLLATE NOCASE
        OR wanted.value = s.source || ':' || s.origin COLLATE NOCASE))"""
_IN_INDEX = "papers.rowid IN (SELECT rowid FROM papers_fts WHERE papers_fts MATCH ?)"


def condition(where: Filter, model: type[Annotation]) -> tuple[str, list[Any]]:
    """Return the WHERE clause of a filter, or nothing for an empty one, with its values.

    The words of a search must all stand here; `Ranking` is what makes one rank.

    Args:
        where: The filter.
        model: The class of the cache's annotations, whose fields it may name.

    Raises:
        UserError: No field has a name that the filter gives.
    """
    parts = [*_by_annotation(where, model), *_by_paper(where)]
    clauses = " AND ".join(clause for clause, _ in parts)
    return f"WHERE {clauses}" if clauses else "", [value for _, values in parts for value in values]


def _by_annotation(where: Filter, model: type[Annotation]) -> list[tuple[str, list[Any]]]:
    parts: list[tuple[str, list[Any]]] = []
    if where.tags:
        wanted = set(where.tags)
        enough = 1 if where.match == "any" else len(wanted)
        parts.append((f"{_TAGGED} >= ?", [json.dumps(sorted(wanted)), enough]))
    if where.without:
        parts.append((f"{_TAGGED} = 0", [json.dumps(where.without)]))
    if where.contribution:
        is_one = f"EXISTS ({_CURRENT} AND a.contribution IN (SELECT value FROM json_each(?)))"  # noqa: S608
        parts.append((is_one, [json.dumps(where.contribution)]))
    if where.code:
        parts.append((f"EXISTS ({_CURRENT} AND a.code_status = ?)", [where.code]))
    return parts + [_has_value(name, value, model) for name, value in where.fields]


def _by_paper(where: Filter) -> list[tuple[str, list[Any]]]:
    parts: list[tuple[str, list[Any]]] = []
    if where.sources:
        parts.append((_LISTED_BY, [json.dumps(where.sources)]))
    if where.repository is not None:
        parts.append((_LISTS_REPOSITORY if where.repository else f"NOT {_LISTS_REPOSITORY}", []))
    for column, first, last in (
        ("first_seen", where.since, where.until),
        ("published", where.published_since, where.published_until),
    ):
        if first:
            parts.append((f"papers.{column} >= ?", [first.isoformat()]))
        if last:
            parts.append((f"papers.{column} <= ?", [last.isoformat()]))
    if where.authors:
        names = " OR ".join(Phrase(storable(author).replace("\0", " ")).quoted for author in where.authors)
        parts.append((_IN_INDEX, [f"authors : ({names})"]))
    words = phrases(where.unranked().words)
    return parts + [(_IN_INDEX, [f"- tags : ({phrase.quoted})"]) for phrase in words]


def _has_value(name: str, value: str, model: type[Annotation]) -> tuple[str, list[Any]]:
    """Return the clause, with its value, of a field that has a value, or of phrases that hold it."""
    fields = {column.name: column for column in columns(model)}
    column = fields.get(column_name(name))
    if column is None:
        raise UserError(f"No field is called {name!r}; --where takes one of {', '.join(fields)}.")
    if column.is_text:
        return f'EXISTS ({_CURRENT} AND a."{column.name}" = ? COLLATE NOCASE)', [value]
    found = 'SELECT 1 FROM json_each(a."{}") AS held, json_each(?) AS wanted WHERE held.value = wanted.value'
    holds = f"EXISTS ({_CURRENT} AND EXISTS ({found.format(column.name)} COLLATE NOCASE))"
    return holds, [json.dumps(wanted_values(value))]
