"""`diagnose`: what each exception of the openai package means, and whether asking again can help."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import httpx2
import openai  # noqa: TID251 - a provider's own package

from broadsheet.visible import visible

Kind = Literal[
    "misconfigured", "too-many", "transient", "not-understood", "refused", "garbled", "too-long", "failed"
]
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
_FOR_THE_USER = {401, 402, 403, 404, 405, 407, 410, 411, 426}
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
_PAGE = re.compile(
    r"\s*(?:<!doctype html|<html\b|<\?xml)(?:.{0,2000}?<title[^>]*>\s*([^<]{1,80}))?",
    re.IGNORECASE | re.DOTALL,
)
_LONG, _READ = 300, 4_000


class NoCompletion(openai.APIResponseValidationError):
    """What came with status 200 is neither a chat completion nor an error."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What to do about an exception.

    Attributes:
        kind: ``misconfigured``: no request can succeed; ``too-many``: close the gate and ask again;
            ``transient``: ask again a few times; ``not-understood``: say it in another way; ``refused``: it
            is about this request, or about all if all are refused; ``garbled``: what answers does not speak
            OpenAI's API; ``too-long``: prompt and answer exceed the model's context; else ``failed``: this
            request alone cannot be answered.
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
        return _on_connection(error)
    if isinstance(error, TimeoutError):
        return Diagnosis("transient", "no answer in time")
    if isinstance(error, openai.APIResponseValidationError):
        kind: Kind = "garbled" if isinstance(error, NoCompletion) else "transient"
        response: httpx2.Response | None = getattr(error, "response", None)
        return Diagnosis(kind, _short(error), headers=response.headers if response else {})
    by_type = (kind for kind, types in _BY_TYPE.items() if isinstance(error, types))
    return Diagnosis(next(by_type, "garbled"), f"{type(error).__name__}: {_short(error)}")


def _on_connection(error: openai.APIConnectionError) -> Diagnosis:
    cause = error.__cause__
    if isinstance(cause, httpx2.DecodingError):  # too long, or compressed as nobody asked
        return Diagnosis("refused", _short(cause))
    if isinstance(cause, httpx2.InvalidURL | httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
        return Diagnosis("misconfigured", _short(cause))
    return Diagnosis("transient", _cause(error))


def _on_status(error: openai.APIStatusError) -> Diagnosis:
    status, code, words = error.status_code, error.code or "", _words_of(error)
    too_long = status in {400, 413, 422, 500} and _TOO_LONG.search(words)
    too_large = status in {413, 429} and _TOO_LARGE.search(words)
    kinds: tuple[tuple[object, Kind], ...] = (
        (code in _USER_MUST_ACT, "misconfigured"),
        (code == "context_length_exceeded" or too_long or too_large, "too-long"),
        (code in _ABOUT_CONTENT or (status in {400, 403} and _MODERATED.search(words)), "failed"),
        (status in _FOR_THE_USER or 300 <= status < 400, "misconfigured"),
        (status == 429, "too-many"),
        (status in _TRANSIENT or status >= 500, "transient"),
        (status in {400, 415, 422}, "not-understood"),
    )
    kind: Kind = next((kind for applies, kind in kinds if applies), "refused")
    sentence = _USER_MUST_ACT.get(code) or _short(words)
    return Diagnosis(kind, sentence, status, str(error.param or ""), error.response.headers, words[:_READ])


def _words_of(error: openai.APIStatusError) -> str:
    """Return what a refusal says; the client's message may hold only the status.

    It knows ``{"error": {"message": ...}}``; LM Studio and TGI say ``{"error": "..."}``, FastAPI and vLLM
    ``{"detail": ...}``, Gemini a list, OpenRouter quotes the provider in ``metadata``.
    """
    body = error.body
    if location := error.response.headers.get("location") if error.response.is_redirect else None:
        return f"to {location.partition('?')[0]}"
    if isinstance(body, str) and (page := page_title(body)):
        return page
    if isinstance(body, str):
        return f"{error.message}: {body}" if body not in error.message else error.message
    is_known = isinstance(body, dict) and isinstance(body.get("message"), str) and not body.get("metadata")
    if is_known or not body:
        return error.message
    return f"{error.message}: {json.dumps(_without_request(body), ensure_ascii=False, default=str)}"


def page_title(text: str) -> str:
    """Return what a web page is called, where a text is one; else an empty string."""
    page = _PAGE.match(text[:_READ])
    return (f"a web page, “{page[1].strip()}”" if page[1] else "a web page") if page else ""


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
    words = visible(str(sentence)[: 10 * _READ])
    return words if len(words) <= _LONG else words[:_LONG] + " …"
