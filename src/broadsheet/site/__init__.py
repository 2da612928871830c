"""Writes the cache as a site of static files for any host: editions, tags, papers, archive, search, feeds.

A run compares what each file is made from with what it was made from before, and writes only what has
changed. Each file is replaced as a whole; files of ours that are no longer wanted are deleted, and nobody
else's are touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from broadsheet.errors import NotFoundError, UserError
from broadsheet.render.templates import check_templates
from broadsheet.site.context import Pages, Publication, Site
from broadsheet.site.issues import ArchivePage, EditionPages
from broadsheet.site.layout import HOME
from broadsheet.site.manifest import Manifest, files_in, replace
from broadsheet.site.papers import MovedPapers, PaperPages
from broadsheet.site.searching import Assets, SearchPages
from broadsheet.site.syndication import Feeds, Sitemaps
from broadsheet.site.tags import TagIndexPage, TagPages
from broadsheet.site.trends import TrendsPage
from broadsheet.store import Store
from broadsheet.taxonomy import Taxonomy

__all__ = ["Publication", "SiteReport", "write_site"]

KINDS: Sequence[Callable[[Site], Pages]] = (
    Assets,
    EditionPages,
    ArchivePage,
    TagIndexPage,
    TrendsPage,
    TagPages,
    PaperPages,
    MovedPapers,
    SearchPages,
    Feeds,
    Sitemaps,
)
"""A kind of page is a class with ``plan`` and ``make``, and a line here."""
_SAVED_AFTER = 5_000
_MOST_LOOKED_FOR = 200


@dataclass(frozen=True, slots=True)
class SiteReport:
    """What a run came to.

    Attributes:
        home: The front page.
        files: How many files the site has.
        written: How many of them the run wrote.
        removed: How many it deleted.
    """

    home: Path
    files: int
    written: int
    removed: int


def write_site(
    store: Store,
    taxonomy: Taxonomy,
    out: Path,
    publication: Publication,
    *,
    again: bool = False,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> SiteReport:
    """Write the site, or what has changed of it.

    Args:
        store: The cache.
        taxonomy: Gives the tags their names.
        out: The folder of the site.
        publication: Title, address and language.
        again: Write every file anew, so that related papers are found anew too.
        on_progress: Called with how many files were written and how many there are to write.

    Raises:
        NotFoundError: There is no edition yet.
        ConfigError: A template of the user's is wrong; nothing was written.
        UserError: The folder cannot be written, or has a file of somebody else's that would be overwritten.
    """
    check_templates(publication.templates)
    site = Site(store, taxonomy, publication)
    if not site.editions:
        raise NotFoundError("There is no edition yet to publish; make one with: broadsheet run SOURCE")
    try:
        out.mkdir(parents=True, exist_ok=True)
        return _Build(site, out, on_progress).run(again=again)
    except OSError as error:
        raise UserError(
            f"The site cannot be written to {out} ({error.strerror}); make room or name another folder with"
            " --out."
        ) from error


class _Build:
    """One run over a folder."""

    def __init__(self, site: Site, out: Path, on_progress: Callable[[int, int], None]) -> None:
        self._out, self._on_progress = out, on_progress
        self._manifest = Manifest(out)
        self._has_own_templates = site.publication.templates is not None
        self._kinds = [(kind, kind.plan()) for kind in (make(site) for make in KINDS)]
        self._planned = {path: made_from for _, plan in self._kinds for path, made_from in plan.items()}

    def run(self, *, again: bool) -> SiteReport:
        present = files_in(self._out)
        self._manifest.check_foreign(self._planned, present)
        self._manifest.remove_left_over(present)
        stale = [path for path in self._manifest.made_from if path not in self._planned]
        wanted = set(self._planned if again else self._manifest.changed(self._planned, present))
        wanted.update(self._linking_to(stale, present))
        if wanted:
            self._prove(wanted)
            self._manifest.begin(wanted)
        written = self._write(wanted) if wanted else 0
        self._manifest.remove(stale)
        if wanted or stale:
            self._manifest.save()
        return SiteReport(self._out / HOME, len(self._planned), written, len(stale))

    def _prove(self, wanted: set[str]) -> None:
        """Make one page of each kind, so that a wrong template ends the run before it writes."""
        for kind, plan in self._kinds if self._has_own_templates else ():
            first = next((path for path in plan if path in wanted), None)
            for _ in kind.make([first] if first else []):
                pass

    def _write(self, wanted: set[str]) -> int:
        written = 0
        for done, (path, content) in enumerate(self._made(wanted), start=1):
            file = self._out / path
            encoded = content if isinstance(content, bytes) else content.encode()
            if not file.is_file() or file.read_bytes() != encoded:
                file.parent.mkdir(parents=True, exist_ok=True)
                replace(file, encoded)
                written += 1
            self._manifest.made_from[path] = self._planned[path]
            if done % _SAVED_AFTER == 0:
                self._manifest.save()
            self._on_progress(done, len(wanted))
        return written

    def _made(self, wanted: set[str]) -> Iterator[tuple[str, str | bytes]]:
        for kind, plan in self._kinds:
            yield from kind.make([path for path in plan if path in wanted])

    def _linking_to(self, stale: Sequence[str], present: frozenset[str]) -> Iterable[str]:
        """Return the pages with a link to one that goes; they would lead nowhere."""
        names = {path.rpartition("/")[2] for path in stale if path.endswith(".html")}
        if not names:
            return ()
        kept = (path for path in self._planned if path.endswith(".html") and path in present)
        if len(names) > _MOST_LOOKED_FOR:
            return kept
        link = re.compile("|".join(f'[/"]{re.escape(name)}"' for name in names).encode())
        return [path for path in kept if link.search((self._out / path).read_bytes())]
