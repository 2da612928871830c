"""One request becomes one outcome: through the gate, in the learnt dialect, again where that can help."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import httpx2
import openai  # noqa: TID251 - a provider's own package
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from broadsheet.errors import LLMMisconfigured, LLMUnavailable
from broadsheet.llm import Outcome, Request
from broadsheet.llm.completion import counted, reply_of
from broadsheet.llm.diagnosis import Diagnosis, diagnose
from broadsheet.llm.negotiation import heeds_schema
from broadsheet.retrying import WaitAsAsked, retry_after_s

if TYPE_CHECKING:
    from broadsheet.llm.negotiation import Dialect, Negotiation
    from broadsheet.llm.openai.pacing import Pacer, Reservation

ATTEMPTS = 6
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 20.0
CONNECT_TIMEOUT_S = 10.0
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


class Exchange:
    """Asks one server for one model's answers; used from one event loop only.

    Args:
        client: The openai client, its own retries off.
        model: Model to ask.
        pacer: Admits requests.
        negotiation: Knows the dialect.
        first_token_timeout_s: Seconds allowed before the first output token.
        slowest_tokens_per_s: Output tokens a second below which an answer counts as lost.

    Attributes:
        under_way: Tasks whose request is with the server at this moment.
        stopping: Set to send nothing more; who would still have to send ends as cancelled.
    """

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        model: str,
        pacer: Pacer,
        negotiation: Negotiation,
        *,
        first_token_timeout_s: float,
        slowest_tokens_per_s: float,
    ) -> None:
        self._client = client
        self._model = model
        self._pacer = pacer
        self._negotiation = negotiation
        self._first_token_timeout_s = first_token_timeout_s
        self._slowest_tokens_per_s = slowest_tokens_per_s
        self._answers = self._forbidden = 0
        self.under_way: set[asyncio.Task[None]] = set()
        self.stopping = False

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
            retry=retry_if_exception(lambda error: isinstance(error, _TryAgain) and not self.stopping),
            stop=stop_after_attempt(ATTEMPTS),
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
            said = last.diagnosis
            if self._answers == answers_before:
                status = f"status {said.status}: " if said.status else ""
                raise LLMUnavailable(
                    f"The model at {self._client.base_url} does not answer ({status}{said.sentence});"
                    " what is done is kept: run the same command again later."
                ) from last
            return Outcome(request, error=said.sentence)
        raise AssertionError("tenacity ends with an answer or an exception")

    async def _until_understood(self, request: Request, attempt: int) -> Outcome:
        refusals = 0
        while not self.stopping:
            output = self._pacer.expected_output(len(request.sent), request.max_output_tokens)
            held = await self._pacer.admit(request.input_tokens + output)
            if self.stopping:  # Python 3.11: a wait that ends while it is cancelled is not cancelled
                self._pacer.refused(held)
                break
            # Others may have learnt what is taken while this one waited.
            dialect = self._negotiation.dialect
            started = time.monotonic()
            try:
                response = await self._send(request, dialect, attempt)
            except asyncio.CancelledError:
                self._pacer.refused(held)
                raise
            except Exception as error:
                said = diagnose(error)
                needed = held.tokens
                self._give_back(said, held)
                if said.kind == "too-many":
                    refusals += 1
                    self._close_gate(said, needed, refusals)
                    continue
                if self._may_be_the_dialect(said, attempt) and self._negotiation.refused(
                    dialect, said.status, said.said, said.param
                ):
                    continue
                if said.kind == "transient":
                    raise _TryAgain(said) from error
                if said.kind == "misconfigured":
                    self._forbidden += said.status == FORBIDDEN
                    if not self._is_of_this_request_alone(said):
                        told = _refusal(said, self._model, str(self._client.base_url))
                        raise LLMMisconfigured(told) from error
                return Outcome(request, error=said.sentence, too_long=said.kind == "too-long")
            return self._take(request, response, held, dialect, time.monotonic() - started)
        raise asyncio.CancelledError

    def _hold_off(self, attempts: RetryCallState) -> None:
        """Have the pacer say why this request waits, and how long."""
        error = attempts.outcome.exception() if attempts.outcome else None
        status = error.diagnosis.status if isinstance(error, _TryAgain) else 0
        wait_s = attempts.next_action.sleep if attempts.next_action else 0.0
        self._pacer.hold_off(str(status) if status >= _ERROR else "no answer", wait_s)

    def _give_back(self, said: Diagnosis, held: Reservation) -> None:
        if said.kind in {"too-many", "transient"}:
            self._pacer.failed(held, said.headers)
        else:
            self._pacer.refused(held)

    def _close_gate(self, said: Diagnosis, needed_tokens: float, refusals: int) -> None:
        wait = retry_after_s(said.headers)
        if wait is None or (wait == 0 and refusals > 1):  # told "at once", and was refused again
            wait = min(FIRST_BACKOFF_S * 2.0 ** min(refusals, 10), LONGEST_BACKOFF_S)
        self._pacer.close(needed_tokens, wait)

    def _is_of_this_request_alone(self, said: Diagnosis) -> bool:
        return said.status == FORBIDDEN and self._answers > 0 and self._forbidden < FORBIDDEN_IN_A_ROW

    def _take(
        self,
        request: Request,
        response: httpx2.Response,
        held: Reservation,
        dialect: Dialect,
        latency_s: float,
    ) -> Outcome:
        """Settle an answer and learn from it."""
        try:
            reply = reply_of(response.json(), latency_s)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            self._pacer.failed(held, response.headers)
            said = f"the answer is no chat completion ({type(error).__name__})"
            raise _TryAgain(Diagnosis("transient", said, response.status_code)) from error
        heeded_limit = reply.usage.output_tokens <= request.max_output_tokens
        reply = counted(reply, request)
        usage = reply.usage
        self._pacer.settle(held, usage.input_tokens + usage.output_tokens, response.headers)
        self._pacer.learn(len(request.sent), usage.output_tokens)
        self._negotiation.answered(
            dialect,
            heeded_limit=heeded_limit,
            heeded_schema=self._negotiation.proven or heeds_schema(reply, request.schema),
        )
        self._answers, self._forbidden = self._answers + 1, 0
        return Outcome(request, reply)

    def _may_be_the_dialect(self, said: Diagnosis, attempt: int) -> bool:
        """Tell whether another dialect may help: llama-cpp-python answers an unknown format with a 500."""
        return said.kind == "not-understood" or (
            said.status in NOT_KNOWN_PERHAPS
            and not self._negotiation.proven
            and (attempt >= SERVER_ERRORS_BEFORE_STEPPING_DOWN or "response_format" in said.said)
        )

    async def _send(self, request: Request, dialect: Dialect, attempt: int) -> httpx2.Response:
        """Send one HTTP request by the client's plain ``post``.

        It goes the same way as ``chat.completions.create`` (key, address, errors) without building the typed
        request and answer, which takes a third of the time of a call and would hide the headers.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - narrows the type: a coroutine runs in a task
        self.under_way.add(task)
        answer_s = request.max_output_tokens / self._slowest_tokens_per_s
        timeout = httpx2.Timeout(
            (self._first_token_timeout_s + answer_s) * attempt, connect=CONNECT_TIMEOUT_S
        )
        try:
            return await self._client.post(
                "/chat/completions",
                cast_to=httpx2.Response,
                body=dialect.body(request, self._model),
                options={"timeout": timeout},
            )
        finally:
            self.under_way.discard(task)


def _refusal(said: Diagnosis, model: str, endpoint: str) -> str:
    what = {
        401: "The key in OPENAI_API_KEY is refused",
        403: "The key in OPENAI_API_KEY may not use this model",
        404: f"There is no model {model!r} at {endpoint}, or OPENAI_BASE_URL is wrong",
    }.get(said.status, "The provider refuses every request")
    return f"{what} ({said.sentence}); correct it and see: broadsheet doctor."
