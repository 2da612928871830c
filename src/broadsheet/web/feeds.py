"""Feeds of any filter: the newest papers that pass it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from broadsheet.render.addresses import FeedFormat
from broadsheet.render.feeds import Feed, FeedEntry, atom, entry_views, json_feed
from broadsheet.site.context import FEED_TYPES
from broadsheet.store import Store
from broadsheet.visible import visible
from broadsheet.web.addresses import ServedAddresses
from broadsheet.web.asking import Asked
from broadsheet.web.look import Look
from broadsheet.web.reading import Reading

PAPERS_IN_FEED = 100
_NEVER = datetime(2026, 1, 1, tzinfo=UTC)
"""When a feed without entries was last changed."""

router = APIRouter(include_in_schema=False)
Query_ = Annotated[Asked, Query()]


@router.api_route("/papers.atom", methods=["GET", "HEAD"])
def atom_feed(request: Request, asked: Query_, reading: Reading) -> Response:
    """Answer with the papers of a filter as an Atom feed."""
    return _answer("atom", request, asked, reading.store)


@router.api_route("/papers.json", methods=["GET", "HEAD"])
def json_feed_(request: Request, asked: Query_, reading: Reading) -> Response:
    """Answer with the papers of a filter as a JSON Feed."""
    return _answer("json", request, asked, reading.store)


def _answer(form: FeedFormat, request: Request, asked: Asked, store: Store) -> Response:
    look: Look = request.app.state.look
    base = (look.publication.base or str(request.base_url)).rstrip("/")
    query = asked.query(sort=None, cursor="", limit=30)
    end = f"?{query}" if query else ""
    records = list(store.records.matching(asked.filter, order="new", limit=PAPERS_IN_FEED))
    times = store.overview.times([record.id for record in records])
    to = ServedAddresses(frozenset())
    entries = [
        FeedEntry(
            record, base + to.paper(record.id), times[record.id].admitted_at, times[record.id].updated_at
        )
        for record in records
    ]
    names = look.taxonomy.names
    words = [*(names.get(tag, tag) for tag in asked.tag), *([f"“{asked.q}”"] if asked.q else [])]
    domain = look.publication.domain or request.url.hostname or "localhost"
    feed = Feed(
        key=f"papers{end}",
        domain=domain,
        title=visible(": ".join(filter(None, (look.publication.title, ", ".join(words))))),
        publisher=visible(look.publication.title),
        page_url=f"{base}/papers{end}",
        feed_url=f"{base}/papers.{form}{end}",
        updated=max((entry.updated for entry in entries), default=_NEVER),
        entries=entry_views(entries, domain, names, look.publication.templates),
        language=look.publication.language,
        templates=look.publication.templates,
    )
    content = {"atom": atom, "json": json_feed}[form](feed)
    return Response(content, media_type=f"{FEED_TYPES[form][1]}; charset=utf-8")
