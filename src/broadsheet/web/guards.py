"""What every request passes before it is answered: limits on size and rate, and headers that protect readers.

Plain ASGI, since Starlette's own middleware class would buffer what streams.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broadsheet.web.problems import refusal

MOST_QUERY_BYTES = 4_096
MOST_BODY_BYTES = 256 * 1024
"""Room for a thousand titles of 250 letters."""
BODY_S = 20.0
"""How long a body may take."""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with none at all, a form's Origin would be null
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "interest-cohort=()",
}
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Refuses requests that are too large, and sets the headers that protect readers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it with 413 or 414."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if len(scope["query_string"]) > MOST_QUERY_BYTES:
            await refusal(scope, 414, f"A query may have {MOST_QUERY_BYTES:,} bytes.")(
                scope, receive, protected
            )
            return
        try:
            async with asyncio.timeout(BODY_S):
                body = await _body(scope, receive)
        except TimeoutError:
            await refusal(scope, 408, "The body took too long.", headers={"connection": "close"})(
                scope, receive, protected
            )
            return
        if body is None:
            await refusal(scope, 413, f"A body may have {MOST_BODY_BYTES:,} bytes.")(
                scope, receive, protected
            )
            return
        await self._app(scope, _replaying(body, receive), protected)


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """Return the whole body, or None if it is too long; no more of it than is allowed is held."""
    if scope["method"] in {"GET", "HEAD"}:
        return b""
    told = Headers(scope=scope).get("content-length", "")
    if told.isdecimal() and int(told) > MOST_BODY_BYTES:
        return None
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > MOST_BODY_BYTES:
            return None
        if not message.get("more_body"):
            return body


def _replaying(body: bytes, receive: Receive) -> Receive:
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


@dataclass
class RateLimit:
    """A bucket for each client: so many writes at once, refilled at so many a minute.

    Attributes:
        app: What is protected.
        at_once: Writes that a client may make in one go.
        per_minute: Writes a minute that a client gets back.
        clock: Seconds.
    """

    app: ASGIApp
    at_once: int = 20
    per_minute: float = 20.0
    clock: Callable[[], float] = time.monotonic
    _clients: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse one that writes with 429 and the seconds to wait."""
        if scope["type"] == "http" and scope["method"] not in _READING and not _is_not_counted(scope["path"]):
            client = scope["client"][0] if scope.get("client") else ""
            if wait_s := self._wait_s(client):
                headers = {"retry-after": str(max(1, round(wait_s)))}
                await refusal(scope, 429, "Too many requests; try again later.", headers=headers)(
                    scope, receive, send
                )
                return
        await self.app(scope, receive, send)

    def _wait_s(self, client: str) -> float:
        now, per_s = self.clock(), self.per_minute / 60
        left, then = self._clients.pop(client, (float(self.at_once), now))
        left = min(float(self.at_once), left + (now - then) * per_s)
        self._clients[client] = (max(0.0, left - 1) if left >= 1 else left, now)
        while len(self._clients) > _MOST_CLIENTS:
            self._clients.popitem(last=False)
        return 0.0 if left >= 1 else (1 - left) / per_s


_MOST_CLIENTS = 10_000


def _is_not_counted(path: str) -> bool:
    """Tell whether a path is not counted: looking up writes nothing, and leaving must never be refused.

    Large mailbox providers send the unsubscribe requests of all their users from a few addresses (RFC 8058).
    """
    return path == "/api/lookup" or path.startswith("/unsubscribe/")
