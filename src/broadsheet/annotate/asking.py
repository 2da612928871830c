"""Turns what is to be asked into requests: static text first and byte-identical, then the papers."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from broadsheet import tokens
from broadsheet.batching import ANSWER_FRAME_TOKENS, FENCE_TOKENS, Limits
from broadsheet.errors import ConfigError
from broadsheet.fencing import FencedPaper
from broadsheet.llm import Request, Turn
from broadsheet.prompts import REPAIR, SYSTEM, USER, Prompts
from broadsheet.schema import echo_of, reply_schema

log = logging.getLogger(__name__)

Purpose = Literal["annotate", "repair", "missing", "split"]

MESSAGE_TOKENS = 16
"""What the provider wraps around messages and schema: 4 a message, and the schema's name."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that breaks the rules.

    Attributes:
        paper: Whose record it is.
        record: The record as the model gave it, without ref and echo.
        problems: What is wrong, one sentence for each.
        reply_id: The reply it stands in.
    """

    paper: FencedPaper
    record: Mapping[str, Any]
    problems: tuple[str, ...]
    reply_id: int


@dataclass(frozen=True, slots=True)
class Ask:
    """Papers that are to be asked about in one request, and why.

    Attributes:
        papers: At least one.
        purpose: Why, for the account of tokens.
        faults: For a repair, what was wrong with each paper's record, in the order of the papers.
        again: How often the same papers were asked about before.
    """

    papers: tuple[FencedPaper, ...]
    purpose: Purpose = "annotate"
    faults: tuple[Fault, ...] = ()
    again: int = 0


class Asker:
    """Builds requests from one set of prompts.

    Attributes:
        fixed_tokens: Prompt tokens of instructions and schema, the same in each request.
        allowance: Factor on the answer tokens a paper is allowed; a truncated answer raises it, as far as
            the limits allow.
    """

    def __init__(self, prompts: Prompts, limits: Limits, *, prompted: bool) -> None:
        self._prompts = prompts
        self._limits = limits
        self._prompted = prompted
        self._schema = reply_schema(prompts.taxonomy)
        self._system = prompts.render(SYSTEM) if prompted else ""
        self._name = uuid.uuid4().hex[:12]
        self._asked = 0
        self.allowance = 1
        self.fixed_tokens = 0
        if prompted:
            schema = tokens.count(_compact(self._schema))
            self.fixed_tokens = tokens.count(self._system) + schema + MESSAGE_TOKENS

    def request(self, ask: Ask) -> Request:
        """The request that asks it."""
        self._asked += 1
        refs = {f"P{number}": paper for number, paper in enumerate(ask.papers, 1)}
        turns, size = self._turns(refs, ask.faults) if self._prompted else ((), 0)
        return Request(
            id=f"{ask.purpose}-{self._name}-{self._asked}",
            papers={ref: paper.paper for ref, paper in refs.items()},
            turns=turns,
            schema=self._schema,
            input_tokens=size,
            max_output_tokens=self._answer_tokens(len(ask.papers), size),
            purpose=ask.purpose,
        )

    def require_room(self) -> None:
        """Refuse limits that leave no room for a paper; an engine without a prompt needs none.

        Raises:
            ConfigError: They leave too little beside instructions and schema.
        """
        without_room = self._prompted and self._limits.without_room(self.fixed_tokens)
        if not without_room:
            return
        if tokens.exact():
            raise ConfigError(without_room)
        log.warning(without_room)  # an over-estimate is no reason to refuse what may fit

    def room(self, papers: int) -> int:
        """Tokens that so many papers may have in one request."""
        return self._limits.room(papers, self.fixed_tokens)

    def repair_tokens(self, fault: Fault) -> int:
        """What a repair adds to its paper's tokens: the record that is wrong, and why it is."""
        return sum(tokens.count(turn.text) for turn in self._repair([fault]))

    def _answer_tokens(self, papers: int, size: int) -> int:
        """Tokens of an answer: as many as the allowance says, within the output budget and the context.

        One answer that never ends raises the allowance of all, so it may not push out what fitted before.
        """
        limits = self._limits
        plain = min(papers * limits.answer_tokens + ANSWER_FRAME_TOKENS, limits.output_tokens)
        wanted = self.allowance * papers * limits.answer_tokens + ANSWER_FRAME_TOKENS
        left = limits.output_tokens
        if limits.context_tokens is not None:
            left = min(left, limits.context_tokens - size)
        return max(plain, min(wanted, left))

    def _turns(
        self, refs: Mapping[str, FencedPaper], faults: Sequence[Fault]
    ) -> tuple[tuple[Turn, ...], int]:
        shown = [{"ref": ref, "title": paper.title, "text": paper.text} for ref, paper in refs.items()]
        turns = [Turn("system", self._system), Turn("user", self._prompts.render(USER, papers=shown))]
        size = self.fixed_tokens + sum(paper.tokens or _size(paper) for paper in refs.values())
        if faults:
            repair = self._repair(faults)
            turns += repair
            size += sum(tokens.count(turn.text) for turn in repair)
        return tuple(turns), size

    def _repair(self, faults: Sequence[Fault]) -> tuple[Turn, Turn]:
        """What is said beside the papers: the records as they were given, and what is wrong in each."""
        numbered = [(f"P{number}", fault) for number, fault in enumerate(faults, 1)]
        answered = [
            {"ref": ref, "echo": echo_of(fault.paper.title), **fault.record} for ref, fault in numbered
        ]
        problems = [{"ref": ref, "detail": "; ".join(fault.problems)} for ref, fault in numbered]
        return (
            Turn("assistant", _compact({"papers": answered})),
            Turn("user", self._prompts.render(REPAIR, problems=problems)),
        )


def _size(paper: FencedPaper) -> int:
    return tokens.count(f"{paper.title}\n{paper.text}") + FENCE_TOKENS


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
