"""The pages of each tag, and the index of tags.

A tag's papers are cut into pages of a hundred from the oldest on, so that a new day changes only the page of
the newest, which has between 50 and 149 of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from broadsheet.render.views.listing import TagIndex, TagPage, tag_of
from broadsheet.site.context import Site
from broadsheet.site.layout import place_path, tag_path

PAPERS_A_PAGE = 100
FEWEST_ON_FIRST = 50


def closed_pages(papers: int) -> int:
    """Return how many numbered pages there are beside the page of the newest papers."""
    return max(0, (papers - FEWEST_ON_FIRST) // PAPERS_A_PAGE)


def newest(ids: Sequence[str]) -> Sequence[str]:
    """Return the papers on the page of the newest, given all of them, newest first."""
    return ids[: len(ids) - closed_pages(len(ids)) * PAPERS_A_PAGE]


def numbered(ids: Sequence[str], number: int) -> Sequence[str]:
    """Return the papers on a numbered page, the oldest page being 1."""
    end = len(ids) - (number - 1) * PAPERS_A_PAGE
    return ids[end - PAPERS_A_PAGE : end]


class TagPages:
    """The papers of every tag."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._pages: dict[str, tuple[str, int | None]] = {}
        for tag, ids in site.tagged.items():
            self._pages[tag_path(tag)] = (tag, None)
            for number in range(1, closed_pages(len(ids)) + 1):
                self._pages[tag_path(tag, number)] = (tag, number)

    def plan(self) -> Mapping[str, str]:
        """Return a fingerprint of each page's papers, and of where it leads."""
        return {path: self._fingerprint(tag, number) for path, (tag, number) in self._pages.items()}

    def _fingerprint(self, tag: str, number: int | None) -> str:
        ids = self._site.tagged[tag]
        papers = [self._site.stamps[paper_id] for paper_id in self._ids(tag, number)]
        last = number == closed_pages(len(ids))
        return self._site.fingerprint(tag, str(last if number else len(ids)), *papers)

    def _ids(self, tag: str, number: int | None) -> Sequence[str]:
        ids = self._site.tagged[tag]
        return numbered(ids, number) if number else newest(ids)

    def make(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the pages of tags."""
        for path in paths:
            tag_id, number = self._pages[path]
            total = len(self._site.tagged[tag_id])
            pages = closed_pages(total)
            page = TagPage.of(
                tag_of(self._site.taxonomy, tag_id),
                self._site.records(self._ids(tag_id, number)),
                number=number,
                older=((number or pages + 1) - 1) or None,
                newer=number + 1 if number and number < pages else None,
                total=None if number else total,
            )
            title = f"{page.name}, page {number}" if number else page.name
            feeds = () if number else self._site.feed_links(path, page.name, tag=tag_id)
            head = self._site.head(path, title, page.definition or page.extent, feeds=feeds)
            yield path, self._site.page("tag.html", path, head, page)


class TagIndexPage:
    """The list of all tags."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._counts = {tag: len(ids) for tag, ids in site.tagged.items()}

    def plan(self) -> Mapping[str, str]:
        """Return a fingerprint of the tags and their numbers of papers."""
        return {place_path("tags"): self._site.fingerprint(repr(sorted(self._counts.items())))}

    def make(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the index."""
        for path in paths:
            head = self._site.head(
                path, "Tags", "All papers by topic and kind of contribution.", place="tags"
            )
            page = TagIndex.of(self._site.taxonomy, self._counts)
            yield path, self._site.page("tags.html", path, head, page)
