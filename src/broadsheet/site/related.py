"""`Likeness`: the papers that are most like a paper, by the keywords and tags that they share.

`Store.related`, by which page and API rank, compares all words and vectors. It takes 25 ms of processor time
a paper in a cache of 5,280 papers, and more in a larger one: the first site of 75,000 papers would take more
than half an hour longer. This takes 1.6 ms, so that the pages of a new day and of all days rank in one way.
"""

from __future__ import annotations

from collections import defaultdict
from math import log

from broadsheet.store import Store

_TOO_COMMON = 400
"""A keyword with more papers says little, and looking at all of them would take long."""
_TAG_WEIGHT = 0.6


class Likeness:
    """Finds related papers in memory: all keywords and tags are read once."""

    def __init__(self, store: Store) -> None:
        self._of: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._with: defaultdict[str, list[str]] = defaultdict(list)
        for paper_id, keywords, tags in store.overview.keywords():
            folded = tuple(keyword.casefold() for keyword in keywords)
            self._of[paper_id] = folded, tags
            for keyword in folded:
                self._with[keyword].append(paper_id)

    def related(self, paper_id: str, limit: int) -> list[str]:
        """Return the ids of papers that share at least one rare keyword, most alike first."""
        keywords, tags = self._of.get(paper_id, ((), ()))
        scores: defaultdict[str, float] = defaultdict(float)
        for keyword in keywords:
            others = self._with[keyword]
            if len(others) <= _TOO_COMMON:
                rarity = log(1 + len(self._of) / len(others))
                for other in others:
                    scores[other] += rarity
        scores.pop(paper_id, None)
        for other in scores:
            scores[other] += _TAG_WEIGHT * len(set(tags).intersection(self._of[other][1]))
        return sorted(scores, key=lambda other: -scores[other])[:limit]
