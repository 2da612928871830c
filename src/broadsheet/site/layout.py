"""Where each page of a static site is, and the links between them, which are relative.

Relative links work from the file system and below any path of a host. Paths hold only characters that stand
for themselves in a URL.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import date

from broadsheet.render.addresses import FeedFormat, Place, slug
from broadsheet.store.overview import DAILY, EditionKey

HOME = "index.html"
_PLACES: Mapping[Place, str] = {
    "home": HOME,
    "archive": "archive.html",
    "tags": "tags.html",
    "trends": "trends.html",
    "search": "search.html",
}


def place_path(place: Place) -> str:
    """Return the path of a page that there is once."""
    return _PLACES[place]


def asset_path(name: str) -> str:
    """Return the path of a stylesheet, a script or a picture."""
    return f"assets/{name}"


def paper_path(paper_id: str) -> str:
    """Return the path of a paper's page."""
    return f"p/{slug(paper_id)}.html"


def tag_path(tag: str, page: int | None = None) -> str:
    """Return the path of a tag's newest papers, or of one of its numbered pages."""
    return f"tag/{slug(tag)}/{f'{page}' if page else 'index'}.html"


def edition_path(day: date, newsletter: str = DAILY) -> str:
    """Return the path of an edition."""
    return f"issue/{'' if newsletter == DAILY else slug(newsletter) + '/'}{day.isoformat()}.html"


def feed_path(form: FeedFormat, *, tag: str = "", newsletter: str = "") -> str:
    """Return the path of the feed of everything, of a tag or of a newsletter."""
    folder = f"tag/{slug(tag)}/" if tag else f"issue/{slug(newsletter)}/" if newsletter else ""
    return f"{folder}feed.{form}"


def absolute(base: str, path: str) -> str:
    """Return the public address of a file below the site's address, which ends in a slash."""
    return base + (path.removesuffix(HOME) if path == HOME or path.endswith(f"/{HOME}") else path)


@dataclass(frozen=True)
class Contents:
    """What the site has pages for.

    Attributes:
        papers: Ids of its papers.
        tags: Ids of its tags.
        editions: Newsletter and day of each edition.
        places: The pages that there are once.
        has_feeds: Whether it has feeds.
    """

    papers: Container[str]
    tags: Container[str]
    editions: Container[EditionKey]
    places: Container[Place]
    has_feeds: bool = field(default=False)


@dataclass(frozen=True)
class RelativeAddresses:
    """Links from one page of the site to the others; empty where there is no such page.

    Attributes:
        here: The path of the page with the links.
        contents: What there are pages for.
    """

    here: str
    contents: Contents

    def _to(self, path: str, exists: bool = True) -> str:
        return "../" * self.here.count("/") + path if exists else ""

    def place(self, place: Place) -> str:
        """Return the link to a page that there is once."""
        return self._to(place_path(place)) if place in self.contents.places else ""

    def asset(self, name: str) -> str:
        """Return the link to a stylesheet, a script or a picture."""
        return self._to(asset_path(name))

    def paper(self, paper_id: str, form: str = "") -> str:
        """Return the link to a paper's page; files have no other form of it."""
        return self._to(paper_path(paper_id), not form and paper_id in self.contents.papers)

    def tag(self, tag: str, page: int | None = None) -> str:
        """Return the link to a page of a tag's papers."""
        return self._to(tag_path(tag, page), tag in self.contents.tags)

    def listing(self, **conditions: str) -> str:  # noqa: ARG002 - files answer no query
        """Return nothing: files answer no query."""
        return ""

    def month(self, day: date) -> str:  # noqa: ARG002 - the archive lists the editions of a month
        """Return nothing: the archive lists the editions of a month."""
        return ""

    def edition(self, day: date, newsletter: str = DAILY) -> str:
        """Return the link to an edition."""
        return self._to(edition_path(day, newsletter), EditionKey(newsletter, day) in self.contents.editions)

    def feed(self, form: FeedFormat, *, tag: str = "", newsletter: str = "") -> str:
        """Return the link to a feed."""
        newsletter = "" if newsletter == DAILY else newsletter
        return self._to(feed_path(form, tag=tag, newsletter=newsletter), self.contents.has_feeds)
