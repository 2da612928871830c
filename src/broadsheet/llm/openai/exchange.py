"""One request becomes one outcome: through the gate, in the learnt dialect, again where that can help."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
from broadsheet.llm import Outcome, Reply, Request
from broadsheet.llm.completion import counted
from broadsheet.llm.diagnosis import Diagnosis, diagnose
from broadsheet.llm.negotiation import Dialect, Negotiation, heeds_schema
from broadsheet.llm.openai.answers import reply_in
from broadsheet.llm.openai.bounded import at_most, bytes_for
from broadsheet.llm.openai.pacing import Pacing, Reservation
from broadsheet.llm.openai.patience import REFUSED_S, Patience, deadline
from broadsheet.llm.openai.probe import Probe
from broadsheet.llm.openai.refusals import outage, refusal
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
FORBIDDEN = 403
"""Where others are answered it is about this request: a gateway that moderates, a firewall."""
REFUSED_AT_FIRST, REFUSED_IN_A_ROW = 3, 16
"""So many refusals in a row are about all requests: where none was answered before, and where some were."""


class _TryAgain(Exception):  # noqa: N818 - a signal to tenacity, not an error
    def __init__(self, diagnosis: Diagnosis, sent_at: float, *, silent: bool) -> None:
        super().__init__(diagnosis.sentence)
        self.diagnosis = diagnosis
        self.sent_at = sent_at
        self.silent = silent


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
        attempts: How often a request is tried where the server fails.
        probe: Lets one request go first; one that is over where the server is known to answer.
        under_way: Tasks whose request is with the server at this moment.
        stopping: Set to send nothing more; who would still have to send ends as cancelled.
    """

    client: openai.AsyncOpenAI
    settings: Settings
    pacer: Pacing
    negotiation: Negotiation
    attempts: int = ATTEMPTS
    probe: Probe = field(default_factory=Probe)
    under_way: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    stopping: bool = field(default=False, init=False)
    _answers: int = field(default=0, init=False)
    _refusals: int = field(default=0, init=False)
    _patience: Patience = field(default_factory=Patience, init=False)

    async def ask(self, request: Request) -> Outcome:
        """Ask until there is an answer, or a reason why this request has none.

        A 429 is never counted: the gate closes for as long as the server says. Other failures are tried
        `attempts` times, but no longer than `Patience` allows. Until something has been answered, one request
        is asked after the other.

        Raises:
            LLMMisconfigured: The key, model or address is refused, or every request is.
            LLMUnavailable: All attempts failed, and no other request was answered meanwhile; or the server
                is silent, or asks for a longer wait than a run has.
        """
        async with self.probe.turn():
            return await self._asked(request)

    async def _asked(self, request: Request) -> Outcome:
        answers_before = self._answers
        gave_up = False

        def ends(state: RetryCallState) -> bool:
            nonlocal gave_up
            error = state.outcome.exception() if state.outcome else None
            if isinstance(error, _TryAgain):
                gave_up = self._patience.gives_up(_now(), error.sent_at, state.upcoming_sleep) or error.silent
            return gave_up or self.stopping or stop_after_attempt(self.attempts)(state)

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_TryAgain),
            stop=ends,
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
            if self._answers > answers_before and not gave_up:
                return Outcome(request, error=last.diagnosis.sentence)
            wait_s = retry_after_s(last.diagnosis.headers) if gave_up else None
            raise outage(last.diagnosis, str(self.client.base_url), wait_s) from last
        raise AssertionError("tenacity ends with an answer or an exception")

    async def _until_understood(self, request: Request, attempt: int) -> Outcome:
        refusals = 0
        while True:
            output = self.pacer.expected_output(len(request.sent), request.max_output_tokens)
            held = await self.pacer.admit(request.input_tokens + output)
            dialect = self.negotiation.dialect  # others may have learnt what is taken while this one waited
            sent_at = _now()
            try:
                reply, headers = await self._send(request, dialect, attempt)
            except asyncio.CancelledError:
                self.pacer.refused(held)
                raise
            except Exception as error:
                diagnosis, needed_tokens = diagnose(error), held.tokens
                self._note(diagnosis, held, request)
                if diagnosis.kind == "too-many":
                    refusals += 1
                    wait_s = _wait_s(diagnosis, refusals)
                    if self._patience.gives_up(_now(), sent_at, wait_s, REFUSED_S):
                        raise outage(diagnosis, str(self.client.base_url), wait_s) from error
                    self.pacer.close(needed_tokens, wait_s)
                elif not self._may_be_the_dialect(diagnosis, attempt) or not self.negotiation.refused(
                    dialect, diagnosis.status, diagnosis.words, diagnosis.param
                ):
                    return self._failed(request, diagnosis, error, sent_at)
            else:
                self.pacer.settle(held, len(request.sent), reply.usage, headers)
                self._answers, self._refusals = self._answers + 1, 0
                self._patience.answered(_now())
                self.probe.end()
                return Outcome(request, reply)

    def _note(self, diagnosis: Diagnosis, held: Reservation, request: Request) -> None:
        """Note that a request has failed, for what others have to wait or all have in common."""
        self.probe.failed()
        if diagnosis.kind in {"too-many", "transient"}:
            self.pacer.failed(held, diagnosis.headers, diagnosis.status)
            return
        self.pacer.refused(held)
        self._refusals += diagnosis.kind != "too-long" or len(request.sent) <= 1

    def _failed(self, request: Request, diagnosis: Diagnosis, error: Exception, sent_at: float) -> Outcome:
        """Return the outcome of a request that cannot be answered, unless that concerns the others too."""
        kind, too_long = diagnosis.kind, diagnosis.kind == "too-long"
        alone = len(request.sent) <= 1
        most = REFUSED_IN_A_ROW if self._answers or kind == "failed" else REFUSED_AT_FIRST
        concerns_all = kind == "misconfigured" and diagnosis.status != FORBIDDEN
        if self._refusals >= most and kind != "transient" and (alone or not too_long):
            concerns_all = True
        if concerns_all:
            raise refusal(diagnosis, self.settings.model, str(self.client.base_url)) from error
        if kind in {"transient", "garbled"}:
            silent = self._patience.is_silent(_now(), sent_at, self._answer_s(request))
            raise _TryAgain(diagnosis, sent_at, silent=silent) from error
        return Outcome(request, error=diagnosis.sentence, too_long=too_long)

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
        """Send one HTTP request, and learn from what is answered."""
        most_bytes = bytes_for(request.max_output_tokens)
        body = dialect.body(request, self.settings.model)
        response, latency_s = await self._post("/chat/completions", body, request, attempt, most_bytes)
        reply = reply_in(response, latency_s)
        heeded_limit = reply.usage.output_tokens <= request.max_output_tokens
        reply = counted(reply, request)
        heeded_schema = self.negotiation.proven or heeds_schema(reply, request.schema)
        self.negotiation.answered(dialect, heeded_limit=heeded_limit, heeded_schema=heeded_schema)
        return reply, response.headers

    async def _post(
        self, path: str, body: Mapping[str, Any], request: Request, attempt: int, most_bytes: int
    ) -> tuple[httpx2.Response, float]:
        """Send one HTTP request by the client's plain ``post``; return the answer and the seconds it took.

        It goes the same way as ``chat.completions.create`` (key, address, errors) without building the typed
        request and answer, which takes a third of the time of a call and would hide the headers.
        """
        if self.stopping:  # Python 3.11: a wait that ends while it is cancelled is not cancelled
            raise asyncio.CancelledError
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - narrows the type: a coroutine runs in a task
        self.under_way.add(task)
        in_line = max(1.0, self.pacer.under_way / SERVED_AT_ONCE)
        answer_s = self._answer_s(request)
        started = _now()
        try:
            self.probe.sent()
            with at_most(most_bytes):
                async with deadline(self._patience, answer_s, answer_s * attempt * in_line):
                    response = await self.client.post(
                        path,
                        cast_to=httpx2.Response,
                        body=body,
                        options={"timeout": httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S)},
                    )
        finally:
            self.under_way.discard(task)
        return response, _now() - started

    def _answer_s(self, request: Request) -> float:
        """Return how many seconds one answer takes at most, from the first byte sent to the last received."""
        writing_s = request.max_output_tokens / self.settings.slowest_tokens_per_s
        return self.settings.first_token_timeout_s + writing_s


def _now() -> float:
    return asyncio.get_running_loop().time()


def _wait_s(diagnosis: Diagnosis, refusals: int) -> float:
    """Return how long a 429 closes the gate; one that says "at once" is believed the first time."""
    wait_s = retry_after_s(diagnosis.headers)
    if wait_s is None or (wait_s == 0 and refusals > 1):
        return float(min(FIRST_BACKOFF_S * 2.0 ** min(refusals, 10), LONGEST_BACKOFF_S))
    return wait_s
