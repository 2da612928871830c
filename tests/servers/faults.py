"""Faults by seed: the same prompt meets the same faults in every run, whatever the order of the calls."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True)
class Faults:
    """The share of calls, 0 to 1, that each fault strikes.

    The first four strike a call; the others strike the answer about a batch of papers.

    Attributes:
        seed: Other seeds strike other prompts.
        at_most: How often the same prompt is struck; the next attempt at it is answered.
    """

    seed: int = 0
    at_most: int = 1_000
    too_many: float = 0.0
    server_error: float = 0.0
    reset: float = 0.0
    truncated: float = 0.0
    missing: float = 0.0
    doubled: float = 0.0
    wrong_id: float = 0.0
    swapped: float = 0.0
    prose: float = 0.0
    bad_json: float = 0.0
    refusal: float = 0.0
    content_filter: float = 0.0

    def strike(self, prompt: str, attempt: int) -> str:
        """The fault that meets the n-th attempt at this prompt, or an empty string."""
        drawn = self.dice(prompt, attempt).random() if attempt < self.at_most else 1.0
        for field in fields(self)[2:]:
            drawn -= getattr(self, field.name)
            if drawn < 0:
                return field.name
        return ""

    def dice(self, prompt: str, attempt: int) -> random.Random:
        """The chance of this attempt."""
        return random.Random(f"{self.seed}/{attempt}/{prompt}")


RESEARCH_C = Faults(seed=1, too_many=0.10, server_error=0.05, reset=0.02, truncated=0.02)
RESEARCH_BATCH = Faults(
    seed=2,
    missing=0.05,
    doubled=0.05,
    wrong_id=0.05,
    swapped=0.05,
    truncated=0.05,
    prose=0.03,
    bad_json=0.03,
    refusal=0.02,
    content_filter=0.02,
)


def spoil(records: Sequence[Record], fault: str, dice: random.Random) -> list[Record]:
    """The records with one of the batch faults."""
    spoilt = [dict(record) for record in records]
    if not spoilt:
        return spoilt
    one = dice.randrange(len(spoilt))
    if fault == "missing":
        del spoilt[one]
    elif fault == "doubled":
        spoilt.append(dict(spoilt[one]))
    elif fault == "wrong_id":
        spoilt[one]["ref"] = f"P{len(spoilt) + 7}"
    elif fault == "swapped" and len(spoilt) > 1:
        other = (one + 1) % len(spoilt)
        spoilt[one]["ref"], spoilt[other]["ref"] = spoilt[other]["ref"], spoilt[one]["ref"]
    return spoilt
