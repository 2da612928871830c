"""Papers as an Atom feed (RFC 4287) and as a JSON Feed (version 1.1), with the same entries in order.

An entry's id is a tag URI (RFC 4151) of the domain and the paper's id. So it stays the same when the title,
the tags, the host, the path or the version changes, and no reader shows a paper as new a second time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from broadsheet.edition import Correction
from broadsheet.record import Record
from broadsheet.render.fields import Link, safe_url, sentence_of, shown
from broadsheet.render.page import marked_abstract
from broadsheet.render.reading import readable
from broadsheet.render.remarks import corrected
from broadsheet.render.templates import filled
from broadsheet.visible import visible

MINTED = "2026"
"""The year in every id; a tag URI names a date on which its domain belonged to whoever mints the id."""


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """A paper in a feed.

    Attributes:
        record: The paper with its annotation.
        url: Address of the paper's page on the site, absolute.
        published: When the paper came into the cache, in UTC.
        updated: When the paper or what is said of it last changed, in UTC.
        corrections: What was put right about it in published editions, oldest first.
    """

    record: Record
    url: str
    published: datetime
    updated: datetime
    corrections: Sequence[Correction] = ()


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry in print, the same for both formats; its content is HTML, with the paper's words escaped."""

    id: str
    url: str
    paper_url: str
    title: str
    summary: str
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    code: tuple[Link, ...]
    abstract: tuple[str, str, str]
    published: str
    updated: str
    corrections: tuple[str, ...] = ()
    content: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed says of itself, and its entries.

    Attributes:
        key: What distinguishes it from the domain's other feeds, such as ``feed`` or ``tag/robotics``.
        domain: The domain in all ids; it must not change when the site moves.
        title: Its title.
        publisher: Who publishes it.
        page_url: The page with the same papers, absolute.
        feed_url: The feed's own address, absolute.
        updated: When anything in it last changed, in UTC.
        entries: The papers, in order, made by `entry_views`.
        language: BCP 47 tag of the summaries.
        templates: A folder of templates that go before the packaged ones.
    """

    key: str
    domain: str
    title: str
    publisher: str
    page_url: str
    feed_url: str
    updated: datetime
    entries: Sequence[EntryView]
    language: str = "en"
    templates: Path | None = None


def tag_uri(domain: str, key: str) -> str:
    """Return an id that lasts, such as ``tag:example.org,2026:paper/2611.01234``."""
    return f"tag:{domain},{MINTED}:{quote(key, safe='/')}"


def atom(feed: Feed) -> str:
    """Return a feed as Atom."""
    id_ = tag_uri(feed.domain, feed.key)
    return filled("feed.atom", feed.templates, feed=feed, id=id_, entries=feed.entries)


def json_feed(feed: Feed) -> str:
    """Return a feed as JSON Feed."""
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.page_url,
        "feed_url": feed.feed_url,
        "language": feed.language,
        "authors": [{"name": feed.publisher}],
        "items": [_json_entry(view) for view in feed.entries],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _json_entry(view: EntryView) -> dict[str, Any]:
    entry = {
        "id": view.id,
        "url": view.url,
        "external_url": view.paper_url,
        "title": view.title,
        "summary": view.summary,
        "content_html": view.content,
        "date_published": view.published,
        "date_modified": view.updated,
        "authors": [{"name": author} for author in view.authors],
        "tags": list(view.tags),
    }
    return {name: value for name, value in entry.items() if value or name == "content_html"}


def entry_views(
    entries: Iterable[FeedEntry], domain: str, names: Mapping[str, str], templates: Path | None = None
) -> list[EntryView]:
    """Return the entries in print, once for both formats.

    Args:
        entries: The papers, in order.
        domain: The domain in their ids.
        names: Shown name of each tag, by id.
        templates: A folder of templates that go before the packaged ones.
    """
    views = (_view(entry, domain, names) for entry in entries)
    return [replace(view, content=filled("feed_entry.html", templates, entry=view)) for view in views]


def _view(entry: FeedEntry, domain: str, names: Mapping[str, str]) -> EntryView:
    record, annotation = entry.record, entry.record.annotation
    tags = (*annotation.topics, annotation.contribution) if annotation else ()
    fields = shown(annotation, names, under="", states=record.links) if annotation else ()
    return EntryView(
        id=tag_uri(domain, f"paper/{record.id}"),
        url=entry.url,
        paper_url=safe_url(record.paper.url),
        title=readable(record.title) or record.id,
        summary=sentence_of(record),
        authors=tuple(name for author in record.paper.authors if (name := visible(author))),
        tags=tuple(visible(names.get(tag, tag)) for tag in tags),
        code=tuple(link for field in fields for link in field.links),
        abstract=marked_abstract(record.paper.abstract, annotation),
        published=entry.published.isoformat(),
        updated=entry.updated.isoformat(),
        corrections=tuple(map(corrected, entry.corrections)),
    )
