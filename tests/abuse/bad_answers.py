"""A server that answers every call with the same bad answer, as bytes on the wire, and forty of those."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from servers.in_thread import InThread

Writes = Callable[[dict[str, str]], AsyncIterator[bytes]]
ESCAPES = "\x1b[31mred\x1b[0m \x9b2J \u202egnirts"
BILLED = 909
FAR_AWAY = "Wed, 01 Jan 2099 00:00:00 GMT"


@dataclass(frozen=True)
class Bad:
    """A bad answer, and what the command may make of it.

    Attributes:
        writes: Yields the bytes; is given the headers of the call.
        code: The exit status.
        requests: How many calls it may take to find out.
        quick: Whether the test waits for answers for a moment only.
        billed: Tokens that each answer says it took.
    """

    writes: Writes
    code: int
    requests: int = 3
    quick: bool = False
    billed: int = 0


def whole(status: int, body: Any, **headers: str) -> Writes:
    """An answer with a length."""
    content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else None
    content = json.dumps(body).encode() if content is None else content
    headers = {"content-type": "application/json", **headers, "content-length": str(len(content))}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())

    async def write(_: dict[str, str]) -> AsyncIterator[bytes]:
        yield f"HTTP/1.1 {status} -\r\n{head}\r\n".encode("latin-1") + content

    return write


def error(status: int, message: str = "no such lantern", **headers: str) -> Writes:
    return whole(status, {"error": {"message": message}}, **headers)


def says(text: str | None, **more: Any) -> dict[str, Any]:
    """A chat completion."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop", **more}
    return {"choices": [choice], "usage": {"prompt_tokens": BILLED - 9, "completion_tokens": 9}}


async def endless(_: dict[str, str]) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 300000000\r\n\r\n"
    for _number in range(3_000):
        yield b" " * 100_000


async def endless_chunks(_: dict[str, str]) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    while True:
        yield b"1\r\n \r\n"
        await asyncio.sleep(0.01)


async def drips(_: dict[str, str]) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"
    while True:
        yield b" "
        await asyncio.sleep(0.02)


async def drips_headers(_: dict[str, str]) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nx-a: "
    while True:
        yield b"a"
        await asyncio.sleep(0.02)


async def silent(_: dict[str, str]) -> AsyncIterator[bytes]:
    await asyncio.sleep(3600)
    yield b""


async def hangs_up(_: dict[str, str]) -> AsyncIterator[bytes]:
    yield b""


async def no_http(_: dict[str, str]) -> AsyncIterator[bytes]:
    yield b"SSH-2.0-lantern\r\n"


async def quotes_the_key(headers: dict[str, str]) -> AsyncIterator[bytes]:
    async for part in error(401, f"refused: {headers['authorization']}")(headers):
        yield part


async def answers_with_the_key(headers: dict[str, str]) -> AsyncIterator[bytes]:
    async for part in whole(200, says(f"You sent {headers['authorization']}"))(headers):
        yield part


PAGE = "<!doctype html><html><head><title>Welcome</title></head><body>Sign in</body></html>"
BAD: dict[str, Bad] = {
    **{f"status {status}": Bad(error(status), 2) for status in (400, 401, 402, 403, 404, 405, 410)},
    **{f"status {status}": Bad(error(status), 2) for status in (413, 415, 418, 422, 426, 451)},
    **{f"status {s}": Bad(whole(s, "", location="https://u:pw-of-it@example.org/"), 2) for s in (301, 307)},
    **{f"status {status}": Bad(error(status), 1, 10) for status in (500, 502, 503, 529)},
    "a page": Bad(whole(200, PAGE, content_type="text/html"), 2),
    "a page with 404": Bad(whole(404, PAGE, content_type="text/html"), 2),
    "nothing": Bad(whole(200, b""), 2),
    "null": Bad(whole(200, None), 2),
    "a list": Bad(whole(200, [1, 2]), 2),
    "a number": Bad(whole(200, 7), 2),
    "no choices": Bad(whole(200, {}), 2),
    "empty choices": Bad(whole(200, {"choices": []}), 2),
    "a choice without message": Bad(whole(200, {"choices": [{}]}), 2),
    "a message that is null": Bad(whole(200, {"choices": [{"message": None}]}), 2),
    "JSON cut off": Bad(whole(200, b'{"choices": [{"mess'), 2),
    "bytes": Bad(whole(200, bytes(range(256)) * 9), 2),
    "a thousand brackets": Bad(whole(200, b"[" * 100_000), 2),
    "an error with status 200": Bad(whole(200, {"error": {"message": "busy"}}), 1, 6),
    "no credit with status 200": Bad(whole(200, {"error": {"message": "no credit", "code": 402}}), 2),
    "an empty message": Bad(whole(200, says(None)), 1, 8, billed=BILLED),
    "escapes": Bad(error(418, ESCAPES), 2),
    "escapes with a 401": Bad(error(401, ESCAPES), 2),
    "too many until 2099": Bad(error(429, retry_after=FAR_AWAY), 1),
    "overloaded until 2099": Bad(error(503, retry_after=FAR_AWAY), 1),
    "too many for ever": Bad(error(429, retry_after="1" + "0" * 300), 1),
    "300 MB": Bad(endless, 2),
    "a bomb": Bad(whole(200, gzip.compress(b" " * 50_000_000), content_encoding="gzip"), 2),
    "an encoding that nobody asked for": Bad(whole(200, says("{}"), content_encoding="br"), 2),
    "a drip": Bad(drips, 1, 2, quick=True),
    "a drip of headers": Bad(drips_headers, 1, 2, quick=True),
    "chunks without end": Bad(endless_chunks, 1, 2, quick=True),
    "silence": Bad(silent, 1, 2, quick=True),
    "a hang-up": Bad(hangs_up, 1, 6),
    "no HTTP": Bad(no_http, 2, 6),
    "the key in an error": Bad(quotes_the_key, 2),
    "the key in an answer": Bad(answers_with_the_key, 1, 8, billed=BILLED),
}


class BadServer(InThread):
    """Answers on loopback.

    Attributes:
        calls: The headers of each call.
        received: Bytes of all questions.
        sent: Bytes of all answers.
    """

    def __init__(self, writes: Writes) -> None:
        super().__init__()
        self._writes = writes
        self.calls: list[dict[str, str]] = []
        self.received = self.sent = 0
        self.base_url = f"http://127.0.0.1:{self.port}/v1"

    async def _run(self) -> None:
        server = await asyncio.start_server(self._answer, sock=self._socket)
        await self._stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:]
            pairs = (line.partition(": ") for line in head if line)
            headers = {name.lower(): value for name, _, value in pairs}
            self.received += len(await reader.readexactly(int(headers.get("content-length", "0"))))
            self.calls.append(headers)
            async for part in self._writes(headers):
                self.sent += len(part)
                writer.write(part)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            writer.close()
