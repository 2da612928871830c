"""The pages of editions, the archive and the tags, and the files that pages load."""

from __future__ import annotations

from datetime import date
from functools import partial

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from broadsheet.edition import Edition
from broadsheet.render.page import Page
from broadsheet.render.templates import filled
from broadsheet.render.views.listing import Archive, TagIndex
from broadsheet.render.views.trends import TrendsView
from broadsheet.sections.trends import RULE
from broadsheet.site.context import colours_name, short_day
from broadsheet.store.overview import DAILY
from broadsheet.web.asking import Asked
from broadsheet.web.lists import EVERYTHING, list_papers
from broadsheet.web.look import ASSETS, Look, Looking, asset
from broadsheet.web.reading import Readers, Reading

router = APIRouter(include_in_schema=False)
_page = partial(router.api_route, methods=["GET", "HEAD"])
_NOT_FOR_CRAWLERS = ("/papers?", "/papers.", "/subscribe", "/confirm/", "/preferences/", "/unsubscribe/")


@_page("/")
def home(look: Looking, reading: Reading) -> Response:
    """Show the latest edition or, before there is one, all papers."""
    day = reading.store.editions.latest()
    edition = reading.store.editions.get(day) if day else None
    if edition is None:
        return list_papers(Asked(), look, reading, EVERYTHING, place="home")
    return _edition(edition, look, reading, is_home=True)


@_page("/issue/{day}")
def daily_edition(day: date, look: Looking, reading: Reading) -> Response:
    """Show the edition of a day."""
    return newsletter_edition(DAILY, day, look, reading)


@_page("/issue/{newsletter}/{day}")
def newsletter_edition(newsletter: str, day: date, look: Looking, reading: Reading) -> Response:
    """Show a newsletter's edition of a day."""
    edition = reading.store.editions.get(day, newsletter)
    if edition is None:
        raise HTTPException(404, f"There is no edition of {day}.")
    return _edition(edition, look, reading)


def _edition(edition: Edition, look: Look, reading: Readers, *, is_home: bool = False) -> Response:
    store, name = reading.store, edition.newsletter
    page = Page.of(edition, look.taxonomy, look.publication.language, look.publication.newsletters.get(name))
    ids = {card.record.id for card in edition.cards}
    ids |= {pick.paper_id for section in edition.sections for pick in section.picks}
    to = look.links(reading, frozenset(store.overview.titles(sorted(ids))))
    days = store.editions.days(name)
    before = next((day for day in days if day < edition.day), None)
    after = next((day for day in reversed(days) if day > edition.day), None)

    def turn(day: date | None) -> dict[str, str] | None:
        return {"href": to.edition(day, name), "text": short_day(day)} if day else None

    title = page.date if name == DAILY else f"{look.newsletter_title(name)}, {page.date}"
    head = look.head(
        title,
        f"{page.extent}. {page.code}.",
        language=page.language,
        type="website" if is_home else "article",
        place="home" if is_home else "",
        feeds=look.feeds(look.publication.title) if name == DAILY else (),
    )
    turns = {"previous": turn(before), "next": turn(after)}
    return look.page("edition.html", head, page, to, colours=colours_name(name), **turns)


@_page("/tags")
def tags(look: Looking, reading: Reading) -> Response:
    """Show the index of tags."""
    page = TagIndex.of(look.taxonomy, reading.facets.of(reading.store).totals("tag"))
    head = look.head("Tags", "All papers by topic and kind of contribution.", place="tags")
    return look.page("tags.html", head, page, look.links(reading))


@_page("/trends")
def trends(look: Looking, reading: Reading) -> Response:
    """Show what rises over the last weeks."""
    page = TrendsView.of(reading.trends.of(reading.store), look.taxonomy.names)
    if page is None:
        raise HTTPException(404, "There are no two weeks of papers to compare yet.")
    head = look.head("Trends", " ".join(page.sentences), place="trends")
    return look.page("trends.html", head, page, look.links(reading), rule=RULE)


@_page("/archive")
def archive(look: Looking, reading: Reading) -> Response:
    """Show all editions."""
    sizes: dict[str, dict[date, int]] = {}
    for key, papers in reading.store.overview.edition_sizes().items():
        sizes.setdefault(key.newsletter, {})[key.day] = papers
    names = sorted(sizes, key=lambda name: (name != DAILY, name))
    page = [Archive.of(name, look.newsletter_title(name), sizes[name]) for name in names]
    head = look.head("Archive", f"All editions of {look.publication.title}.", place="archive")
    return look.page("archive.html", head, page, look.links(reading))


@_page("/robots.txt")
def robots() -> Response:
    """Ask crawlers to leave filters alone: each list leads to a hundred more of the same papers."""
    rules = ["User-agent: *", *(f"Disallow: {path}" for path in _NOT_FOR_CRAWLERS)]
    return Response("\n".join(rules) + "\n", media_type="text/plain; charset=utf-8")


@_page("/assets/{name}")
def assets(name: str, look: Looking) -> Response:
    """Answer with a stylesheet, a script or a picture."""
    colours = look.publication.recoloured.get(name)
    if colours is not None:
        sheet = filled("colours.css", look.publication.templates, colours=colours)
        return Response(sheet, media_type=ASSETS["site.css"])
    if name not in ASSETS:
        raise HTTPException(404, "There is no such file.")
    return Response(asset(name, look.publication.templates), media_type=ASSETS[name])
