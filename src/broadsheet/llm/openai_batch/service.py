"""Calls to the Batch API: files, and jobs that are created once however often the call for it is made.

A call that creates a job may be carried out and its answer lost, on the way or because the process was
killed. A job is found again by its input file, which no other job has: every server that keeps to the
interface lists its jobs with their files, whether or not it takes metadata.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from broadsheet.errors import LLMMisconfigured, LLMUnavailable
from broadsheet.llm.access import endpoint_address
from broadsheet.llm.openai.client import new_client
from broadsheet.llm.openai_batch.jobs import NoBatchAPI, id_of, job_of
from broadsheet.retrying import Headers, WaitAsAsked

if TYPE_CHECKING:
    import openai  # noqa: TID251 - a provider's own package
    from openai.types import Batch as Job  # noqa: TID251 - the same

log = logging.getLogger(__name__)

T = TypeVar("T")
Action = Callable[["openai.AsyncOpenAI"], Awaitable[T]]

CALL_ATTEMPTS = 5
LISTED_AT_MOST = 1000
"""Jobs that are looked through, latest first; one that was being created is among the latest."""
STOP_INTERVAL_S = 0.1
CONNECT_TIMEOUT_S, CALL_TIMEOUT_S, TRANSFER_TIMEOUT_S = 10.0, 60.0, 270.0
"""Seconds after which a call, or one that carries a file, is given up as a whole; a stop waits for it."""
GIVE_UP_S = 280.0
"""The same for a call with all its repetitions: a dead service ends a run within five minutes."""
CALL_BYTES = 4 * 1024 * 1024
"""What a call may answer that carries no file: a hundred jobs take about 100 kB."""
LONGEST_RETRY_AFTER_S = 60.0
"""How much of a ``Retry-After`` is obeyed; what takes longer is left for a later run."""
_NOT_LISTED = (
    "The server does not list its jobs, so the job of file %s is created again: if the call before was"
    " carried out, its requests are paid for twice."
)


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

        async def once(client: openai.AsyncOpenAI) -> str:
            return id_of(await client.files.create(file=file, purpose="batch"))

        return self._call(once, TRANSFER_TIMEOUT_S)

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

        async def once(client: openai.AsyncOpenAI) -> Job:
            nonlocal first
            if not first and (found := await _find(client, file_id)):
                return found
            first = False
            return job_of(
                await client.batches.create(
                    input_file_id=file_id, endpoint="/v1/chat/completions", completion_window="24h"
                )
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

        async def once(client: openai.AsyncOpenAI) -> Job:
            return job_of(await client.batches.retrieve(job_id))

        return self._known(once)

    def lines(self, job: Job, most_bytes: int) -> Iterator[dict[str, Any]]:
        """Yield what both files of a job hold, whatever became of it; lines that are no JSON are skipped.

        Args:
            job: The job.
            most_bytes: What a file may hold, by what was asked for.

        Raises:
            LLMMisconfigured: A file is refused.
            LLMUnavailable: The service does not answer.
        """
        for file_id in filter(None, (job.output_file_id, job.error_file_id)):
            content = self._known(partial(_content, file_id), TRANSFER_TIMEOUT_S, most_bytes)
            if content is None:
                log.warning("The Batch API has no file %s any more; its lines are asked again.", file_id)
            for text in (content or b"").splitlines():
                with suppress(ValueError, RecursionError):
                    if isinstance(line := json.loads(text), dict):
                        yield line

    def _known(
        self, action: Action[T], timeout_s: float | None = None, most_bytes: int = CALL_BYTES
    ) -> T | None:
        """Call the service; None where it does not know what is asked about."""
        import openai  # noqa: TID251 - a provider's own package

        async def ask(client: openai.AsyncOpenAI) -> T | None:
            with suppress(openai.NotFoundError):
                return await action(client)
            return None

        return self._call(ask, timeout_s, most_bytes)

    def _call(self, action: Action[T], timeout_s: float | None = None, most_bytes: int = CALL_BYTES) -> T:
        """Call the service, again where that can help."""
        import openai  # noqa: TID251 - a provider's own package

        from broadsheet.llm.diagnosis import diagnose

        until = time.monotonic() + GIVE_UP_S

        def once() -> T:
            rest_s = until - time.monotonic()
            return asyncio.run(_called(action, min(rest_s, timeout_s or CALL_TIMEOUT_S), most_bytes))

        def ends(state: RetryCallState) -> bool:
            too_late = time.monotonic() + state.upcoming_sleep >= until
            return self._stop() or too_late or stop_after_attempt(CALL_ATTEMPTS)(state)

        retrying = Retrying(
            retry=retry_if_exception_type(
                (openai.APIConnectionError, openai.InternalServerError, openai.RateLimitError, TimeoutError)
            ),
            stop=ends,
            wait=_WAIT,
            sleep=lambda seconds: pause(seconds, self._stop),
            reraise=True,
        )
        try:
            return retrying(once)
        except (NoBatchAPI, ValueError) as error:  # the client lets JSON that is none through
            why = error if isinstance(error, NoBatchAPI) else "it answered no JSON"
            raise LLMMisconfigured(
                f"What answers at {endpoint_address()} is no Batch API ({why}); use --engine openai, or"
                " correct OPENAI_BASE_URL."
            ) from error
        except (openai.OpenAIError, TimeoutError) as error:
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


async def _called(action: Action[T], timeout_s: float, most_bytes: int) -> T:
    """Call the service once, within a time and a size."""
    import openai  # noqa: TID251 - a provider's own package

    from broadsheet.llm.openai.bounded import at_most

    with at_most(most_bytes):
        async with asyncio.timeout(timeout_s), new_client(1) as client:
            timeout = openai.Timeout(None, connect=CONNECT_TIMEOUT_S)
            return await action(client.with_options(timeout=timeout))


async def _content(file_id: str, client: openai.AsyncOpenAI) -> bytes:
    return (await client.files.content(file_id)).content


def pause(seconds: float, stop: Callable[[], bool]) -> None:
    """Wait so long, or until ``stop`` says so."""
    until = time.monotonic() + seconds
    while (rest := until - time.monotonic()) > 0 and not stop():
        time.sleep(min(rest, STOP_INTERVAL_S))


async def _find(client: openai.AsyncOpenAI, file_id: str) -> Job | None:
    """Return the job of an input file; None where there is none, or where the server lists none."""
    import openai  # noqa: TID251 - a provider's own package

    try:
        seen = 0
        async for job in client.batches.list(limit=100):
            seen += 1
            if getattr(job, "input_file_id", None) == file_id:
                return job_of(job)
            if seen == LISTED_AT_MOST:
                break
    except (openai.APIStatusError, openai.APIResponseValidationError, AttributeError, TypeError) as error:
        status = getattr(error, "status_code", 0)
        if status in {401, 403, 408, 409, 425, 429} or (status >= 500 and status != 501):
            raise
        log.warning(_NOT_LISTED, file_id)
    return None
