"""What rises over the last weeks, as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from broadsheet.render.views.trends import TrendsView
from broadsheet.sections.trends import RULE
from broadsheet.site.context import Site
from broadsheet.site.layout import place_path


class TrendsPage:
    """The weeks up to the latest day on which a paper was first seen; no page before there are two."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def plan(self) -> Mapping[str, str]:
        """Return a fingerprint of the counts."""
        if not self._site.trends.has_history:
            return {}
        return {place_path("trends"): self._site.fingerprint(self._site.trends.model_dump_json())}

    def make(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the page."""
        for path in paths:
            if page := TrendsView.of(self._site.trends, self._site.taxonomy.names):
                head = self._site.head(path, "Trends", " ".join(page.sentences), place="trends")
                yield path, self._site.page("trends.html", path, head, page, rule=RULE)
