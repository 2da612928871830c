"""Several rankings as one: reciprocal rank fusion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

RANK_CONSTANT = 10
"""How little the first places differ. The 60 of Cormack, Clarke and Büttcher (2009) is for many systems;
with two or three, 10 ranked better on the judged queries of ``benchmarks/search.py``."""


def fused(*rankings: Sequence[int]) -> list[int]:
    """Return the rows of all rankings, those first that stand high in several."""
    scores: defaultdict[int, float] = defaultdict(float)
    for ranking in rankings:
        for place, row in enumerate(ranking, start=1):
            scores[row] += 1 / (RANK_CONSTANT + place)
    return sorted(scores, key=lambda row: -scores[row])
