"""The page of a paper, and the paper in other forms: BibTeX, RIS, Markdown and JSON."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import JSONResponse, RedirectResponse, Response

from broadsheet.errors import NotFoundError
from broadsheet.export.ris import write_ris
from broadsheet.record import Record
from broadsheet.render.views.paper import PaperPage, Surroundings
from broadsheet.searching import storable
from broadsheet.site.papers import RELATED, bibtex_entry
from broadsheet.store import Store
from broadsheet.web.look import Look, Looking
from broadsheet.web.reading import Readers, Reading

router = APIRouter(include_in_schema=False)
_page = partial(router.api_route, methods=["GET", "HEAD"])


@_page("/p/{paper_id:path}")
def paper(paper_id: str, look: Looking, reading: Reading) -> Response:
    """Show a paper; ``.bib``, ``.ris``, ``.md`` and ``.json`` after its id give it in these forms."""
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
    return RedirectResponse(look.links(reading).paper(known.id, form), 302)


def _paper(record: Record, look: Look, reading: Readers) -> Response:
    page = _paper_page(record, look, reading.store)
    head = look.head(page.heading, page.sentence or record.paper.abstract or page.heading, type="article")
    return look.page("paper.html", head, page, look.links(reading), scripts=("keys.js", "copy.js"))


def _paper_page(record: Record, look: Look, store: Store) -> PaperPage:
    ids, overview = [record.id], store.overview
    around = Surroundings(
        versions=overview.versions(ids).get(record.id, ()),
        sightings=overview.sightings(ids).get(record.id, ()),
        editions=[
            (key.day, key.newsletter, look.newsletter_title(key.newsletter))
            for key in overview.editions_of(ids).get(record.id, ())
        ],
        related=[(each.id, each.title) for each in store.related(record.id, RELATED)],
        bibtex=bibtex_entry(record),
    )
    return PaperPage.of(record, look.taxonomy.names, around)


def _bibtex(record: Record, *_: Any) -> Response:
    return Response(bibtex_entry(record) + "\n", media_type="application/x-bibtex; charset=utf-8")


def _ris(record: Record, *_: Any) -> Response:
    reference = io.StringIO()
    write_ris([record], reference)
    return Response(reference.getvalue(), media_type="application/x-research-info-systems; charset=utf-8")


def _markdown(record: Record, look: Look, reading: Readers) -> Response:
    line = _paper_page(record, look, reading.store).markdown
    return Response(line + "\n", media_type="text/markdown; charset=utf-8")


def _json(record: Record, _: Look, reading: Readers) -> Response:
    return JSONResponse(record.as_dict(reading.store.annotation))


_FORMS: dict[str, Callable[[Record, Look, Readers], Response]] = {
    "bib": _bibtex,
    "ris": _ris,
    "md": _markdown,
    "json": _json,
}
