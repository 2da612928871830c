"""Papers, annotations and stores with invented content, for every test that needs some."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from broadsheet.annotation import Annotation, Code, Finding
from broadsheet.paper import Paper, Sighting
from broadsheet.record import Maker
from broadsheet.store import Store
from broadsheet.store.annotations import NewReply

DAY = date(2026, 1, 5)
ABSTRACT = (
    "Tidal flats change shape between two surveys. We present SandLoom, which predicts the shape of a flat"
    " from sparse soundings with a graph network. SandLoom halves the error on nine estuaries. Our code is"
    " available at https://example.org/sandloom."
)
TLDR = (
    "SandLoom predicts how tidal flats change shape from sparse soundings with a graph network, and halves"
    " the error on nine estuaries."
)


def sighting(day: date = DAY, **fields: Any) -> Sighting:
    """A listing of the source ``jsonl``."""
    return Sighting(**{"source": "jsonl", "origin": "made.jsonl", "day": day, **fields})


def paper(title: str = "SandLoom: Tidal Flats from Sparse Soundings", **fields: Any) -> Paper:
    """A paper that nobody wrote."""
    return Paper(**{"title": title, "abstract": ABSTRACT, "sighting": sighting(), **fields})


def annotation(**fields: Any) -> Annotation:
    """A valid annotation of `paper`; ``code`` may be given as a status."""
    code = fields.pop("code", "available")
    if isinstance(code, str):
        code = (
            Code(status="none", evidence="", urls=())
            if code == "none"
            else Code(
                status=code,
                evidence="Our code is available at https://example.org/sandloom",
                urls=("https://example.org/sandloom",),
            )
        )
    made = {
        "tldr": TLDR,
        "topics": ("graphs", "science-and-health"),
        "contribution": "method",
        "keywords": ("tidal flats", "graph network", "sparse soundings"),
        "code": code,
    }
    return Annotation(**{**made, **fields})


def maker(engine: str = "openai", model: str = "model-a", **fields: str) -> Maker:
    """Who annotates: a model, under a prompt and a schema."""
    return Maker(**{"engine": engine, "model": model, "prompt": "prompt-1", "schema": "schema-1", **fields})


def add(store: Store, *papers: Paper, day: date = DAY) -> None:
    """Put papers into a store as intake would, without looking for doubles."""
    with store.transaction():
        for one in papers:
            store.papers.add(one, one.sighting.day if one.sighting else day)
            if one.sighting:
                store.papers.sight(one.id, one.sighting)


def annotate(
    store: Store,
    one: Paper,
    by: Maker | None = None,
    said: Annotation | None = None,
    findings: Sequence[Finding] = (),
) -> None:
    """Store an annotation of a paper."""
    with store.transaction():
        store.annotations.keep(one, by or maker(), said or annotation(), findings)


def keep_reply(store: Store, papers: dict[str, Paper], **fields: Any) -> int:
    """Store a raw reply about papers; returns its row id."""
    made = {
        "request_id": "R1",
        "purpose": "annotate",
        "text": '{"papers": []}',
        "finish_reason": "stop",
        "refusal": "",
        "answered_by": "model-a-1",
        "input_tokens": 900,
        "cached_tokens": 400,
        "output_tokens": 120,
        "latency_s": 1.5,
        "cost_usd": 0.002,
    }
    return store.annotations.keep_reply(maker(), NewReply(papers=papers, **{**made, **fields}))


def rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    """What the tables hold, for claims that no named question answers."""
    return [tuple(row) for row in store._db.execute(sql)]
