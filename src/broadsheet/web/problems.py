"""Errors: problem details for the API (RFC 9457), pages for everything else."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import Scope

from broadsheet.errors import AmbiguousError, BroadsheetError, NotFoundError, StoreError, UserError
from broadsheet.web.look import Look

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TRY_AGAIN_S = 5


class Problem(BaseModel):
    """The body of every error."""

    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="The HTTP status.", examples=[404])
    detail: str = Field("", description="What is wrong, in a sentence.")
    errors: list[dict[str, Any]] = Field([], description="What is wrong with each parameter, if any is.")


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": HTTPStatus(status).phrase}
    for status in (400, 404, 408, 413, 414, 422, 429, 503)
}
"""What any of the API's paths may answer besides its result; for the OpenAPI description."""


def problem(
    status: int, detail: str = "", *, headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return an error as a problem's body."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail).model_dump() | more
    return JSONResponse(body, status, headers=headers, media_type=MEDIA_TYPE)


def refusal(
    scope: Scope, status: int, detail: str = "", *, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """Return an error as whoever asked can read it: a problem's body below ``/api/``, elsewhere a page."""
    if scope["path"].startswith("/api/"):
        return problem(status, detail, headers=headers, **more)
    look: Look = scope["app"].state.look
    return look.error(status, detail, headers=headers, candidates=more.get("candidates", ()))


_SENTENCES = {
    HTTPStatus.NOT_FOUND.phrase: "There is nothing at this address.",
    HTTPStatus.METHOD_NOT_ALLOWED.phrase: "This address takes no requests of this method.",
}
"""What to say where the framework has only a status's own phrase to say, which is the heading already."""


def answer_with_problems(app: FastAPI) -> None:
    """Have an application answer every error with a problem's body or a page."""
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_parameters)
    app.add_exception_handler(BroadsheetError, _of_ours)
    app.add_exception_handler(Exception, _of_the_unexpected)


def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type: registered for it
    detail = _SENTENCES.get(str(error.detail), str(error.detail))
    return refusal(request.scope, error.status_code, detail, headers=dict(error.headers or {}))


def _of_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - the same
    errors = [
        {"parameter": ".".join(map(str, each["loc"])), "reason": str(each["msg"])} for each in error.errors()
    ]
    detail = "; ".join(f"{each['parameter']}: {each['reason']}" for each in errors)
    return refusal(request.scope, HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)


def _of_ours(request: Request, error: Exception) -> Response:
    if isinstance(error, AmbiguousError):
        candidates = [{"id": id_, "title": title} for id_, title in error.candidates]
        return refusal(request.scope, HTTPStatus.NOT_FOUND, str(error), candidates=candidates)
    if isinstance(error, NotFoundError):
        return refusal(request.scope, HTTPStatus.NOT_FOUND, str(error))
    if isinstance(error, StoreError):
        log.error("%s", error)  # the file's path is the operator's affair, not the reader's
        headers = {"retry-after": str(TRY_AGAIN_S)}
        return refusal(
            request.scope, HTTPStatus.SERVICE_UNAVAILABLE, "The cache cannot be read now.", headers=headers
        )
    if isinstance(error, UserError):
        return refusal(request.scope, HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    return _of_the_unexpected(request, error)


def _of_the_unexpected(request: Request, error: Exception) -> Response:
    log.error("%s: %s", type(error).__name__, error)
    return refusal(
        request.scope, HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here; the log says what."
    )
