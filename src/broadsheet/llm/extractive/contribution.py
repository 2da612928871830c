"""Classifies a paper's kind of contribution from the phrases typical of each kind and from its topics."""

from __future__ import annotations

import re

from broadsheet.llm.extractive.cues import index_of
from broadsheet.llm.extractive.features import features, signed_root, zone_sums
from broadsheet.llm.extractive.naming import NAME, place_of
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


_WORDS = (
    r"(?:(?!(?:approach|by|for|framework|from|in|method|model|of|on|that|to|using|via|which|with),? )"
    r"[\w,/&-]+ ){0,9}?"
)
_BRACKETS = r"(?: \((?P<short>[^()]*)\))?"
# "we introduce Zebra, a large benchmark", "we introduce the Zebra dataset": it is what the title names
_NAMED_AS_RESOURCE = re.compile(
    r"\b(?:[Ww]e|[Tt]his (?:paper|work|article|study))(?: \w+ly| also| first| then| therefore){0,3}"
    r" (?:introduc|present|propos|construct|creat|releas|build|curat|develop|contribut|provid|offer|collect)"
    rf"(?:e|es|s|ed|d)? (?:the )?(?P<name>{NAME}(?: {NAME}){{0,3}}){_BRACKETS},? (?:(?:an?|the) {_WORDS})?"
    r"(?:[Dd]ata ?[Ss]et|[Bb]enchmark|[Cc]orpus|[Tt]estbed|[Tt]reebank)\b"
)
_TITLED_METHOD = re.compile(
    r"\b(?:algorithm|approach|distillation|framework|method|network|wrapper)\b", re.IGNORECASE
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


def stated_contribution(title: str, abstract: str, taxonomy: Taxonomy) -> str:
    """Return what the paper itself says that it is, a survey or a resource, if the taxonomy knows it."""
    if _SURVEY.search(title):
        named = "survey"
    elif (_RESOURCE.search(title) and _PRESENTED.search(abstract)) or _is_named_resource(title, abstract):
        named = "resource"
    else:
        return ""
    return named if named in taxonomy.contribution_ids else ""


def _is_named_resource(title: str, abstract: str) -> bool:
    """Tell whether the title has the name of what the abstract presents as a data set or a benchmark."""
    presented = None if _TITLED_METHOD.search(title) else _NAMED_AS_RESOURCE.search(abstract)
    return presented is not None and any(
        name and place_of(name, title) >= 0 for name in (presented["name"], presented["short"])
    )


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
    if stated := stated_contribution(title, abstract, taxonomy):
        return stated
    probabilities = contribution_probabilities(title, abstract, taxonomy, ranker)
    return max(probabilities, key=lambda id_: probabilities[id_])
