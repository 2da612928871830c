"""Says how far a record's tags lie from what the rules read in the paper, in log-odds.

The rules rank every tag, so they also say which tags a paper all but rules out. They have no opinion where
their weights do not reach: a paper that is not in English, and tags that were not fitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log

from broadsheet.english import reads_english
from broadsheet.llm.extractive.contribution import contribution_probabilities, stated_contribution
from broadsheet.llm.extractive.ranker import load_rankers
from broadsheet.llm.extractive.topics import topic_probabilities
from broadsheet.paper import Paper
from broadsheet.taxonomy import Taxonomy

_LEAST = 1e-4
"""Probabilities closer to 0 or 1 than this say no more than this one does."""


@dataclass(frozen=True, slots=True)
class Distance:
    """How much likelier the rules find their own first choice than a record's tags, in log-odds.

    0 is the rules' own choice; 3 is one that they find twenty times less likely.

    Attributes:
        topics: The distance of the record's likeliest topic.
        first_topic: The distance of its first topic.
        contribution: The distance of its contribution.
    """

    topics: float = 0.0
    first_topic: float = 0.0
    contribution: float = 0.0


def distance(paper: Paper, topics: Sequence[str], contribution: str, taxonomy: Taxonomy) -> Distance:
    """Return how far these tags lie from the rules' choice; 0 where the rules have no opinion.

    Args:
        paper: What the tags are said of.
        topics: Ids of topics, the most central first.
        contribution: The id of its contribution.
        taxonomy: The tags that there are.
    """
    of_topics, of_kinds = _distances(paper.title, paper.abstract, taxonomy)
    said = [of_topics.get(topic, 0.0) for topic in topics] or [0.0]
    return Distance(min(said), said[0], of_kinds.get(contribution, 0.0))


@lru_cache(maxsize=512)
def _distances(
    title: str, abstract: str, taxonomy: Taxonomy
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Return the distance of every topic and of every contribution that the rules have an opinion on.

    Kept by text, since a paper's tags are looked at again when it is repaired, asked about apart or rebuilt.
    """
    if not reads_english(f"{title} {abstract}"):
        return {}, {}
    by_topic = _fitted("topic", topic_probabilities(title, abstract, taxonomy))
    by_kind = _fitted("contribution", contribution_probabilities(title, abstract, taxonomy))
    if stated := stated_contribution(title, abstract, taxonomy):  # it decides, whatever the weights say
        by_kind[stated] = 1.0
    return _below_the_best(by_topic), _below_the_best(by_kind)


def _fitted(facet: str, probabilities: Mapping[str, float]) -> dict[str, float]:
    known = load_rankers()[facet].bias
    return {id_: probability for id_, probability in probabilities.items() if id_ in known}


def _below_the_best(probabilities: Mapping[str, float]) -> dict[str, float]:
    odds = {id_: _log_odds(probability) for id_, probability in probabilities.items()}
    best = max(odds.values(), default=0.0)
    return {id_: best - each for id_, each in odds.items()}


def _log_odds(probability: float) -> float:
    held = min(max(probability, _LEAST), 1 - _LEAST)
    return log(held / (1 - held))
