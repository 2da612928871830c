"""One request becomes one outcome: through the gate, in the learnt dialect, again where that can help."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import httpx2
import openai  # noqa: TID251 - a provider's own package
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from broadsheet.config import Settings
from broadsheet.errors import LLMError, LLMMisconfigured, LLMUnavailable
from broadsheet.llm import Outcome, Reply, Request
from broadsheet.llm.completion import counted, reply_of
from broadsheet.llm.diagnosis import Diagnosis, diagnose
from broadsheet.llm.negotiation import Dialect, Negotiation, heeds_schema
from broadsheet.llm.openai.pacing import Pacer
from broadsheet.retrying import WaitAsAsked, retry_after_s

ATTEMPTS = 6
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 20.0
CONNECT_TIMEOUT_S = 10.0
SERVED_AT_ONCE = 16
"""A server may let what exceeds this wait in line; it is given so many times as long to answer."""
SERVER_ERRORS_BEFORE_STEPPING_DOWN = 2
_ERROR = 400
NOT_KNOWN_PERHAPS = {500, 501}
"""Other server errors tell of one that is loading, overloaded or gone, never of a format."""
FORBIDDEN, FORBIDDEN_IN_A_ROW = 403, 16
"""Where others are answered it is about this request: a gateway that moderates, a firewall."""


class _TryAgain(Exception):  # noqa: N818 - a signal to tenacity, not an error
    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.sentence)
        self.diagnosis = diagnosis


_WAIT = WaitAsAsked(
    lambda error: error.diagnosis.headers if isinstance(error, _TryAgain) else None,
    wait_random_exponential(multiplier=FIRST_BACKOFF_S, max=LONGEST_BACKOFF_S),
)


@dataclass(eq=False)
class Exchange:
    """Asks one server for one model's answers; used from one event loop only.

    Attributes:
        client: The openai client, its own retries off.
        settings: Name the model, and how long an answer may take.
        pacer: Admits requests.
        negotiation: Knows the dialect.
        under_way: Tasks whose request is with the server at this moment.
        stopping: Set to send nothing more; who would still have to send ends as cancelled.
    """

    client: openai.AsyncOpenAI
    settings: Settings
    pacer: Pacer
    negotiation: Negotiation
    under_way: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    stopping: bool = field(default=False, init=False)
    _answers: int = field(default=0, init=False)
    _forbidden: int = field(default=0, init=False)

    async def ask(self, request: Request) -> Outcome:
        """Ask until there is an answer, or a reason why this request has none.

        A 429 is never counted: the gate closes for as long as the server says. Other failures are tried
        `ATTEMPTS` times.

        Raises:
            LLMMisconfigured: The key, model or address is refused.
            LLMUnavailable: All attempts failed, and no other request was answered meanwhile.
        """
        answers_before = self._answers
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_TryAgain),
            stop=lambda state: self.stopping or stop_after_attempt(ATTEMPTS)(state),
            wait=_WAIT,
            before_sleep=self._hold_off,
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    return await self._until_understood(request, attempt.retry_state.attempt_number)
        except _TryAgain as last:
            if self.stopping:
                raise asyncio.CancelledError from last
            diagnosis = last.diagnosis
            if self._answers > answers_before:
                return Outcome(request, error=diagnosis.sentence)
            status = f"status {diagnosis.status}: " if diagnosis.status else ""
            raise LLMUnavailable(
                f"The model at {self.client.base_url} does not answer ({status}{diagnosis.sentence});"
                " what is done is kept: run the same command again later."
            ) from last
        raise AssertionError("tenacity ends with an answer or an exception")

    async def _until_understood(self, request: Request, attempt: int) -> Outcome:
        refusals = 0
        while True:
            output = self.pacer.expected_output(len(request.sent), request.max_output_tokens)
            held = await self.pacer.admit(request.input_tokens + output)
            dialect = self.negotiation.dialect  # others may have learnt what is taken while this one waited
            try:
                reply, headers = await self._send(request, dialect, attempt)
            except asyncio.CancelledError:
                self.pacer.refused(held)
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is diagnosed
                diagnosis, needed_tokens = diagnose(error), held.tokens
                too_many = diagnosis.kind == "too-many"
                if too_many or diagnosis.kind == "transient":
                    self.pacer.failed(held, diagnosis.headers, diagnosis.status)
                else:
                    self.pacer.refused(held)
                if too_many:
                    refusals += 1
                    self.pacer.close(needed_tokens, _wait_s(diagnosis, refusals))
                elif not self._may_be_the_dialect(diagnosis, attempt) or not self.negotiation.refused(
                    dialect, diagnosis.status, diagnosis.words, diagnosis.param
                ):
                    return self._failed(request, diagnosis, error)
            else:
                self.pacer.settle(held, len(request.sent), reply.usage, headers)
                self._answers, self._forbidden = self._answers + 1, 0
                return Outcome(request, reply)

    def _failed(self, request: Request, diagnosis: Diagnosis, error: Exception) -> Outcome:
        """Return the outcome of a request that cannot be answered, unless that concerns the others too."""
        if diagnosis.kind == "transient":
            raise _TryAgain(diagnosis) from error
        if diagnosis.kind == "misconfigured":
            forbidden = diagnosis.status == FORBIDDEN
            self._forbidden += forbidden
            if not (forbidden and self._answers and self._forbidden < FORBIDDEN_IN_A_ROW):
                raise _refusal(diagnosis, self.settings.model, str(self.client.base_url)) from error
        return Outcome(request, error=diagnosis.sentence, too_long=diagnosis.kind == "too-long")

    def _hold_off(self, attempts: RetryCallState) -> None:
        """Have the pacer say why this request waits, and how long."""
        error = attempts.outcome.exception() if attempts.outcome else None
        status = error.diagnosis.status if isinstance(error, _TryAgain) else 0
        wait_s = attempts.next_action.sleep if attempts.next_action else 0.0
        self.pacer.hold_off(str(status) if status >= _ERROR else "no answer", wait_s)

    def _may_be_the_dialect(self, diagnosis: Diagnosis, attempt: int) -> bool:
        """Tell whether another dialect may help: llama-cpp-python answers an unknown format with a 500."""
        return diagnosis.kind == "not-understood" or (
            diagnosis.status in NOT_KNOWN_PERHAPS
            and not self.negotiation.proven
            and (attempt >= SERVER_ERRORS_BEFORE_STEPPING_DOWN or "response_format" in diagnosis.words)
        )

    async def _send(self, request: Request, dialect: Dialect, attempt: int) -> tuple[Reply, httpx2.Headers]:
        """Send one HTTP request by the client's plain ``post``, and learn from what is answered.

        It goes the same way as ``chat.completions.create`` (key, address, errors) without building the typed
        request and answer, which takes a third of the time of a call and would hide the headers.
        """
        if self.stopping:  # Python 3.11: a wait that ends while it is cancelled is not cancelled
            raise asyncio.CancelledError
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - narrows the type: a coroutine runs in a task
        self.under_way.add(task)
        answer_s = request.max_output_tokens / self.settings.slowest_tokens_per_s
        in_line = max(1.0, self.pacer.under_way / SERVED_AT_ONCE)
        patience_s = (self.settings.first_token_timeout_s + answer_s) * attempt * in_line
        started = time.monotonic()
        try:
            response = await self.client.post(
                "/chat/completions",
                cast_to=httpx2.Response,
                body=dialect.body(request, self.settings.model),
                options={"timeout": httpx2.Timeout(patience_s, connect=CONNECT_TIMEOUT_S)},
            )
        finally:
            self.under_way.discard(task)
        try:
            reply = reply_of(response.json(), time.monotonic() - started)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            what = f"the answer is no chat completion ({type(error).__name__}: {error})"
            raise openai.APIResponseValidationError(response, None, message=what) from error
        heeded_limit = reply.usage.output_tokens <= request.max_output_tokens
        reply = counted(reply, request)
        heeded_schema = self.negotiation.proven or heeds_schema(reply, request.schema)
        self.negotiation.answered(dialect, heeded_limit=heeded_limit, heeded_schema=heeded_schema)
        return reply, response.headers


def _wait_s(diagnosis: Diagnosis, refusals: int) -> float:
    """Return how long a 429 closes the gate; one that says "at once" is believed the first time."""
    wait_s = retry_after_s(diagnosis.headers)
    if wait_s is None or (wait_s == 0 and refusals > 1):
        return float(min(FIRST_BACKOFF_S * 2.0 ** min(refusals, 10), LONGEST_BACKOFF_S))
    return wait_s


def _refusal(diagnosis: Diagnosis, model: str, endpoint: str) -> LLMError:
    what = {
        401: "The key in OPENAI_API_KEY is refused",
        403: "The key in OPENAI_API_KEY may not use this model",
        404: f"There is no model {model!r} at {endpoint}, or OPENAI_BASE_URL is wrong",
    }.get(diagnosis.status, "The provider refuses every request")
    return LLMMisconfigured(f"{what} ({diagnosis.sentence}); correct it and see: broadsheet doctor.")
