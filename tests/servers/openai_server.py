"""An OpenAI-compatible server on loopback: completions with limits, latency and faults; files and batches.

In a test::

    with OpenAIServer(answer_from(table)) as server:
        client = OpenAI(base_url=server.base_url, api_key="test")

For a benchmark, ``benchmarks/serve.py`` runs it in a process of its own; ``GET /control/seen`` tells what it
has seen.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any, Self

from servers.faults import Faults, spoil
from servers.limits import Limits
from servers.loopback import Answer, Call, LoopbackServer
from servers.openai_batches import Batches
from servers.openai_embeddings import Embeddings

FENCE = re.compile(r'^<paper ref="(\d+)">\s*(.+?)\n(.*?)\s*</paper>', re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"^(\d+):", re.MULTILINE)
ECHO_WORDS = 2


@dataclass(frozen=True)
class AskedPaper:
    """A paper as it stands in a prompt."""

    ref: str
    title: str
    text: str


AnswerPaper = Callable[[AskedPaper], dict[str, Any]]


def placeholder(paper: AskedPaper) -> dict[str, Any]:
    """A valid annotation that is made from the title alone."""
    title = " ".join(paper.title.split()[:12])[:100]
    return {
        "tldr": f"{title}, which is the {title}, in short and at length.",
        "topics": ["large-language-models"],
        "contribution": "method",
        "keywords": [paper.title.split()[0].strip(":,").lower()],
        "code": {"evidence": "", "status": "none", "urls": []},
    }


def answer_from(table: Mapping[str, Mapping[str, Any]], otherwise: AnswerPaper = placeholder) -> AnswerPaper:
    """Answers that replay annotations, by the title in lower case with single spaces."""
    kept = ("tldr", "topics", "contribution", "keywords", "code")

    def answer(paper: AskedPaper) -> dict[str, Any]:
        found = table.get(" ".join(paper.title.lower().split()))
        return {name: found[name] for name in kept} if found else otherwise(paper)

    return answer


def table_of(records: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Annotated records by the title that `answer_from` looks for."""
    return {" ".join(str(record["title"]).lower().split()): record for record in records}


def five_characters_a_token(text: str) -> int:
    """About what o200k_base makes of English abstracts."""
    return round(len(text) / 5)


@dataclass
class Behaviour:
    """How the server behaves; all of it may be changed while it runs.

    Attributes:
        base_s: Seconds before the first output token.
        per_token_s: Seconds an output token.
        once: Completions are answered once this is true.
        key: The only key that is let in; empty for any.
        model: The only model there is; empty for any.
        formats: The ``response_format`` types that are taken; others are refused.
        format_status: Status of that refusal: llama-cpp-python says 500.
        refused: Parameters that are refused with 400, such as ``temperature``.
        efforts: The values of ``reasoning_effort`` that are taken; None for any.
        system_role: Whether a system message is taken.
        ignores_max_completion_tokens: Whether that parameter is passed over in silence.
        retry_after: Header of an injected 429; a limit's own 429 tells its true wait.
        overloaded: Headers of an injected server error.
        headers: Whether ``x-ratelimit-*`` headers are sent.
        context: Prompt tokens, at most.
        at_once: Calls that are answered at once; others are refused, or wait in line.
        at_once_status: Status of that refusal; 0 to let them wait.
        count: Tokens of a text.
    """

    base_s: float = 0.0
    per_token_s: float = 0.0
    once: Callable[[], object] = lambda: True
    key: str = ""
    model: str = ""
    formats: frozenset[str] = frozenset({"json_schema", "json_object", "text"})
    format_status: int = 400
    refused: frozenset[str] = frozenset()
    efforts: frozenset[str] | None = None
    system_role: bool = True
    ignores_max_completion_tokens: bool = False
    retry_after: Mapping[str, str] = field(default_factory=lambda: {"retry-after-ms": "250"})
    overloaded: Mapping[str, str] = field(default_factory=dict)
    headers: bool = True
    context: int = 1_000_000
    at_once: int | None = None
    at_once_status: int = 503
    faults: Faults = field(default_factory=Faults)
    limits: Limits = field(default_factory=Limits)
    count: Callable[[str], int] = five_characters_a_token


@dataclass
class Seen:
    """One call for a completion and what became of it."""

    body: dict[str, Any]
    at: float
    refs: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    attempt: int = 0
    fault: str = ""
    status: int = 200
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


class OpenAIServer:
    """The server; ``seen`` holds every call for a completion, in order of arrival."""

    def __init__(
        self, answer: AnswerPaper = placeholder, behaviour: Behaviour | None = None, *, port: int = 0
    ) -> None:
        self.answer = answer
        self.behaviour = behaviour or Behaviour()
        self.seen: list[Seen] = []
        self.in_flight = 0
        self.peak_in_flight = 0
        self.batches = Batches(self.completion)
        self.embeddings = Embeddings()
        self._attempts: Counter[str] = Counter()
        self._count = lru_cache(maxsize=64)(self.behaviour.count)
        self._known_heads: set[str] = set()
        self._line: asyncio.Semaphore | None = None
        self._server = LoopbackServer(self._respond, port)
        self.base_url = f"{self._server.url}/v1"

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(*error)

    @property
    def answered(self) -> list[Seen]:
        """The calls that were answered with a completion."""
        return [seen for seen in self.seen if seen.status == 200]

    async def _respond(self, call: Call) -> Answer:
        if self.behaviour.key and call.headers.get("authorization") != f"Bearer {self.behaviour.key}":
            return _error(401, "Incorrect API key provided.", code="invalid_api_key")
        path = call.path.partition("?")[0]
        if path == "/v1/chat/completions":
            self.in_flight += 1
            self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
            try:
                return await self._in_turn(json.loads(call.body))
            finally:
                self.in_flight -= 1
        if path.startswith(("/v1/files", "/v1/batches")):
            return await self.batches.respond(call)
        if path == "/v1/embeddings":
            return await self.embeddings.respond(call)
        if path == "/v1/models":
            return Answer.of({"object": "list", "data": [{"id": self.behaviour.model, "object": "model"}]})
        if path == "/control/seen":
            told = ({k: v for k, v in asdict(seen).items() if k != "body"} for seen in self.seen)
            return Answer.of({"peak_in_flight": self.peak_in_flight, "calls": list(told)})
        return _error(404, f"Unknown path {path}.")

    async def _in_turn(self, body: dict[str, Any]) -> Answer:
        """Answer one call if there is room for it."""
        at_once, status = self.behaviour.at_once, self.behaviour.at_once_status
        if at_once is None:
            return await self.completion(body)
        if status and self.in_flight > at_once:
            self.seen.append(Seen(body, time.monotonic(), status=status))
            return _error(status, "Too many at once.")
        self._line = self._line or asyncio.Semaphore(at_once)
        async with self._line:
            return await self.completion(body)

    async def completion(self, body: dict[str, Any], *, batched: bool = False) -> Answer:
        """Answer one call as the behaviour says; a line of a batch job meets no limits and no latency."""
        behaviour = self.behaviour
        seen = Seen(body, time.monotonic())
        self.seen.append(seen)
        refusal = self._refused(body)
        if refusal:
            seen.status = refusal.status
            return refusal
        papers = asked(body["messages"])
        seen.refs, seen.titles = tuple(p.ref for p in papers), tuple(p.title for p in papers)
        prompt = hashlib.sha256(json.dumps(body["messages"]).encode()).hexdigest()
        seen.attempt = self._attempts[prompt]
        self._attempts[prompt] += 1
        seen.fault = behaviour.faults.strike(prompt, seen.attempt)
        message, finish = self._message(papers, seen, body)
        self._charge(seen, message, body)
        if seen.input_tokens > behaviour.context:
            seen.status = 400
            return _error(400, "The model's context length is exceeded.", code="context_length_exceeded")
        wait = 0.0 if batched else behaviour.limits.admit(seen.input_tokens + seen.output_tokens)
        told = behaviour.limits.headers() if behaviour.headers else {}
        if wait:
            seen.status = 429
            told |= {"retry-after-ms": str(int(wait * 1000) + 1), "retry-after": str(int(wait) + 1)}
            return _error(429, "Rate limit reached.", code="rate_limit_exceeded", headers=told)
        if seen.fault in {"too_many", "server_error", "reset"}:
            seen.status = {"too_many": 429, "server_error": 500, "reset": 0}[seen.fault]
            if seen.fault == "reset":
                return Answer(reset=True)
            told |= behaviour.retry_after if seen.fault == "too_many" else {}
            told |= behaviour.overloaded if seen.fault == "server_error" else {}
            return _error(seen.status, "Injected.", code="rate_limit_exceeded", headers=told)
        while not batched and not behaviour.once():
            await asyncio.sleep(0.01)
        if not batched:
            await asyncio.sleep(behaviour.base_s + behaviour.per_token_s * seen.output_tokens)
        usage = {
            "prompt_tokens": seen.input_tokens,
            "completion_tokens": seen.output_tokens,
            "total_tokens": seen.input_tokens + seen.output_tokens,
            "prompt_tokens_details": {"cached_tokens": seen.cached_tokens},
        }
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        completion = {
            "id": f"chatcmpl-{len(self.seen)}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": f"{body['model']}-2026",
            "choices": [choice],
            "usage": usage,
        }
        return Answer.of(completion, headers=told)

    def _refused(self, body: dict[str, Any]) -> Answer | None:
        behaviour = self.behaviour
        if behaviour.model and body["model"] != behaviour.model:
            return _error(404, f"The model {body['model']} does not exist.", code="model_not_found")
        for name in behaviour.refused & body.keys():
            return _error(400, f"Unsupported parameter: '{name}' is not supported.", param=name)
        effort = body.get("reasoning_effort")
        if behaviour.efforts is not None and effort is not None and effort not in behaviour.efforts:
            return _error(400, f"Unsupported value: '{effort}' is not supported.", param="reasoning_effort")
        format_ = (body.get("response_format") or {"type": "text"})["type"]
        if format_ not in behaviour.formats:
            sentence = f"response_format {format_} is not supported."
            return _error(behaviour.format_status, sentence, param="response_format")
        if not behaviour.system_role and any(turn["role"] == "system" for turn in body["messages"]):
            return _error(400, "Only user and assistant roles are supported; system is not.")
        return None

    def _message(
        self, papers: tuple[AskedPaper, ...], seen: Seen, body: dict[str, Any]
    ) -> tuple[dict[str, Any], str]:
        behaviour = self.behaviour
        dice = behaviour.faults.dice("records", len(self.seen))
        records = [
            {"ref": int(paper.ref), "echo": " ".join(paper.title.split()[:ECHO_WORDS])} | self.answer(paper)
            for paper in papers
        ]
        text = _compact({"papers": spoil(records, seen.fault, dice)} if papers else _of_form(body))
        limits = [body.get(name, 10**6) for name in ("max_completion_tokens", "max_tokens")]
        most = min(limits[behaviour.ignores_max_completion_tokens :])
        finish = "stop"
        if seen.fault == "truncated" or self.behaviour.count(text) > most:
            text, finish = text[: min(len(text) // 2, most * 4)], "length"
        elif seen.fault == "prose":
            text = f"Here is what you asked for:\n```json\n{text}\n```\nLet me know if it helps."
        elif seen.fault == "bad_json":
            text = text.replace('"', "'", 7)
        elif seen.fault == "content_filter":
            text, finish = "", "content_filter"
        if seen.fault == "refusal":
            return {"role": "assistant", "content": None, "refusal": "I cannot help with that."}, finish
        return {"role": "assistant", "content": text, "refusal": None}, finish

    def _charge(self, seen: Seen, message: dict[str, Any], body: dict[str, Any]) -> None:
        """The schema counts as input and stands first; from 1024 tokens on, a head seen before is cached."""
        format_ = body.get("response_format") or {}
        schema = _compact(format_["json_schema"]["schema"]) if "json_schema" in format_ else ""
        first, *rest = body["messages"]
        head = schema + str(first["content"])
        head_tokens = self._count(head)
        seen.input_tokens = head_tokens + sum(self.behaviour.count(str(turn["content"])) for turn in rest)
        if head in self._known_heads and head_tokens >= 1024:
            seen.cached_tokens = head_tokens - head_tokens % 128
        self._known_heads.add(head)
        seen.output_tokens = self.behaviour.count(message["content"] or message["refusal"] or "")


def asked(messages: list[dict[str, Any]]) -> tuple[AskedPaper, ...]:
    """The papers that the last turn asks for: all of the prompt's, or those that a repair names."""
    text = "\n".join(str(turn["content"]) for turn in messages if turn["role"] == "user")
    papers = tuple(AskedPaper(*found) for found in FENCE.findall(text))
    if any(turn["role"] == "assistant" for turn in messages):
        named = set(NAMED.findall(str(messages[-1]["content"])))
        return tuple(paper for paper in papers if paper.ref in named)
    return papers


def _of_form(body: dict[str, Any]) -> dict[str, Any]:
    """An answer about no paper: what the strict schema requires, each of it true."""
    format_ = body.get("response_format") or {}
    schema = format_.get("json_schema", {}).get("schema", {"required": ["papers"]})
    return {name: [] if name == "papers" else True for name in schema["required"]}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _error(
    status: int,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return Answer.of({"error": error}, status, headers)
