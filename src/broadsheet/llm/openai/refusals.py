"""The sentences that end a run: no request can succeed, or the server does not answer."""

from __future__ import annotations

from broadsheet.errors import LLMMisconfigured, LLMUnavailable
from broadsheet.llm.diagnosis import Diagnosis
from broadsheet.llm.openai.patience import in_words

_WORTH_SAYING_S = 60.0

_REDIRECTS = range(300, 400)


def refusal(diagnosis: Diagnosis, model: str, endpoint: str) -> LLMMisconfigured:
    """Return why no request can succeed, with what to do.

    Args:
        diagnosis: What the provider says.
        model: The model that was asked for.
        endpoint: The address that was asked.
    """
    address = endpoint.rstrip("/")
    what = {
        401: "The key in OPENAI_API_KEY is refused",
        402: f"The account at {address} has no credit left",
        403: "The key in OPENAI_API_KEY may not use this model",
        404: f"There is no model {model!r} at {address}, or OPENAI_BASE_URL is wrong",
        407: "The proxy wants a user name and a password that it knows",
    }.get(diagnosis.status)
    if diagnosis.status in _REDIRECTS:
        what = f"{address} sends requests elsewhere, so OPENAI_BASE_URL is wrong"
    elif diagnosis.kind == "garbled" or diagnosis.status in {405, 410, 411, 426}:
        what = f"What answers at {address} does not speak OpenAI's API, so OPENAI_BASE_URL may be wrong"
    elif diagnosis.kind == "too-long":
        what = f"Even one paper is too long for {model} at {address}, so it needs a model with more context"
    status = f"status {diagnosis.status}: " if diagnosis.status and what is None else ""
    what = what or f"The provider at {address} refuses every request"
    return LLMMisconfigured(f"{what} ({status}{diagnosis.sentence}); correct it and see: broadsheet doctor.")


def outage(diagnosis: Diagnosis, endpoint: str, wait_s: float | None = None) -> LLMUnavailable:
    """Return that a server does not answer.

    Args:
        diagnosis: What it says at last.
        endpoint: The address that was asked.
        wait_s: How long it asks to wait.
    """
    status = f"status {diagnosis.status}: " if diagnosis.status else ""
    said, again = f"({status}{diagnosis.sentence})", "later"
    what = f"does not answer {said}"
    if wait_s is not None and wait_s > _WORTH_SAYING_S:
        what = f"asks to wait {in_words(wait_s)} {said}, longer than a run waits"
        again = "then"
    return LLMUnavailable(
        f"The model at {endpoint} {what}; what is done is kept: run the same command again {again}."
    )
