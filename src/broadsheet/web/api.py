"""The API: the cache as JSON, with the records of ``show --json``."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, WithJsonSchema

from broadsheet.errors import NotFoundError
from broadsheet.store import Store
from broadsheet.trends import Trends
from broadsheet.web.asking import Asked, write_cursor
from broadsheet.web.problems import RESPONSES
from broadsheet.web.reading import Reading

MOST_LOOKED_UP = 1_000

router = APIRouter(prefix="/api", responses=RESPONSES)


EXAMPLE: dict[str, Any] = {
    "id": "2503.01234",
    "arxiv_id": "2503.01234",
    "doi": "",
    "title": "SandLoom: Tidal Flats from Sparse Soundings",
    "abstract": "Tidal flats change shape between two surveys. We present SandLoom, which …",
    "authors": ["Mara Quay", "Tom Reed"],
    "url": "https://arxiv.org/abs/2503.01234",
    "published": "2026-01-02",
    "first_seen": "2026-01-05",
    "source": "arxiv",
    "votes": None,
    "tldr": "SandLoom predicts how tidal flats change shape from sparse soundings with a graph network.",
    "topics": ["graphs", "science-and-health"],
    "contribution": "method",
    "keywords": ["tidal flats", "graph network", "sparse soundings"],
    "code": {
        "evidence": "Our code is available at https://example.org/sandloom",
        "status": "available",
        "urls": ["https://example.org/sandloom"],
    },
    "repository": None,
    "engine": "openai",
    "model": "gpt-5-mini",
    "prompt": "5115571d7e87",
    "annotated_at": "2026-01-05T06:00:12+00:00",
    "findings": [],
}
"""A record; a user's own fields stand beside these."""
Paper = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "examples": [EXAMPLE]})]


class Papers(BaseModel):
    """A page of papers."""

    papers: list[Paper] = Field(description="Records, as `broadsheet show --json` prints them.")
    total: int = Field(description="How many papers there are on all pages.", examples=[1])
    next: str | None = Field(
        None, description="The cursor of the next page, if there is one.", examples=["bzMw"]
    )


class TagCount(BaseModel):
    """A tag with the number of its papers."""

    tag: str = Field(examples=["robotics"])
    name: str = Field(examples=["Robotics"])
    facet: str = Field(description="topic, contribution, or former for one that the taxonomy has lost.")
    papers: int = Field(examples=[128])


class Wanted(BaseModel):
    """What to look up."""

    wanted: list[Annotated[str, Field(max_length=1_000)]] = Field(
        max_length=MOST_LOOKED_UP,
        description="Ids, DOIs, addresses or titles, each the whole of it.",
        examples=[["2503.01234", "10.48550/arXiv.2503.01234"]],
    )


class Found(BaseModel):
    """What one of the wanted came to."""

    wanted: str = Field(examples=["2503.01234"])
    paper: Paper | None = Field(None, description="The record, or null if there is not just one.")
    candidates: list[str] = Field([], description="Ids of the papers that answer to it, if several do.")


class LookedUp(BaseModel):
    """Everything looked up, in the order in which it was asked for."""

    found: list[Found]
    missing: int = Field(description="How many no paper answers to.")


class Related(BaseModel):
    """Papers that are like another."""

    papers: list[Paper] = Field(description="Records, most alike first.")


PaperName = Annotated[str, Path(description="An id, a DOI, an address or a title.", examples=["2503.01234"])]


@router.get("/papers", response_model=Papers)
def papers(asked: Annotated[Asked, Query()], reading: Reading) -> JSONResponse:
    """List the papers that pass a filter."""
    store = reading.store
    with store.snapshot():
        found = store.records.matching(
            asked.filter, order=asked.order, limit=asked.limit, offset=asked.offset
        )
        records = list(found)
        total = store.count(asked.filter)
    after = asked.offset + len(records)
    # Records are JSON already: to check and copy each value once more took as long as reading them.
    return JSONResponse(
        {
            "papers": [record.as_dict(store.annotation) for record in records],
            "total": total,
            "next": write_cursor(after) if after < total and records else None,
        }
    )


@router.get("/papers/{paper_id:path}", response_model=Paper)
def paper(paper_id: PaperName, reading: Reading) -> JSONResponse:
    """Look one paper up, by its id, DOI, address or title."""
    store = reading.store
    return JSONResponse(store.get(paper_id).as_dict(store.annotation))


@router.post("/lookup", response_model=LookedUp)
def lookup(wanted: Wanted, reading: Reading) -> JSONResponse:
    """Look up to a thousand papers up at once; never calls a model."""
    found = [_found(each, reading.store) for each in wanted.wanted]
    missing = sum(each["paper"] is None and not each["candidates"] for each in found)
    return JSONResponse({"found": found, "missing": missing})


def _found(wanted: str, store: Store) -> dict[str, Any]:
    papers = store.records.named(wanted)
    if len(papers) == 1:
        return {"wanted": wanted, "paper": papers[0].as_dict(store.annotation), "candidates": []}
    return {"wanted": wanted, "paper": None, "candidates": [each.id for each in papers]}


@router.get("/related/{paper_id:path}", response_model=Related)
def related(
    paper_id: PaperName, reading: Reading, limit: Annotated[int, Query(ge=1, le=100)] = 10
) -> JSONResponse:
    """List the papers that are most like a paper, most alike first."""
    store = reading.store
    found = store.related(store.get(paper_id).id, limit)
    return JSONResponse({"papers": [record.as_dict(store.annotation) for record in found]})


@router.get("/tags")
def tags(request: Request, reading: Reading) -> list[TagCount]:
    """List the tags with the number of their papers."""
    counted = request.app.state.taxonomy.counted(reading.store.records.tag_counts())
    return [TagCount.model_validate(row) for row in counted]


@router.get("/trends")
def trends(reading: Reading) -> Trends:
    """Count the papers of the last weeks by topic, and say which tags and keywords rise."""
    return reading.trends.of(reading.store)


@router.get("/editions")
def editions(reading: Reading) -> list[date]:
    """List the days that have an edition, latest first."""
    return reading.store.editions.days()


@router.get("/editions/{day}")
def edition(day: Annotated[date, Path(examples=["2026-01-05"])], reading: Reading) -> dict[str, Any]:
    """Return a day's edition as it was composed."""
    found = reading.store.editions.get(day)
    if found is None:
        raise NotFoundError(f"There is no edition of {day}.")
    return found.model_dump(mode="json")


@router.get("/stats")
def stats(reading: Reading) -> dict[str, Any]:
    """Count papers and annotations; what they cost is the operator's affair."""
    return reading.store.statistics.of_papers()
