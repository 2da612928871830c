"""Computes the probability of each tag from its features and the paper's context, with fitted weights.

The weights are in ``model.json.gz``, which contains no text from any paper: a weight for each feature, shared
by all tags; the frequency of each tag; and how evidence for one tag bears on another (a paper on federated
learning is often also about optimisation). ``scripts/fit_extractive.py`` fits them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp
from operator import mul
from pathlib import Path
from typing import Any

MODEL = Path(__file__).with_name("model.json.gz")


@dataclass(frozen=True)
class Ranker:
    """A logistic regression over pairs of a paper and a tag.

    Attributes:
        shared: Weight of each of ``features.FEATURES``, shared by all tags.
        intercept: Log-odds of a tag of average frequency without evidence.
        bias: Log-odds to add for how common each fitted tag is.
        cross: Weight of each context value, in log-odds, for each fitted tag.
        novel: Bias of a tag that was not fitted, such as one that a user added.
    """

    shared: Sequence[float]
    intercept: float
    bias: Mapping[str, float]
    cross: Mapping[str, Mapping[str, float]]
    novel: float

    def probabilities(
        self, ids: Sequence[str], rows: Sequence[Sequence[float]], context: Mapping[str, float]
    ) -> list[float]:
        """Return the probability of each tag.

        Args:
            ids: The tags of the facet.
            rows: Their features, one row per tag.
            context: Features of the paper as a whole, by name.
        """
        present = [(name, value) for name, value in context.items() if value]
        result = []
        for id_, row in zip(ids, rows, strict=True):
            odds = self.intercept + self.bias.get(id_, self.novel)
            odds += sum(map(mul, self.shared, row))
            cross = self.cross.get(id_, {})
            odds += sum([cross[name] * value for name, value in present if name in cross])
            result.append(1 / (1 + exp(-max(min(odds, 500.0), -500.0))))
        return result


def parse_rankers(content: Mapping[str, Any]) -> dict[str, Ranker]:
    """Return the ranker of each facet from the parsed content of a weights file."""
    return {facet: Ranker(**fitted) for facet, fitted in content.items()}


@cache
def load_rankers(path: Path = MODEL) -> dict[str, Ranker]:
    """Return the fitted ranker of each facet; each file is read once."""
    return parse_rankers(json.loads(gzip.decompress(path.read_bytes())))
