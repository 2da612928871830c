"""The pages that list papers: by filter, by tag, by day, week and month."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response

from broadsheet.render.views.listing import tag_of
from broadsheet.searching import storable
from broadsheet.taxonomy import Tag
from broadsheet.web.asking import Asked
from broadsheet.web.listing import Listing, Scope
from broadsheet.web.look import Look, Looking
from broadsheet.web.periods import Kind, Period
from broadsheet.web.reading import Readers, Reading

router = APIRouter(include_in_schema=False)
Query_ = Annotated[Asked, Query()]
_page = partial(router.api_route, methods=["GET", "HEAD"])
EVERYTHING = Scope(Tag("", "Papers", ""))
"""The page of all papers."""


@_page("/papers")
def papers(asked: Query_, look: Looking, reading: Reading) -> Response:
    """List the papers that pass a filter, with the form that changes it."""
    return list_papers(asked, look, reading, EVERYTHING, place="search")


@_page("/tag/{tag:path}")
def tagged(tag: str, asked: Query_, look: Looking, reading: Reading) -> Response:
    """List the papers of a tag; the query string may narrow them further."""
    tag = storable(tag)
    if tag not in look.taxonomy.names and tag not in reading.facets.of(reading.store).held["tag"]:
        raise HTTPException(404, "No paper has this tag.")
    of_tag = asked.model_copy(update={"tag": (tag,)})
    return list_papers(of_tag, look, reading, Scope(tag_of(look.taxonomy, tag)), place="")


@_page("/day/{name}")
def day(name: str, asked: Query_, look: Looking, reading: Reading) -> Response:
    """List the papers that were first seen on a day."""
    return _period("day", name, asked, look, reading)


@_page("/week/{name}")
def week(name: str, asked: Query_, look: Looking, reading: Reading) -> Response:
    """List the papers that were first seen in an ISO week."""
    return _period("week", name, asked, look, reading)


@_page("/month/{name}")
def month(name: str, asked: Query_, look: Looking, reading: Reading) -> Response:
    """List the papers that were first seen in a month."""
    return _period("month", name, asked, look, reading)


def _period(kind: Kind, name: str, asked: Asked, look: Look, reading: Readers) -> Response:
    period = Period.named(kind, name)
    narrowed = asked.model_copy(update={"since": None, "until": None})
    scope = Scope(Tag("", period.heading, ""), period.path, period)
    return list_papers(narrowed, look, reading, scope, place="")


def list_papers(asked: Asked, look: Look, reading: Readers, scope: Scope, *, place: str) -> Response:
    """Answer with a page that lists papers."""
    page = Listing.of(asked, reading, look.taxonomy, scope)
    feeds = () if scope.period else look.feeds(page.heading, page.query)
    head = look.head(page.heading, page.definition or page.extent, place=place, feeds=feeds)
    return look.page("papers.html", head, page, look.links(reading), scripts=("keys.js", "live.js"))
