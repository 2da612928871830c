"""What a server understands, learnt from its refusals once for each endpoint and model, and remembered.

The first request asks for the most: strict ``json_schema``, ``max_completion_tokens``, temperature 0, a
system turn, and as little reasoning as the model offers, because reasoning is paid for and cut off like the
answer. Each refusal takes one step down, to plain text at last, which every server speaks. The order of the
steps follows what OpenAI, vLLM, llama.cpp and Ollama document for ``/v1/chat/completions``.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping, Set
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from broadsheet.llm import Reply, Request, Turn

log = logging.getLogger(__name__)

AnswerFormat = Literal["json_schema", "json_object_schema", "json_object", "text"]
LimitName = Literal["max_completion_tokens", "max_tokens"]
Effort = Literal["minimal", "none", "low", ""]
FORMATS: tuple[AnswerFormat, ...] = ("json_schema", "json_object_schema", "json_object", "text")
LIMITS: tuple[LimitName, ...] = ("max_completion_tokens", "max_tokens")
EFFORTS: tuple[Effort, ...] = ("minimal", "none", "low", "")
"""The least that a model takes: ``minimal`` of gpt-5, ``none`` of those after it, ``low`` of the o series."""
_REASONING_MODEL = re.compile(r"(?:^|/)(?:gpt-5(?!.*chat)|o\d)")
SERVER_ERROR = 500
_FORMAT_SENTENCES: Mapping[AnswerFormat, str] = {
    "json_schema": "strict JSON schema",
    "json_object_schema": "JSON object with a schema",
    "json_object": "JSON object, schema in the prompt only",
    "text": "plain text, schema in the prompt only",
}
_FORMAT_WORDS = (
    *("response_format", "response format", "json_schema", "json_object", "json mode"),
    *("schema", "grammar", "structured output"),
)
_ROLE_WORDS = ("role", "system", "developer instruction")
_TEXT_AND_SCHEMA = "{text}\n\nAnswer with JSON alone, of this JSON Schema:\n{schema}"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one model behind one endpoint takes.

    Attributes:
        answer_format: How the answer's form is asked for. ``json_object_schema`` is llama.cpp's: a JSON
            object with the schema beside it; below ``json_schema`` the schema also stands in the prompt.
        limit: The parameter that cuts the answer off.
        temperature: Whether temperature 0 is taken.
        system: Whether a system turn is taken; else its text opens the first user turn.
        effort: How much a model that reasons is told to reason; empty to tell it nothing.
    """

    answer_format: AnswerFormat = "json_schema"
    limit: LimitName = "max_completion_tokens"
    temperature: bool = True
    system: bool = True
    effort: Effort = ""

    @classmethod
    def most(cls, model: str) -> Self:
        """Return what to ask a model of this name for at first."""
        return cls(effort=EFFORTS[0] if _REASONING_MODEL.search(model) else "")

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the dialect that `text` was made from; None if this version cannot read it."""
        try:
            dialect = cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError):
            return None
        return dialect if dialect.answer_format in FORMATS else None

    @property
    def text(self) -> str:
        """Return the dialect as it is stored."""
        return json.dumps(asdict(self))

    @property
    def sentence(self) -> str:
        """Return the dialect in words."""
        parts = (
            _FORMAT_SENTENCES[self.answer_format],
            self.limit,
            f"{self.effort} reasoning" if self.effort else "",
            "" if self.temperature else "no temperature",
            "" if self.system else "no system role",
        )
        return ", ".join(filter(None, parts))

    def body(self, request: Request, model: str) -> dict[str, Any]:
        """Return the JSON of a chat completion that asks this request."""
        body: dict[str, Any] = {"model": model, "messages": self._messages(request)}
        body[self.limit] = request.max_output_tokens
        if self.temperature:
            body["temperature"] = 0
        if self.effort:
            body["reasoning_effort"] = self.effort
        if self.answer_format == "json_schema":
            schema = {"name": "reply", "strict": True, "schema": request.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self.answer_format == "json_object_schema":
            body["response_format"] = {"type": "json_object", "schema": request.schema}
        elif self.answer_format == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def _messages(self, request: Request) -> list[dict[str, str]]:
        first, *rest = request.turns
        if self.answer_format != "json_schema":
            schema = json.dumps(request.schema, ensure_ascii=False, separators=(",", ":"))
            first = replace(first, text=_TEXT_AND_SCHEMA.format(text=first.text, schema=schema))
        if first.role == "system" and not self.system:
            second, *rest = rest or [Turn("user", "")]
            first = Turn("user", f"{first.text}\n\n{second.text}")
        return [{"role": turn.role, "content": turn.text} for turn in (first, *rest)]

    def after_refusal(
        self, status: int, words: str, param: str = "", *, unexplained: bool = False
    ) -> Self | None:
        """Return the next step down after a refusal, or None where nothing that it names can be left out.

        Args:
            status: The HTTP status: 400, 415, 422, or 500 where a server fails over what it does not know.
            words: The refusal's sentence.
            param: The parameter that it names, which outweighs those that the sentence may list.
            unexplained: Whether to step down too where nothing is named, as in "Invalid request".
        """
        if step := self._without(param.lower()) or self._without(words.lower()):
            return step
        if status >= SERVER_ERROR:
            return self._lower({"answer_format"})
        return self._plainer() if unexplained else None

    def _plainer(self) -> Self | None:
        """Return the first of two steps from the most to the least: who explains nothing is asked thrice."""
        if self.answer_format in FORMATS[: FORMATS.index("json_object")]:
            return replace(self, answer_format="json_object")
        least = replace(self, answer_format=FORMATS[-1], temperature=False, system=False, effort="")
        return least if least != self else None

    def _lower(self, names: Set[str]) -> Self | None:
        """Return the dialect a step down in the first of these parts that has one."""
        if "answer_format" in names and self.answer_format != FORMATS[-1]:
            return replace(self, answer_format=FORMATS[FORMATS.index(self.answer_format) + 1])
        if "temperature" in names and self.temperature:
            return replace(self, temperature=False)
        return replace(self, system=False) if "system" in names and self.system else None

    def _without(self, words: str) -> Self | None:
        """Return the dialect without the first thing that these words name."""
        if "max_completion_tokens" in words and (self.limit == LIMITS[0] or "max_tokens" in words):
            return replace(self, limit=LIMITS[1 - LIMITS.index(self.limit)])
        if self.temperature and "temperature" in words:
            return replace(self, temperature=False)
        if self.effort and "reasoning" in words:
            return replace(self, effort=EFFORTS[EFFORTS.index(self.effort) + 1])
        named = ("answer_format", _FORMAT_WORDS), ("system", _ROLE_WORDS)
        return self._lower({part for part, names in named if any(name in words for name in names)})


class Negotiation:
    """The dialect in use, shared by all requests under way.

    Args:
        remembered: What it was found to be before; None to begin with the most that `model` may take.
        on_learnt: Told of a dialect that was answered and is not the remembered one.
        proven: Whether the remembered one was answered then.

    Attributes:
        dialect: What is spoken now.
        proven: Whether it has been answered; a server error then is the server's, not the dialect's.
    """

    def __init__(
        self,
        remembered: Dialect | None,
        on_learnt: Callable[[Dialect], None],
        *,
        model: str = "",
        proven: bool = True,
    ) -> None:
        self.dialect = remembered or Dialect.most(model)
        self.proven = proven and remembered is not None
        self._remembered = remembered
        self._on_learnt = on_learnt
        self._answered = False
        self._begin(self.dialect)

    def _begin(self, dialect: Dialect) -> None:
        """Take steps from here, and come back where none of them helps."""
        self.dialect = dialect
        self._first = dialect, self.proven
        self._tried = {dialect}
        self._refused: set[Dialect] = set()

    def refused(self, spoken: Dialect, status: int, reason: str, param: str = "") -> bool:
        """Take a step down if the refusal calls for it; returns whether to ask the request again.

        Several requests may be refused for one reason: only the first of them takes the step. While no answer
        has come, a refusal that explains nothing is followed too. If every step is refused, the dialect was
        not the reason: it is restored, and no step is tried again until an answer comes. Once a dialect has
        been answered in this run, a refusal is about the request's own papers.

        Args:
            spoken: The dialect of the request.
            status: The HTTP status of the refusal.
            reason: What it says.
            param: The parameter that it names.
        """
        if spoken != self.dialect:
            return True
        if self._answered:
            return False
        lower = spoken.after_refusal(status, reason, param, unexplained=not self.proven)
        if lower is None or lower in self._tried:  # a refusal that names both limits would go round for ever
            self.dialect, self.proven = self._first
            return False
        before, after = asdict(spoken), asdict(lower)
        changed = [name for name in before if before[name] != after[name]]
        refused, instead = (", ".join(f"{name}={each[name]}" for name in changed) for each in (before, after))
        log.info("The server refuses %s; asking with %s.", refused, instead)
        self.dialect, self.proven = lower, False
        self._tried.add(lower)
        self._refused.add(spoken)
        return True

    def answered(self, spoken: Dialect, *, heeded_limit: bool = True, heeded_schema: bool = True) -> None:
        """Remember the dialect of a request that was answered.

        If it was refused to another request, that refusal was not about the dialect, which is restored. A
        server that answers beyond the limit ignores ``max_completion_tokens`` silently, as llama-cpp-python
        does: from now on it gets ``max_tokens``. If the first answer lacks the outermost form of the schema,
        the server ignored it, as gateways do that drop what a model does not take: the model never saw it, so
        from now on the schema also stands in the prompt.
        """
        if spoken != self.dialect and spoken not in self._refused:
            return
        if not (heeded_schema or self.proven) and spoken.answer_format == "json_schema":
            if spoken == self.dialect:
                log.info("The server ignores the schema; from now on it also stands in the prompt.")
                self.dialect = replace(spoken, answer_format="json_object_schema")
            return
        self._answered = self.proven = True
        if spoken != self.dialect or len(self._tried) > 1:
            self._begin(spoken)
        if not heeded_limit and spoken.limit != "max_tokens":
            self._begin(replace(spoken, limit="max_tokens"))
        if self.dialect != self._remembered:
            self._remembered = self.dialect
            self._on_learnt(self.dialect)


def heeds_schema(reply: Reply, schema: Mapping[str, Any]) -> bool:
    """Tell whether an answer has the schema's outermost form, or ended in a way that tells nothing of it."""
    if reply.finish_reason != "stop" or reply.refusal:
        return True
    try:
        answer = json.loads(reply.text)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and answer.keys() >= set(schema.get("required", ()))
