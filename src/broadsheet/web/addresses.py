"""`ServedAddresses`: where each page of the server is, as paths from the root of the host."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from urllib.parse import quote, urlencode

from broadsheet.render.addresses import FeedFormat, Place
from broadsheet.store.overview import DAILY

_PLACES: Mapping[Place, str] = {"home": "/", "archive": "/archive", "tags": "/tags", "search": "/papers"}


@lru_cache(maxsize=1_000)
def _tag_path(tag: str) -> str:
    return f"/tag/{quote(tag, safe='')}"


@dataclass(frozen=True)
class ServedAddresses:
    """Links to the pages of the server; empty where there is no such page.

    Attributes:
        tags: Ids of the tags that have a page.
        papers: Ids of the papers that have one; None where only papers of the cache are linked to.
        has_mail: Whether readers can subscribe.
        has_trends: Whether there are weeks to compare.
    """

    tags: Container[str]
    papers: Container[str] | None = None
    has_mail: bool = False
    has_trends: bool = False

    def place(self, place: Place) -> str:
        """Return the link to a page that there is once."""
        if place in {"subscribe", "trends"}:
            return f"/{place}" if (self.has_mail if place == "subscribe" else self.has_trends) else ""
        return _PLACES.get(place, "")

    def asset(self, name: str) -> str:
        """Return the link to a stylesheet, a script or a picture."""
        return f"/assets/{quote(name)}"

    def paper(self, paper_id: str, form: str = "") -> str:
        """Return the link to a paper's page, or to the paper as ``bib``, ``md`` or ``json``."""
        if self.papers is not None and paper_id not in self.papers:
            return ""
        return f"/p/{quote(paper_id, safe='/:')}{'.' if form else ''}{form}"

    def tag(self, tag: str, page: int | None = None) -> str:  # noqa: ARG002 - these pages have cursors
        """Return the link to a tag's newest papers."""
        return _tag_path(tag) if tag in self.tags else ""

    def listing(self, **conditions: str) -> str:
        """Return the link to the papers that pass conditions."""
        return f"/papers?{urlencode(conditions)}"

    def month(self, day: date) -> str:
        """Return the link to the papers of a month."""
        return f"/month/{day:%Y-%m}"

    def edition(self, day: date, newsletter: str = DAILY) -> str:
        """Return the link to an edition."""
        return f"/issue/{'' if newsletter == DAILY else quote(newsletter, safe='') + '/'}{day.isoformat()}"

    def feed(self, form: FeedFormat, *, tag: str = "", newsletter: str = "") -> str:
        """Return the link to the feed of everything or of a tag; newsletters have none here."""
        if newsletter not in {"", DAILY}:
            return ""
        return f"/papers.{form}" + ("?" + urlencode({"tag": tag}) if tag else "")
