"""Tells an answer with status 200 that is a chat completion from those that are not."""

from __future__ import annotations

from typing import Any

import httpx2
import openai  # noqa: TID251 - a provider's own package

from broadsheet.llm import Reply
from broadsheet.llm.completion import reply_of
from broadsheet.llm.diagnosis import NoCompletion, page_title

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
_ERRORS = range(400, 600)


def reply_in(response: httpx2.Response, latency_s: float) -> Reply:
    """Return the reply in an answer.

    Raises:
        openai.APIStatusError: It tells of an error and its status, as gateways do with status 200.
        openai.APIResponseValidationError: It tells of another error.
        NoCompletion: It is something else, such as a web page.
    """
    completion = json_in(response, "choices")
    try:
        return reply_of(completion, latency_s)
    except UNREADABLE as error:
        what = f"the answer is no chat completion ({type(error).__name__}: {error})"
        raise NoCompletion(response, completion, message=what) from error


def json_in(response: httpx2.Response, wanted: str) -> Any:
    """Return the JSON of an answer; an error that stands where ``wanted`` should is raised.

    Raises:
        openai.APIError: As `reply_in` says.
    """
    try:
        answer = response.json()
    except UNREADABLE as error:
        raise NoCompletion(response, None, message=f"the answer is {_no_json(response)}") from error
    told = answer.get("error") if isinstance(answer, dict) else None
    if told and not answer.get(wanted):
        _raise_told(response, told)
    return answer


def _raise_told(response: httpx2.Response, told: Any) -> None:
    status = told.get("code") if isinstance(told, dict) else None
    message = str(told.get("message") or told) if isinstance(told, dict) else str(told)
    if type(status) is int and status in _ERRORS:
        as_if = httpx2.Response(status, headers=response.headers, request=response.request)
        raise openai.APIStatusError(message, response=as_if, body=told)
    raise openai.APIResponseValidationError(response, told, message=f"the answer is an error ({message})")


def _no_json(response: httpx2.Response) -> str:
    text = response.text[:4_000]
    return page_title(text) or ("empty" if not text.strip() else "no JSON")
