"""Builds requests: static text first, byte for byte the same in each, then the papers."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from broadsheet import tokens
from broadsheet.batching import ANSWER_FRAME_TOKENS, FENCE_TOKENS, Limits
from broadsheet.errors import ConfigError
from broadsheet.fencing import FencedPaper
from broadsheet.llm import Fault, Purpose, Request, Turn
from broadsheet.prompts import REPAIR, SYSTEM, USER, Prompts
from broadsheet.record import Maker
from broadsheet.schema import echo_of, reply_schema

log = logging.getLogger(__name__)

MESSAGE_TOKENS = 16
"""What the provider wraps around messages and schema: 4 a message, and the schema's name."""
MAX_ALLOWANCE = 8


class RequestBuilder:
    """Builds requests from one set of prompts.

    Args:
        prompts: Texts and taxonomy.
        limits: What a request may hold.
        maker: Whose annotations the answers bring.
        prompted: Whether the engine reads the prompt; requests for one that does not have no turns.

    Attributes:
        maker: Whose annotations the answers bring.
        fixed_tokens: Prompt tokens of instructions and schema, the same in each request.
    """

    def __init__(self, prompts: Prompts, limits: Limits, maker: Maker, *, prompted: bool) -> None:
        self._prompts = prompts
        self._limits = limits
        self.maker = maker
        self._prompted = prompted
        self._schema = reply_schema(prompts.taxonomy, prompts.annotation)
        self._system = prompts.render(SYSTEM) if prompted else ""
        self._name = uuid.uuid4().hex[:12]
        self._built = 0
        self._allowance = 1
        self.fixed_tokens = 0
        if prompted:
            schema = tokens.count(_compact(self._schema))
            self.fixed_tokens = tokens.count(self._system) + schema + MESSAGE_TOKENS

    def build(
        self,
        papers: Sequence[FencedPaper],
        purpose: Purpose = "annotate",
        faults: Sequence[Fault] = (),
        times: int = 0,
    ) -> Request:
        """Build the request about these papers.

        Args:
            papers: At least one.
            purpose: Why it is asked.
            faults: For a repair, what was wrong with the record of each paper, in their order.
            times: How often the paper was asked about alone before.
        """
        self._built += 1
        sent = {f"P{number}": paper for number, paper in enumerate(papers, 1)}
        by_ref = dict(zip(sent, faults, strict=False))
        turns, size = self._turns(sent, by_ref) if self._prompted else ((), 0)
        return Request(
            id=f"{purpose}-{self._name}-{self._built}",
            maker=self.maker,
            sent=sent,
            turns=turns,
            schema=self._schema,
            input_tokens=size,
            max_output_tokens=self._answer_tokens(len(papers), size),
            purpose=purpose,
            faults=by_ref,
            times=times,
        )

    def allow_longer_answers(self) -> None:
        """Double the answer tokens a paper is allowed: an answer was cut off before its first record."""
        self._allowance = min(MAX_ALLOWANCE, 2 * self._allowance)

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
        """Return the tokens that so many papers may have in one request."""
        return self._limits.room(papers, self.fixed_tokens)

    def repair_tokens(self, paper: FencedPaper, fault: Fault) -> int:
        """Return what a repair adds to its paper's tokens: the faulty record, and what is wrong with it."""
        return sum(tokens.count(turn.text) for turn in self._repair({"P1": paper}, {"P1": fault}))

    def _answer_tokens(self, papers: int, size: int) -> int:
        """Return the tokens of an answer: what the allowance gives, within the output budget and the context.

        One answer that never ends raises the allowance for all, so it must not push out what fitted before.
        """
        limits = self._limits
        plain = min(papers * limits.answer_tokens + ANSWER_FRAME_TOKENS, limits.output_tokens)
        wanted = self._allowance * papers * limits.answer_tokens + ANSWER_FRAME_TOKENS
        most = limits.output_tokens
        if limits.context_tokens is not None:
            most = min(most, limits.context_tokens - size)
        return max(plain, min(wanted, most))

    def _turns(
        self, sent: Mapping[str, FencedPaper], faults: Mapping[str, Fault]
    ) -> tuple[tuple[Turn, ...], int]:
        shown = [
            {"ref": _number(ref), "title": paper.title, "text": paper.text} for ref, paper in sent.items()
        ]
        turns = [Turn("system", self._system), Turn("user", self._prompts.render(USER, papers=shown))]
        size = self.fixed_tokens + sum(paper.tokens or _size(paper) for paper in sent.values())
        if faults:
            repair = self._repair(sent, faults)
            turns += repair
            size += sum(tokens.count(turn.text) for turn in repair)
        return tuple(turns), size

    def _repair(self, sent: Mapping[str, FencedPaper], faults: Mapping[str, Fault]) -> tuple[Turn, Turn]:
        """Return the turns after the papers: the faulty records, and what is wrong with each."""
        records = [
            {"ref": _number(ref), "echo": echo_of(sent[ref].title), **fault.record}
            for ref, fault in faults.items()
        ]
        problems = [
            {"ref": _number(ref), "detail": "; ".join(fault.problems)} for ref, fault in faults.items()
        ]
        return (
            Turn("assistant", _compact({"papers": records})),
            Turn("user", self._prompts.render(REPAIR, problems=problems)),
        )


def _number(ref: str) -> int:
    """Return the ref as a model reads and writes it, which saves it a token a record: 1 for ``P1``."""
    return int(ref.removeprefix("P"))


def _size(paper: FencedPaper) -> int:
    return tokens.count(f"{paper.title}\n{paper.text}") + FENCE_TOKENS


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
