"""A page for each paper, and one that leads on for each that was merged into another."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from broadsheet.export.bibtex import write_bibtex
from broadsheet.record import Record
from broadsheet.render.views.paper import PaperPage, Surroundings
from broadsheet.site.context import CHUNK, Site
from broadsheet.site.layout import paper_path
from broadsheet.site.related import Likeness

RELATED = 6


class PaperPages:
    """The papers of the cache.

    Related papers are looked for when a page is written. They do not count as what it is made from: then
    every new day would rewrite the pages of all papers that the new ones are like.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._ids = {paper_path(paper_id): paper_id for paper_id in site.stamps}

    @cached_property
    def _likeness(self) -> Likeness:
        return Likeness(self._site.store)

    def plan(self) -> Mapping[str, str]:
        """Return a fingerprint of each page's paper."""
        site = self._site
        return {path: site.fingerprint(site.stamps[paper_id]) for path, paper_id in self._ids.items()}

    def make(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the pages of papers."""
        for start in range(0, len(paths), CHUNK):
            ids = [self._ids[path] for path in paths[start : start + CHUNK]]
            yield from self._pages(ids)

    def _pages(self, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        overview = self._site.store.overview
        versions, sightings = overview.versions(ids), overview.sightings(ids)
        editions = overview.editions_of(ids)
        related = {paper_id: self._likeness.related(paper_id, RELATED) for paper_id in ids}
        corrections = self._site.store.edits.corrections_of(ids)
        titles = overview.titles(list({other for others in related.values() for other in others}))
        for record in self._site.records(ids):
            around = Surroundings(
                versions=versions.get(record.id, ()),
                sightings=sightings.get(record.id, ()),
                editions=[
                    (key.day, key.newsletter, self._site.newsletter_title(key.newsletter))
                    for key in editions.get(record.id, ())
                ],
                related=[(other, titles[other]) for other in related[record.id] if other in titles],
                bibtex=bibtex_entry(record),
                corrections=corrections.get(record.id, ()),
            )
            page = PaperPage.of(record, self._site.taxonomy.names, around)
            path = paper_path(record.id)
            head = self._site.head(
                path, page.heading, page.sentence or record.paper.abstract or page.heading, type="article"
            )
            yield path, self._site.page("paper.html", path, head, page)


class MovedPapers:
    """Pages under the former ids of papers that were merged, so that links to them go on working."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._now = {
            paper_path(former): paper_id
            for former, paper_id in site.store.overview.former_ids().items()
            if former not in site.stamps and paper_id in site.stamps
        }

    def plan(self) -> Mapping[str, str]:
        """Return a fingerprint of where each page leads."""
        return {path: self._site.fingerprint(paper_id) for path, paper_id in self._now.items()}

    def make(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the pages that lead on."""
        for path in paths:
            head = self._site.head(
                path, "This paper has moved", "It was found to be the same as another paper."
            )
            yield path, self._site.page("moved.html", path, head, self._now[path])


def bibtex_entry(record: Record) -> str:
    """Return the entry of a paper without its abstract and summary, which stand on the page already."""
    cited = {"paper": record.paper.model_copy(update={"abstract": ""}), "annotation": None}
    entry = io.StringIO()
    write_bibtex([record.model_copy(update=cited)], entry)
    return entry.getvalue().strip().replace("\t", "  ")
