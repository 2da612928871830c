"""Jobs of the Batch API as they are told, whatever a server leaves out or bends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from broadsheet.errors import LLMError, LLMMisconfigured, LLMUnavailable

if TYPE_CHECKING:
    from openai.types import Batch as Job  # noqa: TID251 - a provider's own package

ENDED = {"completed", "expired", "failed", "cancelled"}
RUNNING = {"validating", "in_progress", "finalizing", "cancelling", "queued", "pending", "running"}
UNKNOWN = "unknown"
UNKNOWN = "unknown"
"""The status of a job that has none."""


class NoBatchAPI(Exception):  # noqa: N818 - a signal to this room, not an error
    """What answers does not speak the Batch API."""


def id_of(answer: Any) -> str:
    """Return the id of a file or a job.

    Raises:
        NoBatchAPI: It has none: the client returns whatever JSON, or text, was answered.
    """
    name = getattr(answer, "id", None)
    if not isinstance(name, str) or not name:
        raise NoBatchAPI(f"it answered {_in_a_word(answer)}")
    return name


def job_of(answer: Any) -> Job:
    """Return a job that can be read, whatever a server leaves out.

    Raises:
        NoBatchAPI: It is none.
    """
    id_of(answer)
    for name in ("status", "output_file_id", "error_file_id", "input_file_id", "errors"):
        if not hasattr(answer, name):
            setattr(answer, name, None)
    answer.status = str(answer.status or UNKNOWN)
    job: Job = answer
    return job


def _in_a_word(answer: Any) -> str:
    if isinstance(answer, str):
        from broadsheet.llm.diagnosis import page_title

        return page_title(answer) or ("text" if answer.strip() else "nothing")
    return "nothing" if answer is None else "something without an id"


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
    listed = getattr(job.errors, "data", None)
    faults = listed if isinstance(listed, list) else []
    reasons = [getattr(fault, "message", None) or getattr(fault, "code", None) or "" for fault in faults]
    reason = "; ".join(map(str, reasons)) or "no reason is given"
    if any(getattr(fault, "code", None) == "token_limit_exceeded" for fault in faults):
        return LLMUnavailable(
            f"The Batch API holds too many tokens of this account ({reason}); run the same command again"
            " later, or send fewer papers at once with broadsheet annotate --limit."
        )
    return LLMMisconfigured(f"The Batch API refuses the job {job.id} ({reason}); see: broadsheet doctor.")
