"""What each exception of the openai package means."""

from __future__ import annotations

import inspect
from typing import Any, get_args

import httpx2
import openai
import pytest

from broadsheet.llm.diagnosis import Kind, diagnose

REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1/chat/completions")
EXCEPTIONS = sorted(
    {
        value
        for name in openai._exceptions.__dict__
        if inspect.isclass(value := getattr(openai._exceptions, name)) and issubclass(value, Exception)
        if value.__module__.startswith("openai")
    },
    key=lambda type_: type_.__name__,
)
EXPECTED: dict[str, str] = {
    "APIConnectionError": "transient",
    "APIError": "misconfigured",
    "APIResponseValidationError": "transient",
    "APIStatusError": "refused",
    "APITimeoutError": "transient",
    "AuthenticationError": "misconfigured",
    "BadRequestError": "not-understood",
    "ConflictError": "transient",
    "ContentFilterFinishReasonError": "failed",
    "InternalServerError": "transient",
    "InvalidWebhookSignatureError": "garbled",
    "LengthFinishReasonError": "failed",
    "NotFoundError": "misconfigured",
    "OAuthError": "misconfigured",
    "OpenAIError": "misconfigured",
    "PermissionDeniedError": "misconfigured",
    "RateLimitError": "too-many",
    "SubjectTokenProviderError": "misconfigured",
    "UnprocessableEntityError": "not-understood",
    "WebSocketConnectionClosedError": "transient",
    "WebSocketQueueFullError": "transient",
}
STATUS = {
    "APIStatusError": 418,
    "AuthenticationError": 401,
    "BadRequestError": 400,
    "ConflictError": 409,
    "InternalServerError": 503,
    "NotFoundError": 404,
    "OAuthError": 401,
    "PermissionDeniedError": 403,
    "RateLimitError": 429,
    "UnprocessableEntityError": 422,
}


def raised(type_: type[Exception], body: Any = None) -> Exception:
    """An exception of this class without its constructor's demands, with what the client sets on it."""
    error = type_.__new__(type_)
    Exception.__init__(error, "said so")
    error.message, error.body, error.code, error.param, error.type = "said so", body, None, None, None
    error.request = REQUEST
    if issubclass(type_, openai.APIStatusError):
        error.status_code = STATUS[type_.__name__]
        error.response = httpx2.Response(error.status_code, headers={"Retry-After": "3"}, request=REQUEST)
    return error


def test_the_table_below_knows_every_exception_of_the_package():
    assert {type_.__name__ for type_ in EXCEPTIONS} == set(EXPECTED)
    assert set(EXPECTED.values()) | {"too-long", "failed"} == set(
        get_args(Kind)
    )  # that has no exception of its own


@pytest.mark.parametrize("type_", EXCEPTIONS, ids=lambda type_: type_.__name__)
def test_every_exception_of_the_package_has_its_diagnosis(type_):
    assert diagnose(raised(type_)).kind == EXPECTED[type_.__name__]


def test_the_answers_headers_are_kept_with_names_in_lower_case():
    assert diagnose(raised(openai.RateLimitError)).headers["retry-after"] == "3"


def test_a_used_up_account_is_the_users_to_fix_not_a_429_to_wait_for():
    error = raised(openai.RateLimitError)
    error.code = "insufficient_quota"
    told = diagnose(error)
    assert told.kind == "misconfigured"
    assert "top it up" in told.sentence


def test_too_long_a_prompt_concerns_that_request_alone():
    error = raised(openai.BadRequestError)
    error.code = "context_length_exceeded"
    assert diagnose(error).kind == "too-long"


@pytest.mark.parametrize(
    ("type_", "said"),
    [
        (openai.BadRequestError, "The maximum context length of this model is 4096 tokens."),
        (openai.BadRequestError, "max_tokens or max_completion_tokens does not fit the Context Length"),
        (openai.BadRequestError, "max_tokens must be at least 1, got -186."),
        (openai.BadRequestError, "request (4390 tokens) exceeds the available context size"),
        (openai.InternalServerError, "the context size has been exceeded"),
        (openai.UnprocessableEntityError, "ContextWindowExceeded: beyond the context window"),
    ],
)
def test_too_long_a_prompt_is_understood_in_the_words_of_servers_that_have_no_code_for_it(type_, said):
    error = raised(type_)
    error.message = said
    error.status_code = {503: 500}.get(error.status_code, error.status_code)
    assert diagnose(error).kind == "too-long"


def test_anything_else_is_a_failure_that_names_itself():
    assert diagnose(KeyError("choices")).sentence == "KeyError: 'choices'"


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (429, "Request too large: Limit 30000, Requested 30601. Tokens must be reduced.", "too-long"),
        (413, "Request too large for this model", "too-long"),
        (429, "Rate limit reached", "too-many"),
        (403, "Your input was flagged", "failed"),
        (400, "The response was filtered by the content management policy", "failed"),
        (403, "Country not supported", "misconfigured"),
    ],
)
def test_what_no_waiting_and_no_other_dialect_can_help_concerns_that_request_alone(status, said, kind):
    error = raised(openai.BadRequestError)
    error.status_code, error.message = status, said
    assert diagnose(error).kind == kind


def test_an_answer_that_did_not_fit_the_schema_says_nothing_about_the_format():
    error = raised(openai.BadRequestError)
    error.code, error.message = "json_validate_failed", "Generated JSON does not match the schema"
    assert diagnose(error).kind == "failed"
