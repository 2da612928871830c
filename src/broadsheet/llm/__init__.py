"""What answers for papers: the `LLM` protocol, its requests and outcomes, and the table of engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal, Protocol, runtime_checkable

from broadsheet.config import Settings
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.store import Store

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question about some papers.

    Attributes:
        id: Unique in a database, since some requests outlive their run.
        papers: What is asked about, by ref (``P1``, ``P2`` …), in the order of the prompt.
        turns: System text, user text and, for a repair, the answer so far and what was wrong with it.
        schema: JSON Schema of the answer.
        input_tokens: Tokens of the turns and the schema, counted or over-estimated.
        max_output_tokens: Where the answer is cut off.
        purpose: Why it is asked, for the account of tokens.
        memo: What another process would need to go on from the answer; only its asker reads it.
    """

    id: str
    papers: Mapping[str, Paper]
    turns: tuple[Turn, ...]
    schema: Mapping[str, Any]
    input_tokens: int
    max_output_tokens: int
    purpose: Literal["annotate", "repair", "missing", "split"] = "annotate"
    memo: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer, as the provider counts them. ``cached_tokens`` is part of ``input_tokens``."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """One raw answer, kept for ever.

    Attributes:
        text: What was answered, unparsed.
        finish_reason: ``stop``, ``length``, ``content_filter`` or what else the provider says.
        refusal: The model's words where it refused, else empty.
        model: The model that the provider says has answered.
        usage: Tokens.
        latency_s: Seconds from sending to the last byte.
    """

    text: str
    finish_reason: str = "stop"
    refusal: str = ""
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    latency_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: a reply, or the reason why there is none.

    Attributes:
        request: What was asked.
        reply: The answer, if there is one.
        error: Why there is none.
        too_long: Whether that is because prompt and answer exceed the model's context.
    """

    request: Request
    reply: Reply | None = None
    error: str = ""
    too_long: bool = False


class LLM(Protocol):
    """An engine.

    Attributes:
        engine: Its name in the table, stored with every annotation.
        model: The model or version that answers; part of an annotation's key.
        prompted: Whether the words of the prompt change its answers. Where they do not, only the taxonomy
            and its cues enter the key.
    """

    engine: str
    model: str
    prompted: bool

    def complete(self, requests: Sequence[Request]) -> Iterator[Outcome]:
        """Ask all requests and yield what became of each, in any order.

        Like a list that is appended to while it is iterated over, ``requests`` may grow while outcomes are
        drawn (a repair, a halved batch); the iterator ends when every request in it has its outcome.

        Raises:
            LLMMisconfigured: No request can ever succeed: the key, model or address is refused.
        """
        ...


@runtime_checkable
class Interruptible(LLM, Protocol):
    """An engine that may wait for long between being handed a request and sending it.

    Attributes:
        stop: Asked a few times a second while it waits. Once it says true, nothing more is sent: `complete`
            awaits what is with the provider and ends, and what was never sent gets no outcome.
    """

    stop: Callable[[], bool]

    @property
    def waiting(self) -> str:
        """Why nothing is sent at the moment, such as ``429: 12 s``; empty while it goes on."""
        ...


# A provider is a module with ``open_engine(settings, store, prompts) -> LLM`` and a line here. Modules are
# named, not imported, so that none of their dependencies is loaded before it is asked for.
ENGINES: Mapping[str, str] = {
    "extractive": "broadsheet.llm.extractive",
    "openai": "broadsheet.llm.openai",
    "openai-batch": "broadsheet.llm.openai_batch",
    "scripted": "broadsheet.llm.scripted",
}


def open_llm(settings: Settings, store: Store, prompts: Prompts) -> LLM:
    """The engine that the settings name.

    Raises:
        ConfigError: It lacks something, such as a key or a file of replies.
    """
    engine: LLM = import_module(ENGINES[settings.engine]).open_engine(settings, store, prompts)
    return engine
