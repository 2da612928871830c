"""`diagnose`: what each exception of the openai package means, and whether asking again can help."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import httpx2
import openai  # noqa: TID251 - a provider's own package

Kind = Literal["misconfigured", "too-many", "transient", "not-understood", "too-long", "failed"]
_USER_MUST_ACT = {
    "insufficient_quota": "the account's quota is used up; top it up or use another key",
    "billing_hard_limit_reached": "the account's billing limit is reached; raise it or use another key",
}
_BY_TYPE: Mapping[Kind, tuple[type[Exception], ...]] = {
    "transient": (openai.WebSocketConnectionClosedError, openai.WebSocketQueueFullError),
    "failed": (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError),
    "misconfigured": (openai.OpenAIError,),  # what is left: no key, no token, a wrong set-up
}
_TRANSIENT = {408, 409, 425}
# OpenAI has a code for it; vLLM, llama.cpp and gateways say it in words, llama.cpp also with a 500.
_TOO_LONG = re.compile(
    r"context[ _](?:length|size|window|limit)|max_tokens must be at least 1, got -"
    r"|(?:prompt|input) is too long|maximum (?:prompt|input) length|reduce the length",
    re.IGNORECASE,
)
# Told as a 429 like a used-up quota, but waiting never helps a request that is larger than the whole of it.
_TOO_LARGE = re.compile(r"request too large|tokens must be reduced", re.IGNORECASE)
# The papers' fault or the answer's, whatever else the request asks for.
_ABOUT_CONTENT = {"content_filter", "content_policy_violation", "json_validate_failed"}
_MODERATED = re.compile(r"moderation|flagged|content[ _](?:management )?policy", re.IGNORECASE)
_LONG, _READ = 300, 4_000


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What to do about an exception.

    Attributes:
        kind: ``misconfigured``: no request can succeed; ``too-many``: close the gate and ask again;
            ``transient``: ask again a few times; ``not-understood``: say it in another way; ``too-long``:
            prompt and answer exceed the model's context; else ``failed``: this request alone cannot be
            answered.
        sentence: What the provider says.
        status: HTTP status, 0 where there was no answer.
        param: The parameter that is refused, where it is named.
        headers: The answer's headers, names in lower case.
        words: All that the provider says, for who looks for words in it.
    """

    kind: Kind
    sentence: str
    status: int = 0
    param: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    words: str = ""


def diagnose(error: Exception) -> Diagnosis:
    """Say what to do about whatever the openai client raised."""
    if isinstance(error, openai.APIStatusError):
        return _on_status(error)
    if isinstance(error, openai.APIConnectionError):
        return Diagnosis("transient", _cause(error))
    if isinstance(error, openai.APIResponseValidationError):
        response: httpx2.Response | None = getattr(error, "response", None)
        return Diagnosis("transient", _short(error), headers=response.headers if response else {})
    for kind, types in _BY_TYPE.items():
        if isinstance(error, types):
            return Diagnosis(kind, _short(error))
    return Diagnosis("failed", f"{type(error).__name__}: {_short(error)}")


def _on_status(error: openai.APIStatusError) -> Diagnosis:
    status, code, words = error.status_code, error.code or "", _words_of(error)
    too_long = status in {400, 413, 422, 500} and _TOO_LONG.search(words)
    too_large = status in {413, 429} and _TOO_LARGE.search(words)
    kinds: tuple[tuple[object, Kind], ...] = (
        (code in _USER_MUST_ACT, "misconfigured"),
        (code == "context_length_exceeded" or too_long or too_large, "too-long"),
        (code in _ABOUT_CONTENT or (status in {400, 403} and _MODERATED.search(words)), "failed"),
        (status in {401, 403, 404}, "misconfigured"),
        (status == 429, "too-many"),
        (status in _TRANSIENT or status >= 500, "transient"),
        (status in {400, 415, 422}, "not-understood"),
    )
    kind: Kind = next((kind for applies, kind in kinds if applies), "failed")
    sentence = _USER_MUST_ACT.get(code) or _short(words)
    return Diagnosis(kind, sentence, status, str(error.param or ""), error.response.headers, words[:_READ])


def _words_of(error: openai.APIStatusError) -> str:
    """Return what a refusal says; the client's message may hold only the status.

    It knows ``{"error": {"message": ...}}``; LM Studio and TGI say ``{"error": "..."}``, FastAPI and vLLM
    ``{"detail": ...}``, Gemini a list, OpenRouter quotes the provider in ``metadata``.
    """
    body = error.body
    if isinstance(body, str):
        return f"{error.message}: {body}" if body not in error.message else error.message
    is_known = isinstance(body, dict) and isinstance(body.get("message"), str) and not body.get("metadata")
    if is_known or not body:
        return error.message
    return f"{error.message}: {json.dumps(_without_request(body), ensure_ascii=False, default=str)}"


def _without_request(body: object) -> object:
    """Return a refusal without the request that FastAPI quotes as ``input``: not the server's words."""
    if isinstance(body, dict):
        return {name: _without_request(value) for name, value in body.items() if name not in {"input", "ctx"}}
    return [_without_request(part) for part in body] if isinstance(body, list) else body


def _cause(error: Exception) -> str:
    """Return why there was no answer. The aiohttp transport calls a refused connection a connect timeout."""
    cause = error.__cause__
    if isinstance(error, openai.APITimeoutError) and not isinstance(cause, httpx2.ConnectTimeout):
        return "no answer in time"
    return f"no connection: {_short(cause or error) or type(cause or error).__name__}"


def _short(sentence: object) -> str:
    words = " ".join(str(sentence).split())
    return words if len(words) <= _LONG else words[:_LONG] + " …"
