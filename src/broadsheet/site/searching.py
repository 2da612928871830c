"""Search that runs in the browser: a page, a script, and the papers in shards.

Shards are scripts, because a page that is opened from the file system may not fetch other files. They are cut
from the oldest paper on, so that a new day changes only the last, and the browser reads the newest first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from broadsheet.record import Record
from broadsheet.render.addresses import slug
from broadsheet.render.fields import authors_line, sentence_of
from broadsheet.render.reading import readable
from broadsheet.render.templates import filled
from broadsheet.site.context import Site
from broadsheet.site.layout import asset_path, place_path
from broadsheet.site.picture import NAME, picture
from broadsheet.visible import visible

PAPERS_A_SHARD = 500


class SearchPages:
    """The page and the shards that it searches."""

    def __init__(self, site: Site) -> None:
        self._site = site
        ids = list(reversed(site.stamps))  # oldest first
        chunks = (ids[start : start + PAPERS_A_SHARD] for start in range(0, len(ids), PAPERS_A_SHARD))
        self._shards = {
            asset_path(f"shards/{number}.js"): chunk for number, chunk in enumerate(chunks, start=1)
        }
        self._papers = len(ids)

    def plan(self) -> Mapping[str, str]:
        """Return a fingerprint of each shard's papers, and of how many there are."""
        site = self._site
        shards = {
            path: site.fingerprint(*(site.stamps[paper_id] for paper_id in ids))
            for path, ids in self._shards.items()
        }
        return {
            **shards,
            asset_path("shards.js"): site.fingerprint(str(len(shards))),
            place_path("search"): site.fingerprint(str(self._papers)),
        }

    def make(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the page, the list of shards and the shards."""
        for path in paths:
            if path == place_path("search"):
                head = self._site.head(path, "Search", "Search all papers.", place="search")
                yield path, self._site.page("search.html", path, head, None, papers=self._papers)
            elif path == asset_path("shards.js"):
                yield path, f"window.broadsheetShards = {list(range(len(self._shards), 0, -1))};\n"
            else:
                # Newest first, as everywhere: the script keeps the order among equals.
                rows = [self._row(record) for record in self._site.records(self._shards[path][::-1])]
                lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
                yield path, f"broadsheetShard([\n{lines}\n]);\n"

    def _row(self, record: Record) -> list[str]:
        annotation, names = record.annotation, self._site.taxonomy.names
        tags = (*annotation.topics, annotation.contribution) if annotation else ()
        return [
            slug(record.id),
            readable(record.title) or record.id,
            sentence_of(record),
            ", ".join(map(visible, annotation.keywords)) if annotation else "",
            ", ".join(visible(names.get(tag, tag)) for tag in tags),
            authors_line(record.paper.authors),
            record.first_seen.isoformat(),
        ]


class Assets:
    """The stylesheet, the script and the icon, which are templates too, and the picture."""

    _NAMES = ("site.css", "search.js", "icon.svg")

    def __init__(self, site: Site) -> None:
        self._site = site

    def plan(self) -> Mapping[str, str]:
        """Return the fingerprint of all templates for each file."""
        planned = {asset_path(name): self._site.fingerprint(name) for name in self._NAMES}
        for name, colours in self._site.publication.recoloured.items():
            planned[asset_path(name)] = self._site.fingerprint(name, repr(colours))
        if self._site.picture_address:
            made = picture(self._site.publication.templates)
            planned[asset_path(NAME)] = self._site.fingerprint(NAME, made.hex())
        return planned

    def make(self, paths: Sequence[str]) -> Iterator[tuple[str, str | bytes]]:
        """Yield the files."""
        for path in paths:
            name = path.rpartition("/")[2]
            if name == NAME:
                yield path, picture(self._site.publication.templates)
                continue
            if name in self._site.publication.recoloured:
                colours = self._site.publication.recoloured[name]
                yield path, filled("colours.css", self._site.publication.templates, colours=colours)
                continue
            yield path, filled(f"site/{name}", self._site.publication.templates)
