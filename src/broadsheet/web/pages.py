"""The pages: editions, papers by filter and by tag, the archive, and each paper in four forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from broadsheet.edition import Edition
from broadsheet.errors import NotFoundError
from broadsheet.record import Record
from broadsheet.render.page import Page
from broadsheet.render.views.listing import Archive, TagIndex, tag_of
from broadsheet.render.views.paper import PaperPage, Surroundings
from broadsheet.searching import storable
from broadsheet.site.context import short_day
from broadsheet.site.papers import bibtex_entry
from broadsheet.store import Store
from broadsheet.store.overview import DAILY
from broadsheet.taxonomy import Tag
from broadsheet.web.addresses import ServedAddresses
from broadsheet.web.asking import Asked
from broadsheet.web.listing import Listing
from broadsheet.web.look import ASSETS, Look, asset
from broadsheet.web.reading import Readers, readers

router = APIRouter(include_in_schema=False)
Reading = Annotated[Readers, Depends(readers)]
Query_ = Annotated[Asked, Query()]
_page = partial(router.api_route, methods=["GET", "HEAD"])
_EVERYTHING = Tag("", "Papers", "")


async def _look(request: Request) -> Look:
    found: Look = request.app.state.look
    return found


Looking = Annotated[Look, Depends(_look)]


def _links(reading: Readers, look: Look, papers: frozenset[str] | None = None) -> ServedAddresses:
    return ServedAddresses({*look.taxonomy.names, *reading.tag_totals.of(reading.store)}, papers)


@_page("/")
def home(look: Looking, reading: Reading) -> Response:
    """Show the latest edition or, before there is one, all papers."""
    day = reading.store.editions.latest()
    edition = reading.store.editions.get(day) if day else None
    if edition is None:
        return _listing(Asked(), look, reading, _EVERYTHING, place="home")
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
    page = Page.of(edition, look.taxonomy, look.publication.language)
    ids = {card.record.id for card in edition.cards}
    ids |= {pick.paper_id for section in edition.sections for pick in section.picks}
    to = _links(reading, look, frozenset(store.overview.titles(sorted(ids))))
    days = store.editions.days(name)
    before = next((day for day in days if day < edition.day), None)
    after = next((day for day in reversed(days) if day > edition.day), None)

    def turn(day: date | None) -> dict[str, str] | None:
        return {"href": to.edition(day, name), "text": short_day(day)} if day else None

    title = page.date if name == DAILY else f"{look.newsletter_title(name)}, {page.date}"
    head = look.head(
        title,
        f"{page.extent}. {page.code}.",
        type="website" if is_home else "article",
        place="home" if is_home else "",
        feeds=look.feeds(look.publication.title) if name == DAILY else (),
    )
    return look.page("edition.html", head, page, to, previous=turn(before), next=turn(after))


@_page("/papers")
def papers(asked: Query_, look: Looking, reading: Reading) -> Response:
    """List the papers that pass a filter, with the form that changes it."""
    return _listing(asked, look, reading, _EVERYTHING, place="search")


@_page("/tag/{tag:path}")
def tagged(tag: str, asked: Query_, look: Looking, reading: Reading) -> Response:
    """List the papers of a tag; the query string may narrow them further."""
    tag = storable(tag)
    if tag not in look.taxonomy.names and tag not in reading.tag_totals.of(reading.store):
        raise HTTPException(404, "No paper has this tag.")
    of_tag = asked.model_copy(update={"tag": (tag,)})
    return _listing(of_tag, look, reading, tag_of(look.taxonomy, tag), place="")


def _listing(asked: Asked, look: Look, reading: Readers, heading: Tag, *, place: str) -> Response:
    page = Listing.of(asked, reading, look.taxonomy, heading)
    head = look.head(
        page.heading,
        page.definition or page.extent,
        place=place,
        feeds=look.feeds(page.heading, asked.query(sort=None, cursor="", limit=30)),
    )
    return look.page("papers.html", head, page, _links(reading, look))


@_page("/tags")
def tags(look: Looking, reading: Reading) -> Response:
    """Show the index of tags."""
    page = TagIndex.of(look.taxonomy, reading.tag_totals.of(reading.store))
    head = look.head("Tags", "All papers by topic and kind of contribution.", place="tags")
    return look.page("tags.html", head, page, _links(reading, look))


@_page("/archive")
def archive(look: Looking, reading: Reading) -> Response:
    """Show all editions."""
    sizes: dict[str, dict[date, int]] = {}
    for key, papers in reading.store.overview.edition_sizes().items():
        sizes.setdefault(key.newsletter, {})[key.day] = papers
    names = sorted(sizes, key=lambda name: (name != DAILY, name))
    page = [Archive.of(name, look.newsletter_title(name), sizes[name]) for name in names]
    head = look.head("Archive", f"All editions of {look.publication.title}.", place="archive")
    return look.page("archive.html", head, page, _links(reading, look))


@_page("/assets/{name}")
def assets(name: str, look: Looking) -> Response:
    """Answer with a stylesheet, a script or a picture."""
    if name not in ASSETS:
        raise HTTPException(404, "There is no such file.")
    return Response(asset(name, look.publication.templates), media_type=ASSETS[name])


@_page("/p/{paper_id:path}")
def paper(paper_id: str, look: Looking, reading: Reading) -> Response:
    """Show a paper; ``.bib``, ``.md`` and ``.json`` after its id give it in these forms."""
    store, wanted = reading.store, storable(paper_id)
    for form, answer in ({"": _paper} | _FORMS).items():
        ending = f".{form}" if form else ""
        if wanted.endswith(ending) and (found := store.records.by_ids([wanted.removesuffix(ending)])):
            return answer(found[0], look, reading)
    form = wanted.rpartition(".")[2]
    form = form if form in _FORMS else ""
    try:
        known = store.get(wanted.removesuffix(f".{form}") if form else wanted)
    except NotFoundError as error:
        raise HTTPException(404, "No paper here answers to this address; search for its title.") from error
    return RedirectResponse(_links(reading, look).paper(known.id, form), 302)


def _paper(record: Record, look: Look, reading: Readers) -> Response:
    page = _paper_page(record, look, reading.store)
    head = look.head(page.heading, page.sentence or record.paper.abstract or page.heading, type="article")
    return look.page("paper.html", head, page, _links(reading, look))


def _paper_page(record: Record, look: Look, store: Store) -> PaperPage:
    ids, overview = [record.id], store.overview
    around = Surroundings(
        versions=overview.versions(ids).get(record.id, ()),
        sightings=overview.sightings(ids).get(record.id, ()),
        editions=[
            (key.day, key.newsletter, look.newsletter_title(key.newsletter))
            for key in overview.editions_of(ids).get(record.id, ())
        ],
        bibtex=bibtex_entry(record),
    )
    return PaperPage.of(record, look.taxonomy.names, around)


def _bibtex(record: Record, *_: Any) -> Response:
    return Response(bibtex_entry(record) + "\n", media_type="application/x-bibtex; charset=utf-8")


def _markdown(record: Record, look: Look, reading: Readers) -> Response:
    line = _paper_page(record, look, reading.store).markdown
    return Response(line + "\n", media_type="text/markdown; charset=utf-8")


def _json(record: Record, _: Look, reading: Readers) -> Response:
    return JSONResponse(record.as_dict(reading.store.annotation))


_FORMS: dict[str, Callable[[Record, Look, Readers], Response]] = {
    "bib": _bibtex,
    "md": _markdown,
    "json": _json,
}
