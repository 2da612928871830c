"""Reads reference annotations, and finds the title and abstract that each was made from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from broadsheet.annotation import Annotation
from broadsheet.errors import UserError, plain_reason, why_unreadable
from broadsheet.paper import Paper, title_key
from broadsheet.prompts import Prompts
from broadsheet.store import Store

PAPERS_FILE = "papers.jsonl"


@dataclass(frozen=True, slots=True)
class Reference:
    """One paper with what a careful person said of it."""

    paper: Paper
    annotation: Annotation


def read_reference(
    path: Path, prompts: Prompts, *, papers: Path | None = None, cache: Store | None = None
) -> list[Reference]:
    """Return the references of a file, one JSON object a line: id, title and the fields of an annotation.

    A title and abstract are taken from the line itself, else from ``papers``, else from ``papers.jsonl``
    beside the file, else from the cache, by id and then by title.

    Raises:
        UserError: A file cannot be read, a line is no annotation, or an abstract is nowhere to be found.
    """
    rows = list(_rows(path))
    if not rows:
        raise UserError(f"{path} holds no reference annotation; name a file with one JSON object a line.")
    beside = papers or path.with_name(PAPERS_FILE)
    known: dict[str, dict[str, Any]] = {}
    for _, row in _rows(beside) if papers or beside.is_file() else ():
        for name in (row.get("id"), title_key(str(row.get("title", "")))):
            known.setdefault(str(name), row)
    return [_reference(path, line, row, prompts, known, cache) for line, row in rows]


def _reference(
    path: Path,
    line: int,
    row: dict[str, Any],
    prompts: Prompts,
    known: Mapping[str, dict[str, Any]],
    cache: Store | None,
) -> Reference:
    fields = {name: row[name] for name in prompts.annotation.model_fields if name in row}
    try:
        annotation = prompts.annotation.model_validate(fields, context={"taxonomy": prompts.taxonomy})
        title = str(row["title"])
        paper = _paper(row, title, known, cache)
        if paper is None:
            raise UserError(
                f"The abstract of {title!r} is not in {path}; name a file that has it with --papers."
            )
        return Reference(paper, annotation)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{path}, line {line}: {where}: {plain_reason(first)}; correct that line.") from error
    except KeyError as error:
        raise UserError(f"{path}, line {line} has no {error.args[0]}; correct that line.") from error


def _paper(
    row: dict[str, Any], title: str, known: Mapping[str, dict[str, Any]], cache: Store | None
) -> Paper | None:
    own_id = str(row.get("id", ""))
    found = row if "abstract" in row else known.get(own_id) or known.get(title_key(title))
    if found is not None:
        return Paper(
            id=own_id,
            title=str(found.get("title", title)),
            abstract=str(found.get("abstract", "")),
            comment=str(found.get("comment", "")),
        )
    if cache is None:
        return None
    return cache.papers.by_id(own_id) or next(iter(cache.papers.titled(title)), None)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} cannot be read ({why_unreadable(error)}); name a readable file of JSON lines."
        ) from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}, line {number} is no JSON ({error}); correct that line.") from error
        if not isinstance(row, dict):
            raise UserError(f"{path}, line {number} is no JSON object; correct that line.")
        yield number, row
