"""Calls to the Batch API: files, and jobs that are created once however often the call for it is made.

A call that creates a job may be carried out and its answer lost, on the way or because the process was
killed. A job is found again by its input file, which no other job has: every server that keeps to the
interface lists its jobs with their files, whether or not it takes metadata.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from broadsheet.errors import LLMError, LLMMisconfigured, LLMUnavailable
from broadsheet.llm.access import api_key
from broadsheet.retrying import Headers, WaitAsAsked

if TYPE_CHECKING:
    import openai  # noqa: TID251 - a provider's own package
    from openai.types import Batch as Job  # noqa: TID251 - the same

log = logging.getLogger(__name__)

T = TypeVar("T")
CALL_ATTEMPTS = 5
LISTED_AT_MOST = 1000
"""Jobs that are looked through, latest first; one that was being created is among the latest."""
STOP_INTERVAL_S = 0.1
CONNECT_TIMEOUT_S, CALL_TIMEOUT_S, TRANSFER_TIMEOUT_S = 10.0, 60.0, 300.0
"""Seconds without a byte after which a call, or one that carries a file, is given up; a stop waits for it."""
LONGEST_RETRY_AFTER_S = 60.0
"""How much of a ``Retry-After`` is obeyed; what takes longer is left for a later run."""
ENDED = {"completed", "expired", "failed", "cancelled"}
RUNNING = {"validating", "in_progress", "finalizing", "cancelling", "queued", "pending", "running"}


def _headers_of(error: BaseException) -> Headers | None:
    response = getattr(error, "response", None)
    return response.headers if response is not None else None


_WAIT = WaitAsAsked(
    _headers_of, wait_random_exponential(multiplier=0.5, max=20), most_s=LONGEST_RETRY_AFTER_S
)


class BatchService:
    """The Batch API as the environment names it.

    Args:
        stop: Asked while a call waits to be made again; once true, it is given up.
    """

    def __init__(self, stop: Callable[[], bool]) -> None:
        self._stop = stop

    def upload(self, content: bytes) -> str:
        """Upload an input file; returns its id.

        Raises:
            LLMMisconfigured: It is refused.
            LLMUnavailable: The service does not answer.
        """
        file = "broadsheet.jsonl", content
        upload = self._call(
            lambda client: client.files.create(file=file, purpose="batch"), TRANSFER_TIMEOUT_S
        )
        return upload.id

    def create(self, file_id: str, *, perhaps_created: bool = False) -> Job:
        """Create the job of an input file, unless it exists.

        Args:
            file_id: The file.
            perhaps_created: Whether an earlier call may have created it.

        Raises:
            LLMMisconfigured: It is refused.
            LLMUnavailable: The service does not answer.
        """
        first = not perhaps_created

        def once(client: openai.OpenAI) -> Job:
            nonlocal first
            if not first and (found := _find(client, file_id)):
                return found
            first = False
            return client.batches.create(
                input_file_id=file_id, endpoint="/v1/chat/completions", completion_window="24h"
            )

        return self._call(once)

    def find(self, file_id: str) -> Job | None:
        """Return the job of an input file; None where there is none, or where the server lists none.

        Raises:
            LLMMisconfigured: The question is refused.
            LLMUnavailable: The service does not answer.
        """
        return self._call(lambda client: _find(client, file_id))

    def look(self, job_id: str) -> Job | None:
        """Return how a job stands; None if the service does not know it.

        Raises:
            LLMMisconfigured: The question is refused.
            LLMUnavailable: The service does not answer.
        """
        return self._known(lambda client: client.batches.retrieve(job_id))

    def lines(self, job: Job) -> Iterator[dict[str, Any]]:
        """Yield what both files of a job hold, whatever became of it; lines that are no JSON are skipped.

        Raises:
            LLMMisconfigured: A file is refused.
            LLMUnavailable: The service does not answer.
        """
        for file_id in filter(None, (job.output_file_id, job.error_file_id)):
            content = self._known(partial(_content, file_id), TRANSFER_TIMEOUT_S)
            if content is None:
                log.warning("The Batch API has no file %s any more; its lines are asked again.", file_id)
            for text in (content or b"").splitlines():
                with suppress(ValueError):
                    if isinstance(line := json.loads(text), dict):
                        yield line

    def _known(self, action: Callable[[openai.OpenAI], T], timeout_s: float | None = None) -> T | None:
        """Call the service; None where it does not know what is asked about."""
        import openai  # noqa: TID251 - a provider's own package

        def ask(client: openai.OpenAI) -> T | None:
            with suppress(openai.NotFoundError):
                return action(client)
            return None

        return self._call(ask, timeout_s)

    def _call(self, action: Callable[[openai.OpenAI], T], timeout_s: float | None = None) -> T:
        """Call the service, again where that can help."""
        import openai  # noqa: TID251 - a provider's own package

        from broadsheet.llm.diagnosis import diagnose

        retrying = Retrying(
            retry=retry_if_exception_type(
                (openai.APIConnectionError, openai.InternalServerError, openai.RateLimitError)
            ),
            stop=lambda state: self._stop() or stop_after_attempt(CALL_ATTEMPTS)(state),
            wait=_WAIT,
            sleep=lambda seconds: pause(seconds, self._stop),
            reraise=True,
        )
        timeout = openai.Timeout(timeout_s or CALL_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        try:
            with openai.OpenAI(api_key=api_key(), max_retries=0, timeout=timeout) as client:
                return retrying(action, client)
        except openai.OpenAIError as error:
            diagnosis = diagnose(error)
            if diagnosis.kind in {"transient", "too-many"}:
                sentence = (
                    f"The Batch API does not answer ({diagnosis.sentence}); run the same command again later."
                )
                raise LLMUnavailable(sentence) from error
            sentence = (
                f"The Batch API refuses ({diagnosis.sentence}); correct the key, the address or --engine."
            )
            raise LLMMisconfigured(sentence) from error


def _content(file_id: str, client: openai.OpenAI) -> bytes:
    return client.files.content(file_id).read()


def pause(seconds: float, stop: Callable[[], bool]) -> None:
    """Wait so long, or until ``stop`` says so."""
    until = time.monotonic() + seconds
    while (rest := until - time.monotonic()) > 0 and not stop():
        time.sleep(min(rest, STOP_INTERVAL_S))


def status_of(job: Job) -> str:
    """Return how a job stands; some servers say it in capitals."""
    return str(job.status).lower()


def has_ended(job: Job, *, past_its_day: bool) -> bool:
    """Tell whether nothing more will come of a job.

    Other servers have other words, such as ``canceled`` or ``succeeded``: a job whose status we do not know
    has ended when it has a file to read, or when its day is over. One that is known to be worked on has not,
    however long it takes: what is sent again would be paid for twice.
    """
    status = status_of(job)
    if status in ENDED or status in RUNNING:
        return status in ENDED
    return bool(job.output_file_id or job.error_file_id) or past_its_day


def refusal_of(job: Job) -> LLMError:
    """Return why a job was not begun."""
    faults = (job.errors.data or []) if job.errors else []
    reasons = "; ".join(fault.message or fault.code or "" for fault in faults) or "no reason is given"
    if any(fault.code == "token_limit_exceeded" for fault in faults):
        return LLMUnavailable(
            f"The Batch API holds too many tokens of this account ({reasons}); run the same command again"
            " later, or send fewer papers at once with broadsheet annotate --limit."
        )
    return LLMMisconfigured(f"The Batch API refuses the job {job.id} ({reasons}); see: broadsheet doctor.")


def _find(client: openai.OpenAI, file_id: str) -> Job | None:
    """Return the job of an input file; None where there is none, or where the server lists none."""
    import openai  # noqa: TID251 - a provider's own package

    try:
        listed = islice(client.batches.list(limit=100), LISTED_AT_MOST)
        return next((job for job in listed if job.input_file_id == file_id), None)
    except (openai.APIStatusError, openai.APIResponseValidationError) as error:
        status = getattr(error, "status_code", 0)
        if status in {401, 403, 408, 409, 425, 429} or (status >= 500 and status != 501):
            raise
    log.warning(
        "The server does not list its jobs, so the job of file %s is created again: if the call before was"
        " carried out, its requests are paid for twice.",
        file_id,
    )
    return None
