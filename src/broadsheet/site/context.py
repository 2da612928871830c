"""`Site`: what every page of the site is made from, read once from the cache, and how a page is rendered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self

from broadsheet import __version__
from broadsheet.config import Settings
from broadsheet.hashing import short_hash
from broadsheet.newsletter import Colours, Newsletter
from broadsheet.record import Record
from broadsheet.render.addresses import FeedFormat
from broadsheet.render.templates import filled, template_texts
from broadsheet.site.layout import Contents, RelativeAddresses, absolute, asset_path
from broadsheet.site.picture import NAME as PICTURE
from broadsheet.store import Store
from broadsheet.store.overview import DAILY, EditionKey
from broadsheet.taxonomy import Taxonomy
from broadsheet.visible import visible

CHUNK = 500
"""Papers read and rendered at once."""
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none';"
    " form-action 'self'"
)
_LONGEST_DESCRIPTION = 200
FEED_TYPES: Mapping[FeedFormat, tuple[str, str]] = {
    "atom": ("Atom", "application/atom+xml"),
    "json": ("JSON Feed", "application/feed+json"),
}


class Pages(Protocol):
    """The files of one kind: which there are, what each is made from, and their content."""

    def plan(self) -> Mapping[str, str]:
        """Return a fingerprint of what each file is made from, by its path; quick."""

    def make(self, paths: Sequence[str]) -> Iterator[tuple[str, str | bytes]]:
        """Yield the path and the content of each of these files."""


@dataclass(frozen=True, slots=True)
class Publication:
    """How the site is published.

    Attributes:
        title: Its title.
        base: Its public address, which ends in a slash, or empty: then it has no feeds and no sitemap.
        domain: The domain in the ids of feed entries.
        language: BCP 47 tag of the summaries.
        templates: A folder of templates that go before the packaged ones.
        newsletters: How each newsletter looks, by its name.
    """

    title: str = "Broadsheet"
    base: str = ""
    domain: str = ""
    language: str = "en"
    templates: Path | None = None
    newsletters: Mapping[str, Newsletter] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return how settings say that the site is published."""
        return cls(
            title=settings.site_title,
            base=settings.site_url,
            domain=settings.feed_domain or settings.site_domain,
            language=settings.language,
            templates=settings.templates,
            newsletters={each.name: each for each in settings.newsletters},
        )

    def newsletter_title(self, newsletter: str) -> str:
        """Return what readers call a newsletter; the one of every paper is the site's own."""
        if newsletter == DAILY:
            return self.title
        return self.newsletters[newsletter].title if newsletter in self.newsletters else newsletter

    def newsletter_look(self, newsletter: str) -> str:
        """Return what the pages of a newsletter alone depend on, as a text that changes when it does."""
        found = self.newsletters.get(newsletter)
        return repr((found.colours, found.footer, found.language)) if found else ""

    @property
    def recoloured(self) -> Mapping[str, Colours]:
        """Return the colours of each newsletter that has its own, by the name of their stylesheet."""
        return {
            colours_name(name): each.colours
            for name, each in self.newsletters.items()
            if each.colours != Colours()
        }


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed of the same papers as a page."""

    name: str
    title: str
    type: str
    href: str


@dataclass(frozen=True, slots=True)
class Head:
    """What a page says of itself in its head.

    Attributes:
        title: Its title.
        site: The title of the site.
        description: A sentence.
        language: BCP 47 tag.
        canonical: Its public address, or empty.
        feeds: Feeds of the same papers.
        place: Which page of the navigation it is, or empty.
        type: Its Open Graph type.
        policy: Its Content-Security-Policy, where no server sends one.
        picture: The public address of a picture, or empty.
    """

    title: str
    site: str
    description: str
    language: str
    canonical: str = ""
    feeds: tuple[FeedLink, ...] = ()
    place: str = ""
    type: str = "website"
    policy: str = POLICY
    picture: str = ""


class Site:
    """The cache as the pages of a site need it.

    Attributes:
        store: The cache.
        taxonomy: Gives the tags their names.
        publication: Title, address and language.
        stamps: A fingerprint of each paper, by its id, latest first seen first.
        tagged: The ids of each tag's papers, in the order of the stamps.
        editions: A text for each edition that changes whenever it does, a newsletter's latest first.
        newsletters: The newsletters that have editions, the one of every paper first.
        trends: The last weeks.
        contents: What there are pages for.
    """

    def __init__(self, store: Store, taxonomy: Taxonomy, publication: Publication) -> None:
        self.store, self.taxonomy, self.publication = store, taxonomy, publication
        links = store.overview.link_states()
        stamps = store.overview.stamps()
        self.stamps = {
            each.paper_id: short_hash(each.value, *links.get(each.paper_id, ())) for each in stamps
        }
        self.tagged = store.overview.tagged()
        self.editions = store.overview.editions()
        self.newsletters = sorted(
            {key.newsletter for key in self.editions}, key=lambda name: (name != DAILY, name)
        )
        self.trends = store.weeks.trends()
        self.contents = Contents(
            papers=self.stamps,
            tags=self.tagged,
            editions=self.editions,
            places={"home", "archive", "tags", "search", *(("trends",) if self.trends.has_history else ())},
            has_feeds=bool(publication.base),
        )

    @cached_property
    def look(self) -> str:
        """Return a fingerprint of everything that all pages depend on."""
        words = [f"{tag_id}={name}" for tag_id, name in self.taxonomy.names.items()]
        words += [f"{name}={each.title}" for name, each in self.publication.newsletters.items()]
        contents = template_texts(self.publication.templates)
        return short_hash(__version__, repr(self.publication), *words, *contents)

    def fingerprint(self, *parts: str) -> str:
        """Return a fingerprint of a page made from these parts."""
        return short_hash(self.look, *parts)

    def records(self, ids: Sequence[str]) -> Iterator[Record]:
        """Yield the records of any number of papers, in order."""
        for start in range(0, len(ids), CHUNK):
            yield from self.store.records.by_ids(ids[start : start + CHUNK])

    def to(self, path: str) -> RelativeAddresses:
        """Return the links from a page."""
        return RelativeAddresses(path, self.contents)

    def address(self, path: str) -> str:
        """Return the public address of a file, or nothing if the site has none."""
        return absolute(self.publication.base, path) if self.publication.base else ""

    @property
    def picture_address(self) -> str:
        """Return the public address of the picture, or nothing if the site has none."""
        return self.address(asset_path(PICTURE))

    def days(self, newsletter: str) -> list[EditionKey]:
        """Return the editions of a newsletter, latest first."""
        return [key for key in self.editions if key.newsletter == newsletter]

    def newsletter_title(self, newsletter: str) -> str:
        """Return what readers call a newsletter."""
        return self.publication.newsletter_title(newsletter)

    def feed_links(
        self, path: str, title: str, *, tag: str = "", newsletter: str = ""
    ) -> tuple[FeedLink, ...]:
        """Return the links from a page to the feeds of a tag or a newsletter, or of everything."""
        if not self.contents.has_feeds:
            return ()
        return tuple(
            FeedLink(
                name, f"{title} ({name})", kind, self.to(path).feed(form, tag=tag, newsletter=newsletter)
            )
            for form, (name, kind) in FEED_TYPES.items()
        )

    def head(self, path: str, title: str, description: str, *, language: str = "", **more: Any) -> Head:
        """Return the head of a page; the description is cut at a word if it is long."""
        return Head(
            title=visible(title),
            site=visible(self.publication.title),
            description=shortened(visible(description)),
            language=language or self.publication.language,
            canonical=self.address(path),
            picture=self.picture_address,
            **more,
        )

    def page(self, template: str, path: str, head: Head, page: object, **more: object) -> str:
        """Render one page."""
        values = {"page": page, "head": head, "to": self.to(path), **more}
        return filled(f"site/{template}", self.publication.templates, **values)


def colours_name(newsletter: str) -> str:
    """Return the name of the stylesheet of a newsletter's colours; policies allow none within a page."""
    return f"colours-{newsletter}.css"


def shortened(text: str) -> str:
    """Return a description, cut at a word if it is long."""
    if len(text) <= _LONGEST_DESCRIPTION:
        return text
    return text[:_LONGEST_DESCRIPTION].rpartition(" ")[0].rstrip(",;:") + " …"


def short_day(day: date) -> str:
    """Return the day as a link says it: ``Thu 13 March``."""
    return f"{day:%a} {day.day} {day:%B}"
