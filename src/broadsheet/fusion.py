"""Several rankings as one: the weighted sum of scores, each as a share of the best of its ranking.

Places alone (reciprocal rank fusion) ranked worse on both pools of ``benchmarks/search.py``: they hide that a
first place is sometimes far ahead and sometimes one of many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from heapq import nlargest

Scores = Mapping[int, float]
"""The rows that a ranking found, and how well each does in it; more is better, and 0 is nothing."""


def fused(*rankings: tuple[float, Scores]) -> list[int]:
    """Return the rows of all rankings, best first; of two that are as good, the later row.

    Args:
        rankings: What the best of a ranking is worth, and its scores.
    """
    total = summed(*rankings)
    return sorted(sorted(total, reverse=True), key=total.__getitem__, reverse=True)


def summed(*rankings: tuple[float, Scores]) -> dict[int, float]:
    """Return what the rows of all rankings are worth together."""
    total: defaultdict[int, float] = defaultdict(float)
    for weight, scores in rankings:
        best = max(scores.values(), default=0.0)
        share = weight / best if best > 0 else 0.0
        for row, score in scores.items():
            total[row] += share * score
    return total


def first(total: Scores, most: int) -> list[int]:
    """Return the best rows, so many at most, in the order of `fused`: the others are not put in order."""
    return [row for _, row in nlargest(most, zip(total.values(), total.keys(), strict=True))]
