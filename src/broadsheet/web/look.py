"""`Look`: how the server's pages are rendered, on the templates of the static site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from broadsheet.render.addresses import Addresses
from broadsheet.render.templates import filled
from broadsheet.site.context import FEED_TYPES, FeedLink, Head, Publication, shortened
from broadsheet.taxonomy import Taxonomy
from broadsheet.visible import visible
from broadsheet.web.addresses import ServedAddresses
from broadsheet.web.reading import Readers

ASSETS: Mapping[str, str] = {
    "site.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "keys.js": "text/javascript; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "copy.js": "text/javascript; charset=utf-8",
}
"""The media type of each file that pages load."""


class Look:
    """The title of the site, its language and the names of its tags.

    Attributes:
        publication: Title, public address, domain of feed entries and language.
        taxonomy: Gives the tags their names.
        has_mail: Whether readers can subscribe.
    """

    def __init__(self, publication: Publication, taxonomy: Taxonomy, *, has_mail: bool = False) -> None:
        self.publication, self.taxonomy, self.has_mail = publication, taxonomy, has_mail

    def links(self, reading: Readers, papers: frozenset[str] | None = None) -> ServedAddresses:
        """Return the links from a page, given the papers that it may link to where it shows others too."""
        tags = {*self.taxonomy.names, *reading.facets.of(reading.store).held["tag"]}
        has_trends = reading.trends.of(reading.store).has_history
        return ServedAddresses(tags, papers, self.has_mail, has_trends)

    def head(self, title: str, description: str, *, language: str = "", **more: Any) -> Head:
        """Return the head of a page; the policy goes as a header, so that the page repeats none."""
        return Head(
            title=visible(title),
            site=visible(self.publication.title),
            description=shortened(visible(description)),
            language=language or self.publication.language,
            policy="",
            **more,
        )

    def feeds(self, title: str, query: str = "") -> tuple[FeedLink, ...]:
        """Return the links to the feeds of what a query string asks for."""
        end = f"?{query}" if query else ""
        return tuple(
            FeedLink(name, f"{title} ({name})", kind, f"/papers.{form}{end}")
            for form, (name, kind) in FEED_TYPES.items()
        )

    def newsletter_title(self, newsletter: str) -> str:
        """Return what readers call a newsletter."""
        return self.publication.newsletter_title(newsletter)

    def page(self, template: str, head: Head, page: object, to: Addresses, **more: Any) -> HTMLResponse:
        """Render one page."""
        values = {"scripts": ("keys.js",), **more, "page": page, "head": head, "to": to}
        return HTMLResponse(filled(f"site/{template}", self.publication.templates, **values))

    def error(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        candidates: Sequence[Mapping[str, str]] = (),
    ) -> HTMLResponse:
        """Return an error as a page that leads on.

        Args:
            status: The HTTP status.
            detail: What is wrong, in a sentence.
            headers: Headers of the answer, such as Retry-After.
            candidates: Id and title of the papers that may have been meant.
        """
        phrase = HTTPStatus(status).phrase
        shown = [(each["id"], visible(each["title"]) or each["id"]) for each in candidates]
        answer = self.page(
            "error.html",
            self.head(phrase, detail or phrase),
            visible(detail),
            ServedAddresses(frozenset(), has_mail=self.has_mail),
            heading=phrase,
            candidates=shown,
        )
        answer.status_code = status
        answer.headers.update(headers or {})
        return answer


async def look(request: Request) -> Look:
    """Return how the application's pages look; async, so that it takes no thread."""
    found: Look = request.app.state.look
    return found


Looking = Annotated[Look, Depends(look)]
"""What a path asks for that answers with a page."""


@cache
def asset(name: str, templates: Path | None) -> str:
    """Return the content of a file that pages load; they are templates too."""
    return filled(f"site/{name}", templates)
