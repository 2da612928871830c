"""How papers, answers and annotations stand in the rows of parts, and come back from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from broadsheet.annotation import Annotation, Finding
from broadsheet.cluster.parts import Row
from broadsheet.llm import Reply, Request
from broadsheet.paper import Paper, Sighting
from broadsheet.prices import Price
from broadsheet.record import Maker
from broadsheet.schema import from_row, to_row
from broadsheet.store import Store
from broadsheet.store.annotations import NewReply

_PAPER_TEXTS = ("id", "title", "abstract", "comment", "url", "arxiv_id", "doi", "local_id")
_REPLY = (
    *("request_id", "purpose", "text", "finish_reason", "refusal", "answered_by"),
    *("input_tokens", "cached_tokens", "output_tokens", "latency_s", "cost_usd"),
)
_FINDING = ("field", "kind", "detail", "severity")


def paper_row(paper: Paper, sightings: list[Sighting], key: str) -> Row:
    """Return a paper with its sightings and the key of its annotation."""
    return {name: getattr(paper, name) for name in _PAPER_TEXTS} | {
        "key": key,
        "authors": json.dumps(paper.authors, ensure_ascii=False),
        "published": paper.published.isoformat() if paper.published else "",
        "version": paper.version or 0,
        "sightings": json.dumps([each.model_dump(mode="json") for each in sightings], ensure_ascii=False),
    }


def paper_of(row: Row) -> tuple[Paper, list[Sighting]]:
    """Return what `paper_row` was given."""
    paper = Paper.model_construct(
        **{name: row[name] for name in _PAPER_TEXTS},
        authors=tuple(json.loads(row["authors"])),
        published=date.fromisoformat(row["published"]) if row["published"] else None,
        version=row["version"] or None,
        sighting=None,
    )
    return paper, [Sighting.model_validate(each) for each in json.loads(row["sightings"])]


def reply_row(request: Request, reply: Reply, price: Price | None) -> Row:
    """Return an answer as it is kept; lone surrogates, which no file takes, are replaced."""
    usage = reply.usage
    cost = price and price.cost(usage.input_tokens, usage.cached_tokens, usage.output_tokens)
    papers = {ref: [paper.id, paper.content_hash] for ref, paper in request.papers.items()}
    return {
        "request_id": request.id,
        "purpose": request.purpose,
        "papers": json.dumps(papers),
        "text": _storable(reply.text),
        "finish_reason": reply.finish_reason,
        "refusal": _storable(reply.refusal),
        "answered_by": reply.model,
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "latency_s": float(reply.latency_s),
        "cost_usd": cost,
        "received_at": datetime.now(UTC).isoformat(),
    }


def keep_reply(store: Store, row: Row, maker: Maker, papers: Mapping[str, Paper]) -> int:
    """Store an answer once; returns its row. Call it inside a transaction.

    Args:
        store: The cache.
        row: The answer.
        maker: Who answered.
        papers: The papers of its partition, by the ids that they have there.
    """
    if kept := store.annotations.reply_to(row["request_id"]):
        return kept
    asked = {
        ref: papers[paper_id]
        for ref, (paper_id, _) in json.loads(row["papers"]).items()
        if paper_id in papers
    }
    new = NewReply(papers=asked, **{name: row[name] for name in _REPLY})
    return store.annotations.keep_reply(maker, new, row["received_at"])


def annotation_rows(
    store: Store, maker: Maker, keys: Mapping[str, Paper], replies: list[Row]
) -> Iterator[Row]:
    """Yield what became of each paper of a partition.

    Args:
        store: The worker's cache.
        maker: Whose annotations they are.
        keys: The papers, by the keys of their annotations.
        replies: Its answers.
    """
    requests = {store.annotations.reply_to(row["request_id"]): row["request_id"] for row in replies}
    failures = {each["paper_id"]: each for each in store.annotations.failures()}
    for key, paper in keys.items():
        kept, origin = store.annotations.kept(key), store.annotations.origin(key)
        failed = failures.get(paper.id) if kept is None else None
        row: Row = {
            "key": key,
            "paper_id": paper.id,
            "content_hash": paper.content_hash,
            "engine": maker.engine,
            "model": maker.model,
            "prompt": maker.prompt,
            "schema": maker.schema,
            "request_id": requests.get(origin[0], "") if origin else "",
            "annotated_at": origin[1] if origin else "",
            "failure": str(failed["reason"]) if failed else "",
            "failure_detail": str(failed["detail"]) if failed else "",
        }
        annotation, findings = kept or (None, ())
        row["findings"] = json.dumps(
            [{name: getattr(each, name) for name in _FINDING} for each in findings], ensure_ascii=False
        )
        row |= to_row(annotation) if annotation else dict.fromkeys(_columns(store.annotation))
        yield row


def annotation_of(row: Row, model: type[Annotation]) -> tuple[Annotation, tuple[Finding, ...]] | None:
    """Return a paper's annotation with its findings; None where it got none."""
    if not row["annotated_at"]:
        return None
    findings: list[dict[str, Any]] = json.loads(row["findings"])
    return from_row(row, model), tuple(Finding(**each) for each in findings)


def _columns(model: type[Annotation]) -> list[str]:
    from broadsheet.schema import columns

    return [column.name for column in columns(model)]


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
