"""Feeds and sitemaps, which need the public address of the site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import get_args
from xml.sax.saxutils import escape

from broadsheet.render.addresses import FeedFormat, Place
from broadsheet.render.feeds import Feed, FeedEntry, atom, entry_views, json_feed
from broadsheet.render.views.listing import tag_of
from broadsheet.site.context import Site
from broadsheet.site.layout import HOME, edition_path, feed_path, paper_path, place_path, tag_path
from broadsheet.site.tags import closed_pages, newest
from broadsheet.store.overview import DAILY

FEWEST_IN_FEED = 100
MOST_IN_FEED = 300
_URLS_A_SITEMAP = 10_000
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_NEVER = datetime(2026, 1, 1, tzinfo=UTC)
"""When a feed without entries was last changed."""
_FORMATS: Sequence[FeedFormat] = get_args(FeedFormat)


@dataclass(frozen=True, slots=True)
class _Topic:
    """What a feed is of, a tag or a newsletter, and its format."""

    tag: str
    newsletter: str
    form: FeedFormat


def _path(topic: _Topic) -> str:
    newsletter = "" if topic.newsletter == DAILY else topic.newsletter
    return feed_path(topic.form, tag=topic.tag, newsletter=newsletter)


class Feeds:
    """The feed of each newsletter's latest editions and one for each tag, in both formats."""

    def __init__(self, site: Site) -> None:
        self._site = site
        topics = (
            *(_Topic("", newsletter, form) for newsletter in site.newsletters for form in _FORMATS),
            *(_Topic(tag, "", form) for tag in site.tagged for form in _FORMATS),
        )
        self._last: tuple[tuple[str, str], Feed] | None = None
        self._topics = {_path(topic): topic for topic in topics if site.contents.has_feeds}

    def plan(self) -> Mapping[str, str]:
        """Return a fingerprint of each feed's papers."""
        return {path: self._fingerprint(topic) for path, topic in self._topics.items()}

    def _fingerprint(self, topic: _Topic) -> str:
        site = self._site
        if topic.tag:
            papers = (site.stamps[each] for each in newest(site.tagged[topic.tag]))
            return site.fingerprint(topic.tag, *papers)
        editions = (site.editions[key] for key in site.days(topic.newsletter))
        return site.fingerprint(*editions, *islice(site.stamps.values(), 10 * MOST_IN_FEED))

    def make(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield feeds."""
        for path in paths:
            topic = self._topics[path]
            feed = self._feed(topic.tag, topic.newsletter)
            feed = replace(feed, feed_url=self._site.address(path))
            yield path, {"atom": atom, "json": json_feed}[topic.form](feed)

    def _feed(self, tag: str, newsletter: str) -> Feed:
        """Return the feed of a tag or a newsletter without its address; the last one is remembered."""
        if self._last and self._last[0] == (tag, newsletter):
            return self._last[1]
        site = self._site
        ids = newest(site.tagged[tag]) if tag else self._latest(newsletter)
        entries = self._entries(ids)
        feed = Feed(
            key=f"tag/{tag}" if tag else "feed" if newsletter == DAILY else f"issue/{newsletter}",
            domain=site.publication.domain,
            title=f"{site.publication.title}: {tag_of(site.taxonomy, tag).name}"
            if tag
            else site.newsletter_title(newsletter),
            publisher=site.publication.title,
            page_url=site.address(self._page(tag, newsletter)),
            feed_url="",
            updated=max((entry.updated for entry in entries), default=_NEVER),
            entries=entry_views(
                entries, site.publication.domain, site.taxonomy.names, site.publication.templates
            ),
            language=site.publication.language,
            templates=site.publication.templates,
        )
        self._last = ((tag, newsletter), feed)
        return feed

    def _page(self, tag: str, newsletter: str) -> str:
        if tag:
            return tag_path(tag)
        latest = self._site.days(newsletter)[0]
        return HOME if newsletter == DAILY else edition_path(latest.day, newsletter)

    def _entries(self, ids: Sequence[str]) -> list[FeedEntry]:
        times = self._site.store.overview.times(ids)
        corrections = self._site.store.edits.corrections_of(ids)
        return [
            FeedEntry(
                record,
                self._site.address(paper_path(record.id)),
                times[record.id].admitted_at,
                times[record.id].updated_at,
                corrections.get(record.id, ()),
            )
            for record in self._site.records(ids)
        ]

    def _latest(self, newsletter: str) -> list[str]:
        """Return the papers of a newsletter's latest editions, in their order there."""
        ids, editions = list[str](), self._site.store.editions
        for key in self._site.days(newsletter):
            if len(ids) >= FEWEST_IN_FEED or not (edition := editions.get(key.day, key.newsletter)):
                break
            ids += [card.record.id for card in edition.cards if card.record.id in self._site.stamps]
        return list(dict.fromkeys(ids))[:MOST_IN_FEED]


class Sitemaps:
    """An index of sitemaps; papers are cut from the oldest on, so that a new day changes only the last."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._urls = dict(self._sitemaps()) if site.publication.base else {}

    def _sitemaps(self) -> Iterator[tuple[str, list[str]]]:
        site = self._site
        places: tuple[Place, ...] = ("archive", "tags", "trends", "search")
        pages = [HOME, *(place_path(place) for place in places if place in site.contents.places)]
        for tag, ids in site.tagged.items():
            numbers = range(1, closed_pages(len(ids)) + 1)
            pages += [tag_path(tag), *(tag_path(tag, number) for number in numbers)]
        yield "sitemap-pages.xml", [*pages, *(edition_path(key.day, key.newsletter) for key in site.editions)]
        papers = [paper_path(paper_id) for paper_id in reversed(site.stamps)]
        for start in range(0, len(papers), _URLS_A_SITEMAP):
            yield (
                f"sitemap-papers-{start // _URLS_A_SITEMAP + 1}.xml",
                papers[start : start + _URLS_A_SITEMAP],
            )

    def plan(self) -> Mapping[str, str]:
        """Return a fingerprint of the addresses in each sitemap."""
        planned = {path: self._site.fingerprint(*urls) for path, urls in self._urls.items()}
        return {**planned, "sitemap.xml": self._site.fingerprint(*planned)} if planned else {}

    def make(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield sitemaps."""
        for path in paths:
            if path == "sitemap.xml":
                yield path, self._xml("sitemapindex", "sitemap", list(self._urls))
            else:
                yield path, self._xml("urlset", "url", self._urls[path])

    def _xml(self, root: str, element: str, paths: Sequence[str]) -> str:
        lines = (f"<{element}><loc>{escape(self._site.address(path))}</loc></{element}>" for path in paths)
        opening = f'<?xml version="1.0" encoding="utf-8"?>\n<{root} xmlns="{_SITEMAP}">'
        return "\n".join([opening, *lines, f"</{root}>\n"])
