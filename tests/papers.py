"""Invented papers, and engines that answer for them as a test wants."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from broadsheet.llm import Control, Outcome, Reply, Request, Usage
from broadsheet.paper import Paper
from broadsheet.schema import echo_of

_SUBJECTS = ("Tides", "Lanterns", "Orchards", "Kettles", "Harbours", "Meadows", "Looms", "Quarries")
_TASKS = ("sorting pebbles", "counting herons", "folding maps", "naming clouds", "tuning bells")


def paper(number: int, *, abstract: str = "") -> Paper:
    """An invented paper; each number has a title that begins like no other's."""
    subject = _SUBJECTS[number % len(_SUBJECTS)]
    task = _TASKS[number % len(_TASKS)]
    return Paper(
        id=f"paper-{number}",
        title=f"{subject} {number}: a Network for {task.title()}",
        abstract=abstract
        or f"We study {task} with representations of large language models. {subject} trains a small"
        f" neural network on {task} with contrastive learning and"
        f" reaches 91.{number}% accuracy, three points above the best earlier method, at half of its cost.",
    )


def papers(count: int) -> list[Paper]:
    """So many invented papers."""
    return [paper(number) for number in range(count)]


def record(about: Paper) -> dict[str, Any]:
    """A record that is right for an invented paper, without ref and echo."""
    subject = about.title.split()[0]
    task = about.title.split(" for ")[-1].lower()
    return {
        "tldr": f"{subject} trains a small neural network on {task} with contrastive learning, gaining three"
        " points over the best earlier method at half of its cost.",
        "topics": ["representation-learning"],
        "contribution": "method",
        "keywords": [task, "contrastive learning", "neural network"],
        "code": {"evidence": "", "status": "none", "urls": []},
    }


def answer(records: Sequence[Mapping[str, Any]]) -> str:
    """The text of an answer with these records."""
    return json.dumps({"papers": list(records)})


def numbered(request: Request) -> list[dict[str, Any]]:
    """The right record of every paper of a request, with ref and echo."""
    return [
        {"ref": ref, "echo": echo_of(about.title), **record(about)} for ref, about in request.papers.items()
    ]


def right(request: Request) -> Reply:
    """The right answer to a request."""
    return Reply(answer(numbered(request)), usage=Usage(request.input_tokens, 0, 100 * len(request.papers)))


class AnsweringLLM:
    """An engine that answers each request as a function says; None is no answer.

    Attributes:
        history: The requests that were asked, in order.
    """

    engine = "answering"
    model = "test-1"
    prompted = True
    deferred = False

    def __init__(self, answer_to: Callable[[Request], Reply | None] = right) -> None:
        self.history: list[Request] = []
        self._answer_to = answer_to

    def open_requests(self) -> list[Request]:
        """Nothing outlives a run."""
        return []

    def complete(self, requests: Sequence[Request], control: Control) -> Iterator[Outcome]:
        """Answer each request in turn, those that are added while outcomes are drawn included."""
        for request in requests:
            self.history.append(request)
            reply = self._answer_to(request)
            yield Outcome(request, reply, "" if reply else "the server did not answer")

    def asked_for(self, about: Paper) -> int:
        """How many requests asked for a paper."""
        return sum(about.id in {asked.id for asked in request.papers.values()} for request in self.history)
