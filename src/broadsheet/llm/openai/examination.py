"""Asks a server one small question, to find out whether it answers and what it understands."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from broadsheet.config import Settings
from broadsheet.errors import LLMUnavailable
from broadsheet.llm import Request, Turn
from broadsheet.llm.negotiation import Dialect, Negotiation
from broadsheet.llm.openai.client import new_client
from broadsheet.llm.openai.exchange import Exchange
from broadsheet.llm.openai.pacing import Pacer
from broadsheet.record import Maker

_SCHEMA = {
    "type": "object",
    "properties": {"papers_can_be_annotated": {"type": "boolean"}},
    "required": ["papers_can_be_annotated"],
    "additionalProperties": False,
}
# Only who has seen the schema can answer in its form: this shows whether the server heeds it.
_QUESTION = (Turn("system", "Answer in JSON."), Turn("user", "Are you ready?"))
_ANSWER_TOKENS = 500
"""Enough for a model that reasons before it answers."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What one answer has shown.

    Attributes:
        dialect: What the model takes, learnt from scratch.
        answered_by: The model that the server says has answered.
        latency_s: Seconds from sending to the last byte.
    """

    dialect: Dialect
    answered_by: str
    latency_s: float


def longest_s(settings: Settings) -> float:
    """Return how many seconds an examination takes at most."""
    return settings.first_token_timeout_s + _ANSWER_TOKENS / settings.slowest_tokens_per_s


def examine(settings: Settings, remembered: Dialect | None = None) -> Examined:
    """Ask for one short answer.

    What the server takes is found out from scratch, but for the name of the limit: only an answer that runs
    beyond it shows that a server passes over ``max_completion_tokens`` in silence, and this one is short.

    Raises:
        LLMMisconfigured: The key, model or address is refused.
        LLMUnavailable: Nothing answers within `longest_s`, or what answers cannot be understood.
    """
    return asyncio.run(_in_time(settings, remembered or Dialect()))


async def _in_time(settings: Settings, remembered: Dialect) -> Examined:
    try:
        async with asyncio.timeout(longest_s(settings)):
            return await _examine(settings, remembered)
    except TimeoutError as error:
        raise LLMUnavailable(
            f"the model gives no answer within {longest_s(settings):.0f} s; check that the server runs and"
            " can be reached, or set BROADSHEET_FIRST_TOKEN_TIMEOUT_S if it needs longer"
        ) from error


async def _examine(settings: Settings, remembered: Dialect) -> Examined:
    maker = Maker("openai", settings.model, "", "")
    request = Request("examination", maker, {}, _QUESTION, _SCHEMA, 100, _ANSWER_TOKENS)
    first = replace(Dialect.most(settings.model), limit=remembered.limit)
    negotiation = Negotiation(first, lambda _: None, proven=False)
    async with new_client(1) as client:
        exchange = Exchange(client, settings, Pacer(max_in_flight=1), negotiation)
        outcome = await exchange.ask(request)
        if outcome.reply and not negotiation.proven:  # it stepped down over what it answered
            outcome = await exchange.ask(request)
    if outcome.reply is None:
        raise LLMUnavailable(
            f"the model does not answer ({outcome.error}); check --model and the server's log"
        )
    return Examined(negotiation.dialect, outcome.reply.model or settings.model, outcome.reply.latency_s)
