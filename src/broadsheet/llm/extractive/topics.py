"""Which topics a paper is about: cue phrases of the tags, weighed as reference annotations taught."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from broadsheet.llm.extractive.cues import cues_with_definition, index_of
from broadsheet.llm.extractive.features import SHARE, features
from broadsheet.llm.extractive.ranker import Ranker, load_rankers
from broadsheet.taxonomy import Taxonomy

MAX_TOPICS = 4
_LONGEST_SEARCH = 500
"""No more letters of a search are read."""
SURVEYS = "benchmarks-and-surveys"
THRESHOLD = 0.38
"""A topic this probable is given. Below one half, because missing a topic costs F1 more than giving one that
is nearly as probable as not; anything from 0.3 to 0.5 measures within one point of the best."""


def topic_probabilities(
    title: str, abstract: str, taxonomy: Taxonomy, ranker: Ranker | None = None
) -> dict[str, float]:
    """How probable it is that a reader who follows each topic wants this paper.

    A topic that the fitted weights do not know goes by its cues, its id and the words of its definition.

    Args:
        title: The paper's title.
        abstract: Its abstract; may be empty.
        taxonomy: The topics and their cues.
        ranker: The weights; the fitted ones that come with Broadsheet where it is None.

    Raises:
        ConfigError: A cue is malformed.
    """
    ranker = ranker or load_rankers()["topic"]
    rows = topic_features(title, abstract, taxonomy, ranker)
    return dict(
        zip(rows, ranker.probabilities(list(rows), list(rows.values()), topic_context(rows)), strict=True)
    )


def topics_of_search(taxonomy: Taxonomy) -> Callable[[str], Mapping[str, float]]:
    """Return what tells how probable it is that a search is about each topic, as if it were a title."""
    return lambda words: topic_probabilities(words[:_LONGEST_SEARCH], "", taxonomy)


def topic_features(
    title: str, abstract: str, taxonomy: Taxonomy, ranker: Ranker | None = None
) -> dict[str, list[float]]:
    """The features of each topic; without a ranker every topic counts as fitted."""
    cues = tuple(
        taxonomy.cues[tag.id]
        if ranker is None or tag.id in ranker.bias
        else cues_with_definition(tag, taxonomy.cues[tag.id])
        for tag in taxonomy.topics
    )
    return dict(zip(taxonomy.topic_ids, _rows(title, abstract, cues), strict=True))


@lru_cache(maxsize=4)
def _rows(title: str, abstract: str, cues: tuple[tuple[str, ...], ...]) -> list[list[float]]:
    """Return the features of each tag; kept, because a paper's contribution depends on them too."""
    return features(index_of(cues).hits(title, abstract))


def topic_context(rows: Mapping[str, list[float]]) -> dict[str, float]:
    """What a paper as a whole is about: each topic's share of the evidence."""
    return {id_: row[SHARE] for id_, row in rows.items()}


def choose_topics(probabilities: Mapping[str, float]) -> tuple[str, ...]:
    """The topics to give, most probable first: those above the threshold, at least one and at most four."""
    ranked = sorted(probabilities, key=lambda id_: -probabilities[id_])
    return tuple(
        id_ for place, id_ in enumerate(ranked[:MAX_TOPICS]) if place == 0 or probabilities[id_] >= THRESHOLD
    )


def classify_topics(
    title: str, abstract: str, taxonomy: Taxonomy, *, surveys: bool = False
) -> tuple[str, ...]:
    """The topics of a paper: one to four ids of the taxonomy, the most central first.

    With `surveys` the topic of surveys and benchmarks is one of them, and never the only one.

    Raises:
        ConfigError: A cue is malformed.
    """
    probabilities = topic_probabilities(title, abstract, taxonomy)
    if not (surveys and SURVEYS in probabilities and len(probabilities) > 1):
        return choose_topics(probabilities)
    del probabilities[SURVEYS]
    return (*choose_topics(probabilities)[: MAX_TOPICS - 1], SURVEYS)
