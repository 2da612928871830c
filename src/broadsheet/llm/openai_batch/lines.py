"""The lines of a job's files: a request each on the way in, a reply or a fault each on the way back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from broadsheet.llm import Reply, Request
from broadsheet.llm.completion import reply_of
from broadsheet.llm.negotiation import Dialect

_OK = 200


def line_of(request: Request, dialect: Dialect, model: str) -> bytes:
    """Return the line that asks a request, its end included."""
    body = dialect.body(request, model)
    line = {"custom_id": request.id, "method": "POST", "url": "/v1/chat/completions", "body": body}
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def unanswered(request_ids: Iterable[str], why: str) -> list[Mapping[str, Any]]:
    """Return lines as they would stand in the error file."""
    return [{"custom_id": request_id, "error": {"message": why}} for request_id in request_ids]


def replies_first(lines: Iterable[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], Reply | None]]:
    """Return lines with their replies; if a request stands in several, its answer comes first."""
    return sorted(((line, reply_in(line)) for line in lines), key=lambda pair: pair[1] is None)


def reply_in(line: Mapping[str, Any]) -> Reply | None:
    """Return the reply in a line; None where it tells of a fault, or cannot be read."""
    response = _mapping(line.get("response"))
    try:
        return reply_of(response["body"], 0.0) if _status(response) == _OK else None
    except (LookupError, TypeError, AttributeError, ValueError):
        return None


def fault_in(line: Mapping[str, Any]) -> tuple[int, str, str]:
    """Return status, sentence and parameter of the fault in a line; 0 and empty if it does not say."""
    response = _mapping(line.get("response"))
    status = _status(response)
    error = _mapping(line.get("error")) or _mapping(_mapping(response.get("body")).get("error"))
    return status, str(error.get("message") or f"status {status}"), str(error.get("param") or "")


def _status(response: Mapping[str, Any]) -> int:
    """Return the status of a response; some servers say it as a string, and a line may hold anything."""
    try:
        return int(response.get("status_code") or 0)
    except (TypeError, ValueError, OverflowError):
        return 0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
