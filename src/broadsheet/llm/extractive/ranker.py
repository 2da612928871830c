"""The fitted weights: how probable each tag of a facet is, from its features and its paper's other evidence.

``model.json.gz`` beside this file holds numbers only, no words of any paper: a weight for each feature,
shared by all tags; how common each tag is; and what the evidence for one tag says of another (a paper on
federated learning is often one on optimisation too). ``scripts/fit_extractive.py`` makes it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path
from typing import Any

MODEL = Path(__file__).with_name("model.json.gz")


@dataclass(frozen=True)
class Ranker:
    """Logistic regression over pairs of a paper and a tag.

    Attributes:
        shared: Weight of each of ``features.FEATURES``, the same for every tag.
        intercept: Log-odds of a tag of average frequency with no evidence.
        bias: How much more or less common each fitted tag is, in log-odds.
        cross: For each fitted tag, what each number of the paper's context adds, in log-odds.
        novel: The bias of a tag that was not fitted, such as one that a user added with a few cues.
    """

    shared: Sequence[float]
    intercept: float
    bias: Mapping[str, float]
    cross: Mapping[str, Mapping[str, float]]
    novel: float

    def probabilities(
        self, ids: Sequence[str], rows: Sequence[Sequence[float]], context: Mapping[str, float]
    ) -> list[float]:
        """How probable each tag is.

        Args:
            ids: The tags of the facet.
            rows: Their features, a row for each.
            context: Numbers of the paper as a whole, by name.
        """
        present = [(name, value) for name, value in context.items() if value]
        result = []
        for id_, row in zip(ids, rows, strict=True):
            odds = self.intercept + self.bias.get(id_, self.novel)
            odds += sum(weight * value for weight, value in zip(self.shared, row, strict=True))
            cross = self.cross.get(id_, {})
            odds += sum(cross.get(name, 0.0) * value for name, value in present)
            result.append(1 / (1 + exp(-max(min(odds, 500.0), -500.0))))
        return result


def parse_rankers(content: Mapping[str, Any]) -> dict[str, Ranker]:
    """The rankers of each facet from the content of a fitted file."""
    return {facet: Ranker(**fitted) for facet, fitted in content.items()}


@cache
def load_rankers(path: Path = MODEL) -> dict[str, Ranker]:
    """The fitted rankers, by facet; read once."""
    return parse_rankers(json.loads(gzip.decompress(path.read_bytes())))
