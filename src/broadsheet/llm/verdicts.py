"""What each exception of the openai package means here: whose it is, and whether asking again can help."""

from __future__ import annotations

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
    "transient": (
        openai.APIConnectionError,  # a timeout is one of these
        openai.APIResponseValidationError,
        openai.WebSocketConnectionClosedError,
        openai.WebSocketQueueFullError,
    ),
    "failed": (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError),
    "misconfigured": (openai.OpenAIError,),  # what is left: no key, no token, a wrong set-up
}
_TRANSIENT = {408, 409, 425}
# OpenAI has a code for it; vLLM, llama.cpp and gateways say it in words, llama.cpp also with a 500.
_TOO_LONG = re.compile(
    r"context[ _](?:length|size|window)|max_tokens must be at least 1, got -", re.IGNORECASE
)
_LONG = 300


@dataclass(frozen=True, slots=True)
class Verdict:
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
    """

    kind: Kind
    sentence: str
    status: int = 0
    param: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def verdict(error: Exception) -> Verdict:
    """The verdict on whatever the openai client raised."""
    if isinstance(error, openai.APIStatusError):
        return _on_status(error)
    for kind, types in _BY_TYPE.items():
        if isinstance(error, types):
            return Verdict(
                kind, _cause(error) if isinstance(error, openai.APIConnectionError) else _short(error)
            )
    return Verdict("failed", f"{type(error).__name__}: {_short(error)}")


def _on_status(error: openai.APIStatusError) -> Verdict:
    status, code = error.status_code, error.code or ""
    said_too_long = status in {400, 413, 422, 500} and _TOO_LONG.search(error.message)
    kinds: tuple[tuple[object, Kind], ...] = (
        (code in _USER_MUST_ACT, "misconfigured"),
        (code == "context_length_exceeded" or said_too_long, "too-long"),
        (status in {401, 403, 404}, "misconfigured"),
        (status == 429, "too-many"),
        (status in _TRANSIENT or status >= 500, "transient"),
        (status in {400, 415, 422}, "not-understood"),
    )
    kind: Kind = next((kind for applies, kind in kinds if applies), "failed")
    sentence = _USER_MUST_ACT.get(code) or _short(error.message)
    return Verdict(kind, sentence, status, error.param or "", error.response.headers)


def _cause(error: Exception) -> str:
    """Why there was no answer. The aiohttp transport calls a refused connection a timeout of connecting."""
    cause = error.__cause__
    if isinstance(error, openai.APITimeoutError) and not isinstance(cause, httpx2.ConnectTimeout):
        return "no answer in time"
    return f"no connection: {_short(cause or error) or type(cause or error).__name__}"


def _short(said: object) -> str:
    words = " ".join(str(said).split())
    return words if len(words) <= _LONG else words[:_LONG] + " …"
