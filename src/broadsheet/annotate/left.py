"""What earlier runs asked and left with the service: taken up as it was asked, the prompt of then included.

A memo goes with every request. It holds what its words do not tell: the prompt and schema that it was put
under, how often its papers were asked about before, and what a repair is to put right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from broadsheet.annotate.asking import Ask, Fault
from broadsheet.annotate.judging import Judge
from broadsheet.annotate.replies import Reading
from broadsheet.fencing import FencedPaper
from broadsheet.llm import Request
from broadsheet.paper import Paper
from broadsheet.record import Maker
from broadsheet.store import Store


@dataclass(frozen=True, slots=True)
class Left:
    """A request that an earlier run left with the service.

    Attributes:
        request: As it was asked.
        ask: What it asks.
        maker: Whose answer it brings: under the prompt and schema of then.
    """

    request: Request
    ask: Ask
    maker: Maker


def memo_of(ask: Ask, maker: Maker) -> str:
    """What must be known besides the request to go on from its answer."""
    return json.dumps(
        {
            "prompt": maker.prompt,
            "schema": maker.schema,
            "again": ask.again,
            "faults": [
                {"record": fault.record, "problems": fault.problems, "reply_id": fault.reply_id}
                for fault in ask.faults
            ],
        }
    )


def left(request: Request, maker: Maker, fit: Callable[[Paper], FencedPaper]) -> Left:
    """What a request asks.

    Args:
        request: As an earlier run asked it, with its memo.
        maker: The present one; engine and model are the same.
        fit: Words a paper as it is sent.
    """
    memo = json.loads(request.memo)
    papers = tuple(fit(paper) for paper in request.papers.values())
    faults = tuple(
        Fault(paper, told["record"], tuple(told["problems"]), told["reply_id"])
        for paper, told in zip(papers, memo["faults"], strict=False)
    )
    ask = Ask(papers, request.purpose, faults, memo["again"])
    return Left(request, ask, Maker(maker.engine, maker.model, memo["prompt"], memo["schema"]))


def keep_older(store: Store, judge: Judge, left: Left, reading: Reading, reply_id: int) -> list[int]:
    """Keep what an answer to an older prompt holds, under the key of that prompt; call it in a transaction.

    What is wrong in it is withheld: nothing more is asked under a prompt that is gone. A paper without a
    record stays without an annotation, so a later run asks about it under the prompt of its day.

    Returns:
        The number of findings of each annotation.
    """
    before: Mapping[str, Any] = {
        f"P{number}": fault.record for number, fault in enumerate(left.ask.faults, 1)
    }
    findings = []
    for number, sent in enumerate(left.ask.papers, 1):
        record = reading.records.get(f"P{number}", before.get(f"P{number}"))
        verdict = judge.settle(sent.paper, record) if record is not None else None
        if verdict and verdict.annotation:
            store.annotations.keep(sent.paper, left.maker, verdict.annotation, verdict.findings, reply_id)
            findings.append(len(verdict.findings))
    return findings
