"""Requests that outlive the process that asked them: what their engines promise, how they are written down.

A request is written down whole, its words and its papers as they were asked about. So whoever goes on from
its answer needs nothing of the process that asked, and an answer that comes after the prompt or a paper has
changed still has the question that it answers beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from broadsheet.llm import Interruptible, Request, Turn
from broadsheet.paper import Paper


@runtime_checkable
class Lasting(Interruptible, Protocol):
    """An engine whose answers come within a day.

    Its `complete` may end before every request has its outcome: when it has waited as long as it was told,
    when the rest may not be sent, or when ``stop`` says so. What is left is kept, and what the provider works
    on is not sent again; `take_up` goes on from there.

    Attributes:
        collecting: Whether more outcomes are at hand at this moment, so that what is left over from them can
            be asked together.
        may_send: Asked before anything is sent, be it for the first time or because it failed or expired.
        held_back: Ids of the requests that it did not let go.
    """

    collecting: bool
    may_send: Callable[[], bool]
    held_back: frozenset[str]

    def take_up(self) -> list[Request]:
        """Requests of earlier runs that have no outcome and that no living process waits for.

        They belong to the caller from now on, who hands them to `complete` again, unchanged.
        """
        ...

    def holds(self, paper: Paper) -> bool:
        """Whether a request without an outcome asks about this paper in these words."""
        ...

    def count_held(self) -> int:
        """How many papers requests without an outcome ask about."""
        ...


def written(request: Request) -> str:
    """A request as JSON."""
    return json.dumps(
        {
            "papers": {ref: paper.model_dump(mode="json") for ref, paper in request.papers.items()},
            "turns": [[turn.role, turn.text] for turn in request.turns],
            "schema": request.schema,
            "input_tokens": request.input_tokens,
            "max_output_tokens": request.max_output_tokens,
            "purpose": request.purpose,
            "memo": request.memo,
        }
    )


def as_written(request_id: str, text: str) -> Request:
    """The request that `written` was given."""
    told = json.loads(text)
    return Request(
        id=request_id,
        papers={ref: Paper.model_validate(paper) for ref, paper in told.pop("papers").items()},
        turns=tuple(Turn(role, words) for role, words in told.pop("turns")),
        **told,
    )
