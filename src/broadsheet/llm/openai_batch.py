"""The openai-batch engine: requests go out as files, are answered within a day, and cost half.

A request outlives the process that asked it: it is kept whole before it is sent, and forgotten when its
outcome has been dealt with. So whatever a later run would make of its papers, it goes on from the answer that
is under way, in the words in which it was asked, and sends nothing twice. Whatever a job's status, both of
its files are read: an expired job keeps what was answered.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from broadsheet.config import Settings
from broadsheet.errors import LLMError, LLMMisconfigured, LLMUnavailable
from broadsheet.llm import Outcome, Request
from broadsheet.llm.batch_lines import fault_in, line_of, replies_first, unanswered
from broadsheet.llm.batch_service import BatchService, has_ended, pause, refusal_of, status_of
from broadsheet.llm.completion import counted
from broadsheet.llm.lasting import as_written, written
from broadsheet.llm.negotiation import Dialect, Negotiation, heeds_schema
from broadsheet.llm.openai import endpoint_address, require_access
from broadsheet.paper import Paper
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
    """Asks by the Batch API; see `broadsheet.llm.lasting.Lasting`."""

    engine = "openai-batch"
    prompted = True

    def __init__(self, settings: Settings, store: Store) -> None:
        self.model = settings.model
        self.waiting = ""
        self.collecting = False
        self.stop: Callable[[], bool] = lambda: False
        self.may_send: Callable[[], bool] = lambda: True
        self.held_back: frozenset[str] = frozenset()
        self._wait_s = settings.batch_wait_s
        self._store = store
        self._endpoint = store.endpoint(endpoint_address(), settings.model)
        self._jobs = store.batch_jobs(endpoint_address(), settings.model)
        self._service = BatchService(self._stopped)
        self._negotiation = Negotiation(
            Dialect.parse(self._endpoint.dialect()), self._remember, model=self.model
        )
        self._tries: dict[str, int] = {}
        self._refusal: LLMError | None = None

    def take_up(self) -> list[Request]:
        """Requests of earlier runs that have no outcome and that no living process waits for."""
        with self._store.transaction():
            kept = self._jobs.open_requests()
            ours = self._store.claims.take({found.id: "" for found in kept})
        self._tries = {found.id: found.tries for found in kept if found.id in ours}
        return [as_written(found.id, found.text) for found in kept if found.id in ours]

    def holds(self, paper: Paper) -> bool:
        """Whether a request without an outcome asks about this paper in these words."""
        return self._jobs.holds(paper.id, paper.content_hash)

    def count_held(self) -> int:
        """How many papers requests without an outcome ask about."""
        return self._jobs.papers()

    def complete(self, requests: Sequence[Request]) -> Iterator[Outcome]:
        """Send what is not with the service yet, and yield what has been answered.

        It ends when every request has its outcome or is held back, when ``batch_wait_s`` is over, or when
        ``stop`` says so.

        Raises:
            LLMUnavailable: The service does not answer; a later run goes on.
            LLMMisconfigured: The key, the address or the file is refused.
        """
        self._refusal, self.held_back = None, frozenset()
        waiting: dict[str, Request] = {}
        answered: list[Outcome] = []
        seen, poll_s = 0, FIRST_POLL_S
        deadline = time.monotonic() + self._wait_s
        while True:
            # Questions that came of the answers are kept with the same commit that forgets the answered ones:
            # a kill before it reads the answers once more, a kill after it goes on from the questions.
            with self._store.transaction():
                seen += self._admit(requests[seen:], waiting)
                self._close(outcome.request.id for outcome in answered)
                self._store.claims.renew()
            if self._refusal:
                raise self._refusal
            if not waiting:
                return
            answered = self._collected(waiting)
            for number, outcome in enumerate(answered, 1):
                self.collecting = number < len(answered)
                yield outcome
            if answered or self._refusal:
                continue
            if not self.stop() and self._send(waiting):
                poll_s = FIRST_POLL_S
            left = deadline - time.monotonic()
            if left <= 0 or self.stop() or len(self.held_back) == len(waiting):
                return
            self.waiting = f"batch job: {len(waiting):,} requests"
            log.info("%s requests are with the Batch API.", f"{len(waiting):,}")
            pause(min(poll_s, left), self.stop)
            poll_s = min(2 * poll_s, LONGEST_POLL_S)

    def _stopped(self) -> bool:
        return self.stop()

    def _admit(self, requests: Sequence[Request], waiting: dict[str, Request]) -> int:
        """Wait for requests; what comes of an answer is kept at once, a first question when it is sent."""
        waiting.update((request.id, request) for request in requests)
        self._store.claims.take({request.id: "" for request in requests})
        self._keep(request for request in requests if request.purpose != "annotate")
        return len(requests)

    def _keep(self, requests: Iterable[Request]) -> None:
        for request in requests:
            papers = ((paper.id, paper.content_hash) for paper in request.papers.values())
            self._jobs.keep(request.id, written(request), papers)

    def _close(self, request_ids: Iterable[str]) -> None:
        closed = list(request_ids)
        self._jobs.close(closed)
        self._store.claims.release(closed)

    def _send(self, waiting: Mapping[str, Request]) -> int:
        """Send what is in no job, if it may be sent; returns how many requests that are."""
        whereabouts = self._jobs.whereabouts()
        unsent = [request for id_, request in waiting.items() if not whereabouts.get(id_)]
        may_not = bool(unsent) and not self.may_send()
        self.held_back = frozenset(request.id for request in unsent if may_not)
        if may_not:
            return 0
        part: dict[str, bytes] = {}
        size = 0
        for request in unsent:
            encoded = line_of(request, self._negotiation.dialect, self.model)
            if part and (len(part) == MAX_LINES or size + len(encoded) > MAX_BYTES):
                self._submit(part, waiting)
                part, size = {}, 0
            part[request.id] = encoded
            size += len(encoded)
        if part:
            self._submit(part, waiting)
        return len(unsent)

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
        """Outcomes of the jobs that have ended; lines that failed or expired are to be sent again."""
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
                if again or self.stop():
                    break
        for outcome in outcomes:
            del waiting[outcome.request.id]
        return outcomes

    def _read(self, known: OpenJob, asked: dict[str, Request], waiting: dict[str, Request]) -> list[Outcome]:
        """Outcomes of a job; none where it has not ended."""
        spoken = Dialect.parse(known.dialect) or Dialect()
        job = self._look(known, asked)
        if job is None or not has_ended(job, past_its_day=_age(known) >= COMPLETION_WINDOW):
            return []
        outcomes = self._told(self._service.lines(job), asked, spoken)
        if status_of(job) == "failed" and asked:
            self._forget(asked, waiting)
            self._refusal = self._refusal or refusal_of(job)
        missing = unanswered(asked, f"the job is {job.status} without an answer")
        return outcomes + self._told(missing, asked, spoken)

    def _look(self, known: OpenJob, asked: Mapping[str, Request]) -> Job | None:
        """How a job stands; None where there is none, and its requests are to be sent again.

        Raises:
            LLMMisconfigured: The service does not know a job that it must be working on.
        """
        if known.job_id is None and not self.may_send():
            found = self._service.find(known.file_id)
            if found is None:
                self._take_out(dict.fromkeys(asked, 0))
                return None
            job = found
        elif known.job_id is None:
            try:
                job = self._service.create(known.file_id, perhaps_created=True)
            except LLMMisconfigured as error:
                log.info("A job that was begun cannot be created (%s); its requests are sent anew.", error)
                self._take_out(dict.fromkeys(asked, 0))
                return None
        else:
            found = self._service.look(known.job_id)
            if found is None and _age(known) < COMPLETION_WINDOW:
                raise LLMMisconfigured(
                    f"The Batch API does not know the job {known.job_id}, which it must be working on;"
                    " use the key and the address that the job was sent with."
                )
            if found is None:
                log.warning("The Batch API has lost the job %s; its requests are sent again.", known.job_id)
                self._take_out(dict.fromkeys(asked, 1))
                return None
            job = found
        with self._store.transaction():
            self._jobs.seen(known.file_id, job.id, job.status)
        return job

    def _told(
        self, lines: Iterable[Mapping[str, Any]], asked: dict[str, Request], spoken: Dialect
    ) -> list[Outcome]:
        """Outcomes of the lines of a job; what they tell of is taken out of ``asked``."""
        outcomes = []
        failed: dict[str, int] = {}
        for line, reply in replies_first(lines):
            request = asked.pop(str(line.get("custom_id")), None)
            if request is None:
                continue
            if reply:
                heeded = self._negotiation.proven or heeds_schema(reply, request.schema)
                self._negotiation.answered(spoken, heeded_schema=heeded)
                outcomes.append(Outcome(request, counted(reply, request)))
                continue
            status, said, param = fault_in(line)
            if status in NOT_UNDERSTOOD:
                failures, again = 0, self._negotiation.refused(spoken, status, said, param)
            else:
                failures, again = 1, self._tries.get(request.id, 0) + 1 < TRIES
            if again:
                failed[request.id] = failures
            else:
                outcomes.append(Outcome(request, error=said))
        self._take_out(failed)
        return outcomes

    def _take_out(self, failures: Mapping[str, int]) -> None:
        """Take requests out of their jobs, to be sent again; each with the failures to count."""
        for request_id, number in failures.items():
            self._tries[request_id] = self._tries.get(request_id, 0) + number
        with self._store.transaction():
            self._jobs.take_out({request_id: self._tries[request_id] for request_id in failures})

    def _forget(self, asked: dict[str, Request], waiting: dict[str, Request]) -> None:
        """Forget requests that were never begun, so that a later run is free to ask in another way."""
        with self._store.transaction():
            self._close(asked)
        for request_id in asked:
            del waiting[request_id]
        asked.clear()

    def _remember(self, dialect: Dialect) -> None:
        self._endpoint.remember_dialect(dialect.text)


def _age(known: OpenJob) -> timedelta:
    return datetime.now(UTC) - datetime.fromisoformat(known.uploaded_at)


def open_engine(settings: Settings, store: Store, prompts: Prompts) -> OpenAIBatchLLM:  # noqa: ARG001 - one signature
    """The engine.

    Raises:
        ConfigError: There is neither a key nor an address.
    """
    require_access()
    return OpenAIBatchLLM(settings, store)
