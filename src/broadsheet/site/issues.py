"""A page for each edition, the latest one also as the site's front page, and the archive of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from broadsheet.render.page import Page
from broadsheet.render.views.listing import Archive
from broadsheet.site.context import Site, colours_name, short_day
from broadsheet.site.layout import HOME, edition_path, place_path
from broadsheet.store.overview import DAILY, EditionKey


@dataclass(frozen=True, slots=True)
class _Turn:
    """A link to the edition before or after."""

    href: str
    text: str


class EditionPages:
    """The editions of the cache, each with links to the one before and the one after of its newsletter."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._keys = {edition_path(key.day, key.newsletter): key for key in site.editions}
        if site.newsletters:
            self._keys[HOME] = site.days(site.newsletters[0])[0]
        self._before = {key: before for name in site.newsletters for key, before in pairwise(site.days(name))}
        self._after = {before: key for key, before in self._before.items()}

    def plan(self) -> Mapping[str, str]:
        """Return a fingerprint of each edition and its neighbours."""
        return {
            path: self._site.fingerprint(
                self._site.editions[key],
                str(self._before.get(key)),
                str(self._after.get(key)),
                self._site.publication.newsletter_look(key.newsletter),
            )
            for path, key in self._keys.items()
        }

    def make(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the pages of editions."""
        for path in paths:
            key = self._keys[path]
            edition = self._site.store.editions.get(key.day, key.newsletter)
            if edition is None:
                continue
            page = Page.of(
                edition,
                self._site.taxonomy,
                self._site.publication.language,
                self._site.publication.newsletters.get(key.newsletter),
            )
            name = self._site.newsletter_title(key.newsletter)
            head = self._site.head(
                path,
                page.date if key.newsletter == DAILY else f"{name}, {page.date}",
                f"{page.extent}. {page.code}.",
                language=page.language,
                type="website" if path == HOME else "article",
                place="home" if path == HOME else "",
                feeds=self._site.feed_links(path, name, newsletter=key.newsletter),
            )
            around = {
                "previous": self._turn(path, self._before.get(key)),
                "next": self._turn(path, self._after.get(key)),
                "colours": colours_name(key.newsletter),
            }
            yield path, self._site.page("edition.html", path, head, page, **around)

    def _turn(self, path: str, key: EditionKey | None) -> _Turn | None:
        return (
            _Turn(self._site.to(path).edition(key.day, key.newsletter), short_day(key.day)) if key else None
        )


class ArchivePage:
    """The list of all editions."""

    def __init__(self, site: Site) -> None:
        self._site = site
        sizes = site.store.overview.edition_sizes()
        self._sizes = {
            name: {key.day: sizes.get(key, 0) for key in site.days(name)} for name in site.newsletters
        }

    def plan(self) -> Mapping[str, str]:
        """Return a fingerprint of the editions' days and sizes."""
        return {place_path("archive"): self._site.fingerprint(repr(self._sizes))}

    def make(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the archive."""
        archives = [
            Archive.of(name, self._site.newsletter_title(name), sizes) for name, sizes in self._sizes.items()
        ]
        for path in paths:
            head = self._site.head(
                path, "Archive", f"All editions of {self._site.publication.title}.", place="archive"
            )
            yield path, self._site.page("archive.html", path, head, archives)
