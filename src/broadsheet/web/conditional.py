"""Conditional requests: an ETag on every page read, and 304 where the reader has it already (RFC 9110)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from hashlib import sha256

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broadsheet.web.keeping import Kept, Key, Whole, key_of

CACHE_CONTROL = "public, max-age=60, stale-while-revalidate=600"
"""Editions come daily and annotations by the minute: a minute old is fresh."""


class Conditional:
    """Holds an answer to a GET or HEAD back until it is whole, and sends only what is new to the reader."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept = Kept()
        self._renewals: dict[Key, asyncio.Task[None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; what is no success, or has a Cache-Control of its own, passes as it is."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        key = key_of(scope)
        if answer := self._kept.get(key):
            if not self._kept.is_fresh(answer) and key not in self._renewals:
                task = asyncio.create_task(self._renew(scope))
                self._renewals[key] = task
                task.add_done_callback(lambda _: self._renewals.pop(key))
            await _send(scope, answer, send)
            return
        await self._ask(scope, receive, send)

    async def _renew(self, scope: Scope) -> None:
        """Make a newer answer than the one that readers are given meanwhile."""

        async def nothing() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def unsent(_: Message) -> None:
            pass

        with suppress(Exception):  # it was logged where it became an answer; the next reader asks again
            await self._ask({**scope, "state": {}}, nothing, unsent)

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message | None = None
        parts: list[bytes] = []

        async def hold(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = Headers(raw=message["headers"])
                if message["status"] == 200 and "cache-control" not in headers:
                    start = message
                    return
            if start is None:
                await send(message)
                return
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                await _send(scope, self._whole(scope, start, b"".join(parts)), send)

        await self._app(scope, receive, hold)

    def _whole(self, scope: Scope, start: Message, body: bytes) -> Whole:
        etag = f'"{sha256(body).hexdigest()[:24]}"'
        headers = MutableHeaders(raw=start["headers"])
        headers["etag"], headers["cache-control"] = etag, CACHE_CONTROL
        return self._kept.keep(key_of(scope), headers.raw, body, etag)


async def _send(scope: Scope, answer: Whole, send: Send) -> None:
    headers, status, body = MutableHeaders(raw=list(answer.headers)), 200, answer.body
    known = Headers(scope=scope).get("if-none-match", "")
    if answer.etag in {each.strip().removeprefix("W/") for each in known.split(",")} or known.strip() == "*":
        for name in ("content-length", "content-type"):
            del headers[name]
        status, body = 304, b""
    await send({"type": "http.response.start", "status": status, "headers": headers.raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
