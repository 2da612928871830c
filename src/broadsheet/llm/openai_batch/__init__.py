"""The openai-batch engine: requests go out as files, are answered within a day, and cost half.

A request outlives the process that asked it: it is stored whole before it is sent, and deleted when its
outcome has been dealt with. So a later run goes on from the answer under way, in the words in which it was
asked, and sends nothing twice. Both files of a job are read whatever its status: an expired job keeps what
was answered.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from broadsheet.config import Settings
from broadsheet.errors import LLMError, LLMMisconfigured, LLMUnavailable
from broadsheet.llm import Control, Outcome, Request
from broadsheet.llm.access import endpoint_address, require_access
from broadsheet.llm.completion import counted
from broadsheet.llm.negotiation import Dialect, Negotiation, heeds_schema
from broadsheet.llm.openai_batch.jobs import has_ended, refusal_of, status_of
from broadsheet.llm.openai_batch.lines import fault_in, line_of, replies_first, unanswered
from broadsheet.llm.openai_batch.service import BatchService, pause
from broadsheet.llm.openai_batch.stored import from_text, to_text
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from broadsheet.store.batch_jobs import OpenJob

if TYPE_CHECKING:
    from openai.types import Batch as Job  # noqa: TID251 - a provider's own package

log = logging.getLogger(__name__)

MAX_LINES, MAX_BYTES = 50_000, 190_000_000
"""The service takes 50,000 lines and 200 MB a file."""
TRIES = 3
"""How often a request that fails or expires is sent, whichever processes send it."""
NOT_UNDERSTOOD = {400, 415, 422}
FIRST_POLL_S, LONGEST_POLL_S = 1.0, 60.0
COMPLETION_WINDOW = timedelta(hours=24)


class OpenAIBatchLLM:
    """Asks by the Batch API, whose answers come within a day."""

    engine = "openai-batch"
    prompted = True
    deferred = True

    def __init__(self, settings: Settings, store: Store) -> None:
        self.model = settings.model
        self._wait_s = settings.batch_wait_s
        self._store = store
        self._endpoint = store.endpoint(endpoint_address(), settings.model)
        self._jobs = store.batch_jobs(endpoint_address(), settings.model)
        self._service = BatchService(self._stop)
        self._negotiation = Negotiation(
            Dialect.parse(self._endpoint.dialect()), self._remember, model=self.model
        )
        self._control = Control()
        self._waiting_for = ""
        self._tries: dict[str, int] = {}
        self._refusal: LLMError | None = None

    def open_requests(self) -> list[Request]:
        """Return the requests of earlier runs that have no outcome, in the order in which they were asked."""
        kept = self._jobs.open_requests()
        self._tries = {found.id: found.tries for found in kept}
        return [from_text(found.id, found.text) for found in kept]

    def complete(self, requests: Sequence[Request], control: Control) -> Iterator[Outcome]:
        """Send what is not with the service yet, and yield what has been answered.

        When every answer that is there has been yielded and ``batch_wait_s`` is over, or ``control`` says to
        stop, the rest is left to a later run.

        Raises:
            LLMUnavailable: The service does not answer; a later run goes on.
            LLMMisconfigured: The key, the address or the file is refused.
        """
        self._control, self._refusal = control, None
        waiting: dict[str, Request] = {}
        answered: list[Outcome] = []
        seen, poll_s = 0, FIRST_POLL_S
        deadline = time.monotonic() + self._wait_s
        while True:
            # First questions are kept when they are sent, follow-up questions with the same commit that
            # forgets the answered ones: after a kill before it the answers are read once more, after a kill
            # behind it the questions are there.
            with self._store.transaction():
                fresh = requests[seen:]
                seen += len(fresh)
                waiting.update((request.id, request) for request in fresh)
                self._keep(request for request in fresh if request.purpose != "annotate")
                self._jobs.close([outcome.request.id for outcome in answered])
            if self._refusal:
                raise self._refusal
            if not waiting:
                return
            answered = self._collected(waiting)
            for number, outcome in enumerate(answered, 1):
                yield replace(outcome, more=number < len(answered))
            if answered or self._refusal:
                continue
            sent, held_back = (0, 0) if self._stop() else self._send(waiting)
            poll_s = FIRST_POLL_S if sent else poll_s
            rest_s = deadline - time.monotonic()
            if rest_s <= 0 or held_back == len(waiting) or self._stop():
                yield from self._postponed(waiting)
                return
            self._waiting_for = f"batch job: {len(waiting):,} requests"
            log.info("%s requests are with the Batch API.", f"{len(waiting):,}")
            pause(min(poll_s, rest_s), self._stop)
            poll_s = min(2 * poll_s, LONGEST_POLL_S)

    def _stop(self) -> bool:
        return self._control.heartbeat(self._waiting_for)

    def _postponed(self, waiting: Mapping[str, Request]) -> Iterator[Outcome]:
        """Yield what a later run goes on with; a first question that was never sent is simply asked anew."""
        whereabouts = self._jobs.whereabouts()
        for request in waiting.values():
            if request.id in whereabouts:
                yield Outcome(request, later="with-service" if whereabouts[request.id] else "kept")

    def _keep(self, requests: Iterable[Request]) -> None:
        for request in requests:
            papers = ((paper.id, paper.content_hash) for paper in request.papers.values())
            self._jobs.keep(request.id, to_text(request), papers)

    def _send(self, waiting: Mapping[str, Request]) -> tuple[int, int]:
        """Send what is in no job, if the budget allows it.

        Returns:
            The number of requests sent, and of those that the budget holds back.
        """
        whereabouts = self._jobs.whereabouts()
        unsent = [request for id_, request in waiting.items() if not whereabouts.get(id_)]
        if unsent and not self._control.may_send():
            return 0, len(unsent)
        part: dict[str, bytes] = {}
        size = 0
        for request in unsent:
            line = line_of(request, self._negotiation.dialect, self.model)
            if part and (len(part) == MAX_LINES or size + len(line) > MAX_BYTES):
                self._submit(part, waiting)
                part, size = {}, 0
            part[request.id] = line
            size += len(line)
        if part:
            self._submit(part, waiting)
        return len(unsent), 0

    def _submit(self, lines: Mapping[str, bytes], waiting: Mapping[str, Request]) -> None:
        file_id = self._service.upload(b"".join(lines.values()))
        with self._store.transaction():
            self._keep(waiting[request_id] for request_id in lines)
            self._jobs.uploaded(file_id, self._negotiation.dialect.text, lines)
        try:
            job = self._service.create(file_id)
        except LLMMisconfigured:
            self._take_out(dict.fromkeys(lines, 0))
            raise
        with self._store.transaction():
            self._jobs.seen(file_id, job.id, job.status)
        log.info("%s requests are with the Batch API as job %s.", f"{len(lines):,}", job.id)

    def _collected(self, waiting: dict[str, Request]) -> list[Outcome]:
        """Return the outcomes of jobs that have ended; lines that failed or expired are to be sent again."""
        outcomes: list[Outcome] = []
        within: dict[str, dict[str, Request]] = {}
        for request_id, file_id in self._jobs.whereabouts().items():
            if file_id and request_id in waiting:
                within.setdefault(file_id, {})[request_id] = waiting[request_id]
        for known in self._jobs.jobs(within):
            try:
                outcomes += self._read(known, within[known.file_id], waiting)
            except LLMError as error:  # what the other jobs have answered is collected before it is raised
                again = isinstance(error, LLMUnavailable) and isinstance(self._refusal, LLMUnavailable)
                self._refusal = self._refusal or error
                if again or self._stop():
                    break
        for outcome in outcomes:
            del waiting[outcome.request.id]
        return outcomes

    def _read(self, known: OpenJob, unread: dict[str, Request], waiting: dict[str, Request]) -> list[Outcome]:
        """Return the outcomes of a job; none if it has not ended."""
        spoken = Dialect.parse(known.dialect) or Dialect()
        job = self._look(known, unread)
        if job is None or not has_ended(job, past_its_day=_age(known) >= COMPLETION_WINDOW):
            return []
        outcomes = self._outcomes(self._service.lines(job, _most_bytes(unread.values())), unread, spoken)
        if status_of(job) == "failed" and unread:
            self._forget(unread, waiting)
            self._refusal = self._refusal or refusal_of(job)
        missing = unanswered(unread, f"the job is {job.status} without an answer")
        return outcomes + self._outcomes(missing, unread, spoken)

    def _look(self, known: OpenJob, unread: Mapping[str, Request]) -> Job | None:
        """Return how a job stands; None if it is gone and its requests are to be sent again.

        Raises:
            LLMMisconfigured: The service does not know a job that it must be working on.
        """
        failures = 0
        if known.job_id:
            job = self._service.look(known.job_id)
            failures = 1
            if job is None and _age(known) < COMPLETION_WINDOW:
                raise LLMMisconfigured(
                    f"The Batch API does not know the job {known.job_id}, which it must be working on;"
                    " use the key and the address that the job was sent with."
                )
        elif self._control.may_send():
            try:
                job = self._service.create(known.file_id, perhaps_created=True)
            except LLMMisconfigured as error:
                log.info("A job that was begun cannot be created: %s", error)
                job = None
        else:
            job = self._service.find(known.file_id)
        if job is None:
            log.warning("The Batch API has lost the job %s; its requests are sent again.", known.job_id or "")
            self._take_out(dict.fromkeys(unread, failures))
            return None
        with self._store.transaction():
            self._jobs.seen(known.file_id, job.id, job.status)
        return job

    def _outcomes(
        self, lines: Iterable[Mapping[str, Any]], unread: dict[str, Request], spoken: Dialect
    ) -> list[Outcome]:
        """Return the outcomes in the lines of a job, and take their requests out of ``asked``."""
        outcomes = []
        failed: dict[str, int] = {}
        for line, reply in replies_first(lines):
            request = unread.pop(str(line.get("custom_id")), None)
            if request is None:
                continue
            if reply:
                heeded = self._negotiation.proven or heeds_schema(reply, request.schema)
                self._negotiation.answered(spoken, heeded_schema=heeded)
                outcomes.append(Outcome(request, counted(reply, request)))
                continue
            status, reason, param = fault_in(line)
            if status in NOT_UNDERSTOOD:
                failures, again = 0, self._negotiation.refused(spoken, status, reason, param)
            else:
                failures, again = 1, self._tries.get(request.id, 0) + 1 < TRIES
            if again:
                failed[request.id] = failures
            else:
                outcomes.append(Outcome(request, error=reason))
        self._take_out(failed)
        return outcomes

    def _take_out(self, failures: Mapping[str, int]) -> None:
        """Take requests out of their jobs, to be sent again; each with the failures to count."""
        for request_id, number in failures.items():
            self._tries[request_id] = self._tries.get(request_id, 0) + number
        with self._store.transaction():
            self._jobs.take_out({request_id: self._tries[request_id] for request_id in failures})

    def _forget(self, unread: dict[str, Request], waiting: dict[str, Request]) -> None:
        """Forget requests that were never begun, so that a later run is free to ask in another way."""
        with self._store.transaction():
            self._jobs.close(unread)
        for request_id in unread:
            del waiting[request_id]
        unread.clear()

    def _remember(self, dialect: Dialect) -> None:
        self._endpoint.remember_dialect(dialect.text)


def _most_bytes(requests: Iterable[Request]) -> int:
    """Return what the answers to these requests may take, with what a line says beside."""
    from broadsheet.llm.openai.bounded import FRAME_BYTES, bytes_for

    return FRAME_BYTES + sum(bytes_for(request.max_output_tokens) for request in requests)


def _age(known: OpenJob) -> timedelta:
    return datetime.now(UTC) - datetime.fromisoformat(known.uploaded_at)


def open_engine(settings: Settings, store: Store, prompts: Prompts) -> OpenAIBatchLLM:  # noqa: ARG001 - one signature
    """Open the engine.

    Raises:
        ConfigError: There is neither a key nor an address.
    """
    require_access()
    return OpenAIBatchLLM(settings, store)
