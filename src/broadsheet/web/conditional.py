"""Conditional requests: an ETag on every page read, and 304 where the reader has it already (RFC 9110)."""

from __future__ import annotations

import asyncio
import zlib
from contextlib import suppress
from hashlib import sha256

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broadsheet.web.keeping import Kept, Key, Whole, header, key_of

CACHE_CONTROL = "public, max-age=60, stale-while-revalidate=600"
"""Editions come daily and annotations by the minute: a minute old is fresh."""
_OF_BODY = frozenset({b"content-length", b"content-type", b"content-encoding"})
"""Headers that tell of a body that is not sent."""
_GZIP = 16 + zlib.MAX_WBITS
"""zlib's number for gzip's format."""


class Conditional:
    """Holds an answer to a GET or HEAD back until it is whole, and sends only what is new to the reader.

    It comes before whatever packs and protects an answer, so that a kept one need not go through that again.
    Readers who ask for the same at once wait for one answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept = Kept()
        self._under_way: dict[Key, asyncio.Event] = {}
        self._renewals: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; what is no success, or has a Cache-Control of its own, passes as it is."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        key = key_of(scope)
        answer = self._kept.get(key)
        if answer is None and (others := self._under_way.get(key)):
            await others.wait()
            answer = self._kept.get(key)
        if answer is None:
            await self._ask(key, scope, receive, send)
            return
        if not self._kept.is_fresh(answer) and key not in self._under_way:
            self._under_way[key] = asyncio.Event()
            task = asyncio.create_task(self._renew(key, scope))
            self._renewals.add(task)
            task.add_done_callback(self._renewals.discard)
        await _send(scope, answer, send)

    async def _renew(self, key: Key, scope: Scope) -> None:
        """Make a newer answer than the one that readers are given meanwhile."""

        async def nothing() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def unsent(_: Message) -> None:
            pass

        with suppress(Exception):  # it was logged where it became an answer; the next reader asks again
            await self._ask(key, {**scope, "state": {}}, nothing, unsent)

    async def _ask(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        """Have an answer made, for all who ask for it until it is kept or cannot be."""
        start: Message | None = None
        parts: list[bytes] = []
        told = self._under_way.setdefault(key, asyncio.Event())

        async def hold(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = Headers(raw=message["headers"])
                if message["status"] == 200 and "cache-control" not in headers:
                    start = message
                    return
            if start is None:
                told.set()  # a slow reader must not keep others waiting
                await send(message)
                return
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                answer = self._whole(key, start, b"".join(parts))
                told.set()
                await _send(scope, answer, send)

        try:
            await self._app(scope, receive, hold)
        finally:
            told.set()
            if self._under_way.get(key) is told:
                del self._under_way[key]

    def _whole(self, key: Key, start: Message, body: bytes) -> Whole:
        headers = MutableHeaders(raw=start["headers"])
        etag = _etag(body, is_packed=headers.get("content-encoding") == "gzip")
        headers["etag"], headers["cache-control"] = etag, CACHE_CONTROL
        return self._kept.keep(key, headers.raw, body, etag)


def _etag(body: bytes, *, is_packed: bool) -> str:
    """Return the ETag of a body: of the same words the same, which a packed one has as a weak one.

    Two ways of packing may give other bytes (RFC 9110, 8.8.1), and some write the time into them.
    """
    words = zlib.decompress(body, _GZIP) if is_packed else body
    tag = f'"{sha256(words).hexdigest()[:24]}"'
    return f"W/{tag}" if is_packed else tag


async def _send(scope: Scope, answer: Whole, send: Send) -> None:
    headers, status, body = list(answer.headers), 200, answer.body
    known = header(scope, b"if-none-match")
    if known and _is_among(answer.etag, known.decode("latin-1")):
        headers, status, body = [each for each in headers if each[0] not in _OF_BODY], 304, b""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _is_among(etag: str, known: str) -> bool:
    """Tell whether an ETag is one of those that a reader has, be they weak or strong."""
    tags = {each.strip().removeprefix("W/") for each in known.split(",")}
    return etag.removeprefix("W/") in tags or known.strip() == "*"
