"""Turns the cue phrases found in a paper into features that have the same meaning for every tag.

One set of weights can therefore serve all tags, including those that a user adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import copysign, log1p, sqrt
from operator import mul

from broadsheet.llm.extractive.cues import BODY, FIRST, LAST, OWN, TITLE, ZONES, Hit

# A phrase counts nearly four times as much in the title as in the body, and one and a half times as much in a
# sentence about the paper's own work.
_ZONE_WEIGHT = {TITLE: 3.0, OWN: 1.2, FIRST: 0.8, LAST: 0.8, BODY: 0.8}

FEATURES = (
    "evidence, root",
    "evidence",
    "share of all tags' evidence",
    "evidence beside the strongest tag's",
    "rank by evidence, log",
    "ranks first",
    "ranks among three",
    "title's evidence, root",
    "share of the title's evidence",
    "strongest phrase of the title",
    "strongest phrase",
    "phrases, log",
    "phrases of full weight, log",
    "own sentences' evidence, root",
    "first sentence's evidence, root",
    "last sentence's evidence, root",
    "other sentences' evidence, root",
)
_NOTHING = (0.0,) * len(FEATURES)
_NO_ZONES = [0.0] * len(ZONES)
_ZONE_WEIGHTS = tuple(_ZONE_WEIGHT[zone] for zone in ZONES)
SHARE = FEATURES.index("share of all tags' evidence")


def zone_sums(hits: Sequence[Hit]) -> list[float]:
    """Return the evidence per zone: each phrase's weight times the square root of its count."""
    return [sum(hit.weight * sqrt(hit.counts[zone]) for hit in hits if hit.counts[zone]) for zone in ZONES]


def signed_root(value: float) -> float:
    """Return the square root of the absolute value, with the sign of the value."""
    return copysign(sqrt(abs(value)), value)


def features(found: Sequence[Sequence[Hit]]) -> list[list[float]]:
    """Return the features of each tag in a facet; some compare it with the other tags.

    Args:
        found: The hits of each tag, in the order of the tags.

    Returns:
        One row per tag, with a column for each of ``FEATURES``.
    """
    totals = [
        9 * sum(h.weight * sqrt(sum(map(mul, _ZONE_WEIGHTS, h.counts))) for h in hits) for hits in found
    ]
    sums = [[9 * value for value in zone_sums(hits)] if hits else _NO_ZONES for hits in found]
    whole = max(sum(max(total, 0.0) for total in totals), 1.0)
    best = max(max(totals, default=0.0), 1.0)
    whole_title = max(sum(max(zones[TITLE], 0.0) for zones in sums), 1.0)
    rank = {tag: place for place, tag in enumerate(sorted(range(len(totals)), key=lambda tag: -totals[tag]))}
    rows = []
    for tag, (hits, total, zones) in enumerate(zip(found, totals, sums, strict=True)):
        place = rank[tag]
        ranked = (log1p(place), float(place == 0), float(place < 3))
        if not hits:
            rows.append([*_NOTHING[:4], *ranked, *_NOTHING[7:]])
            continue
        evidence = max(total, 0.0)
        rows.append(
            [
                signed_root(total),
                total / 10,
                evidence / whole,
                evidence / best,
                *ranked,
                signed_root(zones[TITLE]),
                max(zones[TITLE], 0.0) / whole_title,
                sqrt(max((h.weight for h in hits if h.counts[TITLE] and h.weight > 0), default=0.0)),
                sqrt(max((h.weight for h in hits if h.weight > 0), default=0.0)),
                log1p(sum(h.weight > 0 for h in hits)),
                log1p(sum(h.weight >= 1 for h in hits)),
                *(signed_root(zones[zone]) for zone in (OWN, FIRST, LAST, BODY)),
            ]
        )
    return rows
