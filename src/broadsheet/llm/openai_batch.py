"""The openai-batch engine: requests go out as files, are answered within a day, and cost half.

A job outlives the process that sent it. What is under way is kept in the database by a fingerprint of each
request, so a later run that asks the same requests collects the answers instead of sending them again.
Whatever a job's status, both of its files are read: an expired job keeps what was answered.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from broadsheet.config import Settings
from broadsheet.errors import LLMMisconfigured, LLMUnavailable
from broadsheet.llm import Outcome, Request
from broadsheet.llm.negotiation import Dialect, Negotiation
from broadsheet.llm.openai import NO_KEY, endpoint_address, require_access
from broadsheet.prompts import Prompts
from broadsheet.store import Store

if TYPE_CHECKING:
    import openai  # noqa: TID251 - a provider's own package
    from openai.types import Batch as Job  # noqa: TID251 - the same

log = logging.getLogger(__name__)

T = TypeVar("T")
MAX_LINES, MAX_BYTES = 50_000, 190_000_000
"""The service takes 50,000 lines and 200 MB a file."""
ENDED = {"completed", "expired", "failed", "cancelled"}
TRIES = 3
FIRST_POLL_S, LONGEST_POLL_S = 1.0, 60.0
CALL_ATTEMPTS = 5


def fingerprint(request: Request) -> str:
    """The same for the same turns, schema and papers, in whatever run they are asked."""
    asked = {
        "turns": [(turn.role, turn.text) for turn in request.turns],
        "schema": request.schema,
        "papers": {ref: (paper.id, paper.content_hash) for ref, paper in request.papers.items()},
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:24]


class OpenAIBatchLLM:
    """Asks by the Batch API; see `broadsheet.llm.LLM`."""

    engine = "openai-batch"
    prompted = True

    def __init__(self, settings: Settings, store: Store) -> None:
        self.model = settings.model
        self.waiting = ""
        self._wait_s = settings.batch_wait_s
        self._store = store
        self._endpoint = store.endpoint(endpoint_address(), settings.model)
        self._jobs = store.batch_jobs(endpoint_address(), settings.model)
        self._negotiation = Negotiation(Dialect.parse(self._endpoint.dialect()), self._remember)
        self._tries: Counter[str] = Counter()

    def complete(self, requests: Sequence[Request]) -> Iterator[Outcome]:
        """Send what is not with the service yet, and yield what has been answered.

        Raises:
            LLMUnavailable: Requests are still with the service when ``batch_wait_s`` is over; a later run
                collects them. Or the service does not answer.
            LLMMisconfigured: The key, the address or the file is refused.
        """
        waiting: dict[str, Request] = {}
        seen, poll_s = 0, FIRST_POLL_S
        deadline = time.monotonic() + self._wait_s
        while True:
            while seen < len(requests):
                waiting[self._name(requests[seen], waiting)] = requests[seen]
                seen += 1
            if not waiting:
                return
            with_service = self._jobs.open_lines()
            self._send({name: asked for name, asked in waiting.items() if name not in with_service})
            ended = [job for job in map(self._look, self._jobs.open()) if job.status in ENDED]
            for job in ended:
                yield from self._collect(job, waiting)
                self._jobs.collected(job.id, job.status)
            if ended:
                continue
            left = deadline - time.monotonic()
            if left <= 0:
                raise LLMUnavailable(
                    f"{len(waiting):,} requests are with the Batch API (job {', '.join(self._jobs.open())});"
                    " collect the answers later with: broadsheet annotate --engine openai-batch"
                )
            self.waiting = f"batch job: {len(waiting):,} requests"
            time.sleep(min(poll_s, left))
            poll_s = min(2 * poll_s, LONGEST_POLL_S)

    def _name(self, request: Request, waiting: Mapping[str, Request]) -> str:
        """A ``custom_id``: the fingerprint, numbered where the same request is asked twice at once."""
        base = fingerprint(request)
        return next(name for n in range(len(waiting) + 1) if (name := f"{base}-{n}") not in waiting)

    def _send(self, lines: Mapping[str, Request]) -> None:
        dialect = self._negotiation.dialect
        part: dict[str, bytes] = {}
        size = 0
        for name, request in lines.items():
            body = dialect.body(request, self.model)
            line = {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}
            encoded = json.dumps(line, ensure_ascii=False).encode() + b"\n"
            if part and (len(part) == MAX_LINES or size + len(encoded) > MAX_BYTES):
                self._submit(part)
                part, size = {}, 0
            part[name] = encoded
            size += len(encoded)
        if part:
            self._submit(part)

    def _submit(self, lines: Mapping[str, bytes]) -> None:
        content = b"".join(lines.values())
        file = self._call(
            lambda client: client.files.create(file=("broadsheet.jsonl", content), purpose="batch")
        )
        job = self._call(
            lambda client: client.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
            )
        )
        with self._store.transaction():
            self._jobs.submitted(job.id, lines)
        log.info("%s requests are with the Batch API as job %s.", f"{len(lines):,}", job.id)

    def _look(self, job_id: str) -> Job:
        return self._call(lambda client: client.batches.retrieve(job_id))

    def _collect(self, job: Job, waiting: dict[str, Request]) -> Iterator[Outcome]:
        """Outcomes of a job's lines; lines that failed or expired stay in ``waiting`` and are sent again."""
        if job.status == "failed":
            self._jobs.collected(job.id, job.status)
            self._refuse(job)
        for file_id in (job.output_file_id, job.error_file_id):
            if not file_id:
                continue
            for line in self._read(file_id).splitlines():
                if line.strip() and (outcome := self._outcome(json.loads(line), waiting)):
                    yield outcome

    def _read(self, file_id: str) -> bytes:
        return self._call(lambda client: client.files.content(file_id).read())

    def _outcome(self, line: Mapping[str, Any], waiting: dict[str, Request]) -> Outcome | None:
        from broadsheet.llm.exchange import reply_of

        name = line.get("custom_id", "")
        request = waiting.get(name)
        if request is None:
            return None
        response = line.get("response") or {}
        status = response.get("status_code") or 0
        if status == 200:
            try:
                reply = reply_of(response["body"], 0.0)
            except (LookupError, TypeError, AttributeError):
                status = 0
            else:
                self._negotiation.answered(self._negotiation.dialect)
                del waiting[name]
                return Outcome(request, reply)
        told = line.get("error") or (response.get("body") or {}).get("error") or {}
        said, param = str(told.get("message") or f"status {status}"), str(told.get("param") or "")
        self._tries[name] += 1
        understood = status not in {400, 415, 422}
        if understood and self._tries[name] < TRIES:
            return None
        dialect = self._negotiation.dialect
        if not understood and self._negotiation.refused(dialect, status, said, param):
            return None
        del waiting[name]
        return Outcome(request, error=said)

    def _refuse(self, job: Job) -> None:
        faults = (job.errors.data or []) if job.errors else []
        said = "; ".join(fault.message or fault.code or "" for fault in faults) or "no reason is given"
        if any(fault.code == "token_limit_exceeded" for fault in faults):
            raise LLMUnavailable(
                f"The Batch API holds too many tokens of this account ({said});"
                " run the same command again later."
            )
        raise LLMMisconfigured(f"The Batch API refuses the job {job.id} ({said}); see: broadsheet doctor.")

    def _remember(self, dialect: Dialect) -> None:
        self._endpoint.remember_dialect(dialect.text)

    def _call(self, action: Callable[[openai.OpenAI], T]) -> T:
        """One call to the service, again where that can help.

        Raises:
            LLMMisconfigured: It is refused.
            LLMUnavailable: It does not answer.
        """
        import openai  # noqa: TID251 - a provider's own package

        from broadsheet.llm.verdicts import verdict

        retrying = Retrying(
            retry=retry_if_exception_type(
                (openai.APIConnectionError, openai.InternalServerError, openai.RateLimitError)
            ),
            stop=stop_after_attempt(CALL_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.5, max=20),
            reraise=True,
        )
        try:
            with openai.OpenAI(api_key=os.environ.get("OPENAI_API_KEY") or NO_KEY, max_retries=0) as client:
                return retrying(action, client)
        except openai.OpenAIError as error:
            told = verdict(error)
            if told.kind in {"transient", "too-many"}:
                raise LLMUnavailable(
                    f"The Batch API does not answer ({told.sentence}); run the same command again later."
                ) from error
            raise LLMMisconfigured(
                f"The Batch API refuses ({told.sentence}); correct the key, the address or --engine."
            ) from error


def open_engine(settings: Settings, store: Store, prompts: Prompts) -> OpenAIBatchLLM:  # noqa: ARG001 - one signature
    """The engine.

    Raises:
        ConfigError: There is neither a key nor an address.
    """
    require_access()
    return OpenAIBatchLLM(settings, store)
