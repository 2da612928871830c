"""Classifies a paper's kind of contribution from the phrases typical of each kind and from its topics."""

from __future__ import annotations

import re

from broadsheet.llm.extractive.cues import index_of
from broadsheet.llm.extractive.features import features, signed_root, zone_sums
from broadsheet.llm.extractive.ranker import Ranker, load_rankers
from broadsheet.llm.extractive.topics import topic_context, topic_features
from broadsheet.taxonomy import Taxonomy

MAX_NAME_WORDS = 3
# The weights were fitted on papers with almost no surveys among them, so the title decides.
_SURVEY = re.compile(r"\b(?:survey|tutorial|literature review|systematic review)\b", re.IGNORECASE)
# "Zebra: A Large Dataset of Stripes", but not "Stripes With a Dataset", nor "A Dataset and a Model"
_RESOURCE = re.compile(
    r"(?:^|: )(?:(?:an?|the) )?(?:(?!(?:and|by|for|from|in|of|on|to|under|via|with) |[\w-]+ing )[\w/,-]+ )"
    r"{0,7}(?:data ?set|benchmark|corpus|testbed|treebank)(?: \([\w+-]+\))?"
    r"(?=$|:| (?:featuring|for|from|in|of|on|to|with) )"
    r"(?!.*\b(?:algorithm|approach|baseline|framework|method|model|network)\b)",
    re.IGNORECASE,
)
_PRESENTED = re.compile(
    r"\b(?:we|this (?:paper|work|article))\b[^.]{0,60}\b(?:introduc|present|propos|creat|construct|releas"
    r"|develop|build|built|curat|collect|provid|contribut|compil)\w*\b[^.]{0,140}"
    r"\b(?:data ?set|benchmark|corpus|corpora|collection|testbed|treebank)s?\b",
    re.IGNORECASE,
)


def contribution_features(
    title: str, abstract: str, taxonomy: Taxonomy
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Return the features of each contribution, and the paper's context: phrases by zone, and topics."""
    found = index_of(tuple(taxonomy.cues[id_] for id_ in taxonomy.contribution_ids)).hits(title, abstract)
    context = topic_context(topic_features(title, abstract, taxonomy))
    for id_, hits in zip(taxonomy.contribution_ids, found, strict=True):
        sums = zone_sums(hits)
        for zone, evidence in enumerate((*sums, sum(sums))):
            context[f"{id_}:{zone}"] = signed_root(evidence)
    context["coined name"] = float(_coins_a_name(title, abstract))
    return dict(zip(taxonomy.contribution_ids, features(found), strict=True)), context


def _coins_a_name(title: str, abstract: str) -> bool:
    """Tell whether the title coins a name that the abstract uses, as in "Zebra: Striping by Numbers"."""
    name, colon, _ = title.partition(":")
    return bool(colon) and len(name.split()) <= MAX_NAME_WORDS and name.strip() in abstract


def contribution_probabilities(
    title: str, abstract: str, taxonomy: Taxonomy, ranker: Ranker | None = None
) -> dict[str, float]:
    """Return how probable each contribution of the taxonomy is.

    Args:
        title: The paper's title.
        abstract: Its abstract; may be empty.
        taxonomy: The contributions to choose from, and the topics, which are evidence for some of them.
        ranker: The weights; by default, the fitted ones that ship with Broadsheet.

    Raises:
        ConfigError: A cue is malformed.
    """
    rows, context = contribution_features(title, abstract, taxonomy)
    ranker = ranker or load_rankers()["contribution"]
    probabilities = ranker.probabilities(list(rows), list(rows.values()), context)
    return dict(zip(rows, probabilities, strict=True))


def titled_contribution(title: str, abstract: str, taxonomy: Taxonomy) -> str:
    """Return what the title calls the paper, a survey or a resource, if the taxonomy knows it."""
    if _SURVEY.search(title):
        named = "survey"
    elif _RESOURCE.search(title) and _PRESENTED.search(abstract):
        named = "resource"
    else:
        return ""
    return named if named in taxonomy.contribution_ids else ""


def classify_contribution(title: str, abstract: str, taxonomy: Taxonomy, ranker: Ranker | None = None) -> str:
    """Return the id of the paper's contribution in the taxonomy.

    Args:
        title: The paper's title.
        abstract: Its abstract; may be empty.
        taxonomy: The contributions to choose from, and the topics, which are evidence for some of them.
        ranker: The weights; by default, the fitted ones that ship with Broadsheet.

    Raises:
        ConfigError: A cue is malformed.
    """
    if titled := titled_contribution(title, abstract, taxonomy):
        return titled
    probabilities = contribution_probabilities(title, abstract, taxonomy, ranker)
    return max(probabilities, key=lambda id_: probabilities[id_])
