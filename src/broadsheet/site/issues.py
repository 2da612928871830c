"""A page for each edition, the latest one also as the site's front page, and the archive of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from broadsheet.render.addresses import DAILY
from broadsheet.render.page import Page
from broadsheet.render.views.listing import Archive
from broadsheet.site.context import Site, short_day
from broadsheet.site.layout import HOME, edition_path, place_path


@dataclass(frozen=True, slots=True)
class _Turn:
    """A link to the edition before or after."""

    href: str
    text: str


class EditionPages:
    """The editions of the cache, each with links to the one before and the one after."""

    def __init__(self, site: Site) -> None:
        self._site = site
        days = list(site.editions)  # latest first
        self._days = {edition_path(day): day for day in days}
        if days:
            self._days[HOME] = days[0]
        self._before = dict(pairwise(days))
        self._after = {before: day for day, before in self._before.items()}

    def plan(self) -> Mapping[str, str]:
        """Return a fingerprint of each edition and its neighbours."""
        return {
            path: self._site.fingerprint(
                self._site.editions[day], str(self._before.get(day)), str(self._after.get(day))
            )
            for path, day in self._days.items()
        }

    def make(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the pages of editions."""
        for path in paths:
            day = self._days[path]
            edition = self._site.store.editions.get(day)
            if edition is None:
                continue
            page = Page.of(edition, self._site.taxonomy, self._site.publication.language)
            head = self._site.head(
                path,
                page.date,
                f"{page.extent}. {page.code}.",
                type="website" if path == HOME else "article",
                place="home" if path == HOME else "",
                feeds=self._site.feed_links(path, self._site.publication.title),
            )
            turns = {
                "previous": self._turn(path, self._before, day),
                "next": self._turn(path, self._after, day),
            }
            yield path, self._site.page("edition.html", path, head, page, **turns)

    def _turn(self, path: str, neighbours: Mapping[date, date], day: date) -> _Turn | None:
        other = neighbours.get(day)
        return _Turn(self._site.to(path).edition(other), short_day(other)) if other else None


class ArchivePage:
    """The list of all editions."""

    def __init__(self, site: Site) -> None:
        self._site = site
        sizes = site.store.overview.edition_sizes()
        self._sizes = {day: sizes.get(day, 0) for day in site.editions}

    def plan(self) -> Mapping[str, str]:
        """Return a fingerprint of the editions' days and sizes."""
        return {place_path("archive"): self._site.fingerprint(repr(self._sizes))}

    def make(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the archive."""
        archives = [Archive.of(DAILY, self._site.publication.title, self._sizes)]
        for path in paths:
            head = self._site.head(
                path, "Archive", f"All editions of {self._site.publication.title}.", place="archive"
            )
            yield path, self._site.page("archive.html", path, head, archives)
