"""Editions as small rows: each record by the paper's id and content hash and the annotation's key.

What may change later stands in the row itself: votes, findings, the state of links.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.annotation import Annotation, Finding
from broadsheet.edition import Edition
from broadsheet.record import Provenance, Record, Repository
from broadsheet.schema import from_row
from broadsheet.store.named_rows import Row, holders, named_rows, small_json
from broadsheet.store.papers import paper_from_row

_FILLED_LATER = {
    "a": "authors",
    "u": "url",
    "p": "published",
    "x": "arxiv_id",
    "d": "doi",
    "l": "local_id",
}
"""Fields that another telling of the paper may fill but never changes, and the letter of each in a row."""
_BLANK = {"authors": "[]", "published": None}


def to_text(edition: Edition, keys: Mapping[str, str]) -> str:
    """Return the row's JSON of an edition.

    Args:
        edition: An edition whose records are as the cache has them now.
        keys: The key of the current annotation of each paper that has one, by paper id.
    """
    sections = []
    for section in edition.sections:
        small = section.model_dump(mode="json", exclude={"cards", "picks"}, exclude_defaults=True)
        cards = [
            card.model_dump(mode="json", exclude={"record", "corrections"}, exclude_defaults=True)
            | {"record": _reference(card.record, keys)}
            for card in section.cards
        ]
        picks = [
            pick.model_dump(mode="json", exclude={"record"}, exclude_defaults=True)
            | ({"record": _reference(pick.record, keys)} if pick.record else {})
            for pick in section.picks
        ]
        sections.append(small | ({"cards": cards} if cards else {}) | ({"picks": picks} if picks else {}))
    rest = edition.model_dump(mode="json", exclude={"sections", "corrections"}, exclude_defaults=True)
    return small_json(rest | {"sections": sections})


def from_text(db: Database, text: str, model: type[Annotation]) -> Edition:
    """Return the edition in a row.

    Args:
        db: Where the papers and annotations are that it names.
        text: The row's JSON.
        model: The class of the cache's annotations.
    """
    value = json.loads(text)
    named = [holder for holder in holders(value) if "whole" not in holder["record"]]
    rows = list(named_rows(db, [holder["record"] for holder in named]))
    for holder, (paper, annotation) in zip(named, rows, strict=True):
        holder["record"] = _record(holder["record"], paper, annotation, model)
    for holder in holders(value):
        if isinstance(holder["record"], dict):
            holder["record"] = holder["record"]["whole"]
    return Edition.model_validate(value, context={"annotation": model})


def _reference(record: Record, keys: Mapping[str, str]) -> dict[str, Any]:
    paper = record.paper
    reference: dict[str, Any] = {
        "id": paper.id,
        "hash": paper.content_hash,
        "key": keys[paper.id] if record.annotation else None,
        "seen": record.first_seen.isoformat(),
        "version": paper.version,
        "empty": "".join(letter for letter, name in _FILLED_LATER.items() if not getattr(paper, name)),
        "revised": record.revised or None,
        "votes": record.votes,
        "repository": record.repository.model_dump() if record.repository else None,
        "findings": [finding.model_dump() for finding in record.findings],
        "links": record.links,
        "sources": [] if record.sources == (record.source,) else list(record.sources),
        "listings": record.listings or None,
        "failure": record.failure,
    }
    return {name: value for name, value in reference.items() if value not in (None, [], {}, "")}


def _record(reference: Row, paper: Row, said: Row | None, model: type[Annotation]) -> Record:
    empty = [_FILLED_LATER[letter] for letter in reference.get("empty", "")]
    blank = {name: _BLANK.get(name, "") for name in empty}
    told = {**paper, **blank, "version": reference.get("version")}
    was_listed = [paper["source"]] if "listings" in reference else []
    return Record.model_construct(
        paper=paper_from_row(told),
        first_seen=date.fromisoformat(reference["seen"]),
        source=paper["source"],
        revised=reference.get("revised", False),
        votes=reference.get("votes"),
        repository=Repository(**reference["repository"]) if "repository" in reference else None,
        annotation=from_row(said, model) if said else None,
        provenance=_provenance(said) if said else None,
        findings=tuple(Finding(**each) for each in reference.get("findings", ())),
        links=reference.get("links", {}),
        sources=tuple(reference.get("sources", was_listed)),
        listings=reference.get("listings", 0),
        failure=reference.get("failure", ""),
    )


def _provenance(said: Row) -> Provenance:
    return Provenance(
        **{name: said[name] for name in ("engine", "model", "prompt")},
        annotated_at=datetime.fromisoformat(said["annotated_at"]),
    )
