"""What answers for papers: the `LLM` protocol, its requests and outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal, Protocol

from broadsheet.config import Settings
from broadsheet.engines import ENGINES
from broadsheet.fencing import FencedPaper
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.record import Maker
from broadsheet.store import Store
from broadsheet.store.endpoints import Quota

Role = Literal["system", "user", "assistant"]
Purpose = Literal["annotate", "repair", "missing", "split", "apart", "embedding"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that breaks the rules, to be repaired.

    Attributes:
        record: The record as the model gave it, without ref and echo.
        problems: What is wrong, a sentence each.
        reply_id: The stored reply that holds it.
    """

    record: Mapping[str, Any]
    problems: tuple[str, ...]
    reply_id: int


@dataclass(frozen=True, slots=True)
class Request:
    """One question about some papers, with all that is needed to use its answer.

    Attributes:
        id: Unique in a database, because some requests outlive their run.
        maker: Whose annotations the answer brings: engine, model, prompt and schema.
        sent: The papers as they are sent, by ref (``P1``, ``P2`` …), in the order of the prompt.
        turns: System text, user text and, for a repair, the earlier records and what was wrong with them.
        schema: JSON Schema of the answer.
        input_tokens: Tokens of the turns and the schema, counted or over-estimated.
        max_output_tokens: Where the answer is cut off.
        purpose: Why it is asked; tokens are counted by it.
        faults: For a repair, the faulty record of each ref.
        times: How often these papers were asked about alone before.
    """

    id: str
    maker: Maker
    sent: Mapping[str, FencedPaper]
    turns: tuple[Turn, ...]
    schema: Mapping[str, Any]
    input_tokens: int
    max_output_tokens: int
    purpose: Purpose = "annotate"
    faults: Mapping[str, Fault] = field(default_factory=dict)
    times: int = 0

    @property
    def papers(self) -> Mapping[str, Paper]:
        """Return the papers by ref."""
        return {ref: sent.paper for ref, sent in self.sent.items()}


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
        finish_reason: ``stop``, ``length``, ``content_filter`` or whatever else the provider says.
        refusal: The model's words if it refused, else empty.
        model: The model that the provider says answered.
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
        later: Set where there is no answer yet and a later run goes on: ``with-service`` if the provider has
            the request, ``kept`` if the engine keeps it to send it then.
        more: Whether further outcomes are at hand, so that follow-up questions are worth collecting. Only a
            deferred engine sets it.
    """

    request: Request
    reply: Reply | None = None
    error: str = ""
    too_long: bool = False
    later: Literal["", "with-service", "kept"] = ""
    more: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """How a run steers an engine while it works.

    Attributes:
        heartbeat: Call it a few times a second while you wait, with what you wait for (such as ``429: 12 s``,
            or empty). Once it returns true, send nothing more: await what the provider has, and end.
        may_send: Whether the budget allows what is set aside to be sent. An engine that sends requests
            again, or that sends what an earlier run kept, asks before it does.
    """

    heartbeat: Callable[[str], bool] = lambda _: False
    may_send: Callable[[], bool] = lambda: True


class LLM(Protocol):
    """An engine.

    Attributes:
        engine: Its name in the table of ``engines.py``, stored with every annotation.
        model: The model or version that answers; part of an annotation's key.
        prompted: Whether the words of the prompt change its answers. Where they do not, only the taxonomy
            and the engine's own cues enter the key.
        deferred: Whether its answers take up to a day, so that a run does not wait for them.
    """

    engine: str
    model: str
    prompted: bool
    deferred: bool

    def open_requests(self) -> list[Request]:
        """Return the requests of earlier runs that have no outcome yet, in the order they were asked.

        Empty for an engine that is not deferred. The run hands them to `complete` again, unchanged.
        """
        ...

    def complete(self, requests: Sequence[Request], control: Control) -> Iterator[Outcome]:
        """Ask all requests and yield what became of each, in any order.

        Like a list that is appended to while it is iterated over, ``requests`` may grow while outcomes are
        drawn (a repair, a halved batch). The iterator ends when every request has its outcome, or when
        ``control`` says to stop; then what was never sent gets no outcome.

        Raises:
            LLMMisconfigured: No request can ever succeed: the key, model or address is refused.
            LLMUnavailable: The provider has stopped answering; answers under way have been yielded.
        """
        ...


def quota_of(llm: LLM) -> Quota:
    """Return what an engine's server lets through in a minute, as far as earlier runs were told."""
    quota = getattr(llm, "quota", None)
    return quota if isinstance(quota, Quota) else Quota()


def open_llm(settings: Settings, store: Store, prompts: Prompts) -> LLM:
    """Open the engine that the settings name.

    Raises:
        ConfigError: It lacks something, such as a key or a file of replies.
    """
    engine: LLM = import_module(ENGINES[settings.engine].module).open_engine(settings, store, prompts)
    return engine
