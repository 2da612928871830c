"""The engine with no key and no network: reads an annotation off the abstract by rules.

It answers in the same form as a model, so its answers pass the same checks. Nothing it says is written: the
sentence is the abstract's own, trimmed; its output is labelled as extracted wherever it is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from broadsheet.annotation import CORE
from broadsheet.availability import read_code
from broadsheet.config import Settings
from broadsheet.llm import Control, Outcome, Reply, Request
from broadsheet.llm.extractive.contribution import classify_contribution, stated_contribution
from broadsheet.llm.extractive.keywords import keyphrases
from broadsheet.llm.extractive.tldr import summarise
from broadsheet.llm.extractive.topics import classify_topics
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.schema import echo_of
from broadsheet.store import Store
from broadsheet.taxonomy import Taxonomy

# Raise it when the rules or the fitted weights change what is answered: older answers are then stale.
VERSION = "rules-12"


class ExtractiveLLM:
    """Answers by rules alone, in order, one request at a time."""

    engine = "extractive"
    model = VERSION
    prompted = False
    deferred = False

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy

    def open_requests(self) -> list[Request]:
        """Return none: every answer is at hand."""
        return []

    def complete(self, requests: Sequence[Request], control: Control) -> Iterator[Outcome]:  # noqa: ARG002
        """Answer each request; it may grow meanwhile, as a list does that is appended to."""
        for request in requests:
            records = [self._record(ref, paper) for ref, paper in request.papers.items()]
            text = json.dumps({"papers": records}, ensure_ascii=False)
            yield Outcome(request, Reply(text, model=self.model))

    def _record(self, ref: str, paper: Paper) -> dict[str, object]:
        return {"ref": ref, "echo": echo_of(paper.title), **extract(paper, self._taxonomy)}


_RULES: Mapping[str, Callable[[Paper, Taxonomy], object]] = {
    "tldr": lambda paper, _: summarise(paper.title, paper.abstract),
    "topics": lambda paper, taxonomy: list(classify_topics(paper.title, paper.abstract, taxonomy)),
    "contribution": lambda paper, taxonomy: classify_contribution(paper.title, paper.abstract, taxonomy),
    "keywords": lambda paper, _: list(keyphrases(paper.title, paper.abstract)),
    "code": lambda paper, _: read_code(paper.title, paper.abstract, paper.comment).model_dump(mode="json"),
}


def extract(paper: Paper, taxonomy: Taxonomy, fields: Iterable[str] = CORE) -> dict[str, object]:
    """Return an annotation's fields, read off one paper by rules, as JSON; one without a rule is left out.

    Args:
        paper: The paper to read.
        taxonomy: The topics and contributions there are.
        fields: The fields to read.
    """
    extracted = {name: _RULES[name](paper, taxonomy) for name in fields if name in _RULES}
    surveys = extracted.get("contribution") == "survey" or _states_resource(paper, taxonomy)
    if "topics" in extracted and surveys:
        extracted["topics"] = list(classify_topics(paper.title, paper.abstract, taxonomy, surveys=True))
    return extracted


def _states_resource(paper: Paper, taxonomy: Taxonomy) -> bool:
    return stated_contribution(paper.title, paper.abstract, taxonomy) == "resource"


def open_engine(settings: Settings, store: Store, prompts: Prompts) -> ExtractiveLLM:  # noqa: ARG001 - one form for all
    """The extractive engine for the taxonomy of these prompts."""
    return ExtractiveLLM(prompts.taxonomy)
