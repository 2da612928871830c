"""A request as the database holds it, so that a later run can go on from its answer.

It is stored whole, with the papers in the words that were asked about: the prompt and the papers may have
changed by the time the answer comes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from broadsheet.fencing import fenced
from broadsheet.llm import Fault, Request, Turn
from broadsheet.paper import Paper
from broadsheet.record import Maker


def to_text(request: Request) -> str:
    """Return the request as JSON."""
    return json.dumps(
        {
            "papers": {ref: sent.paper.model_dump(mode="json") for ref, sent in request.sent.items()},
            "tokens": {ref: sent.tokens for ref, sent in request.sent.items()},
            "turns": [[turn.role, turn.text] for turn in request.turns],
            "schema": request.schema,
            "input_tokens": request.input_tokens,
            "max_output_tokens": request.max_output_tokens,
            "purpose": request.purpose,
            "faults": {ref: asdict(fault) for ref, fault in request.faults.items()},
            "times": request.times,
            "maker": asdict(request.maker),
        }
    )


def from_text(request_id: str, text: str) -> Request:
    """Return the request that `to_text` was given."""
    values = json.loads(text)
    papers = {ref: Paper.model_validate(paper) for ref, paper in values.pop("papers").items()}
    tokens = values.pop("tokens")
    return Request(
        id=request_id,
        maker=Maker(**values.pop("maker")),
        sent={ref: replace(fenced(paper), tokens=tokens.get(ref, 0)) for ref, paper in papers.items()},
        turns=tuple(Turn(role, words) for role, words in values.pop("turns")),
        faults={
            ref: Fault(fault["record"], tuple(fault["problems"]), fault["reply_id"])
            for ref, fault in values.pop("faults").items()
        },
        **values,
    )
