"""A small HTTP/1.1 server on 127.0.0.1 that serves hundreds of waiting connections from one thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from servers.in_thread import InThread


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request as it came; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. ``reset`` cuts the connection instead of answering."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False

    @classmethod
    def of(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Self:
        """An answer whose body is JSON."""
        return cls(status, json.dumps(value).encode(), headers or {})


Respond = Callable[[Call], Awaitable[Answer]]


class _Connection(asyncio.Protocol):
    """Reads one request at a time from one connection that is kept open."""

    def __init__(
        self, respond: Respond, tasks: set[asyncio.Task[None]], open_: set[asyncio.Transport]
    ) -> None:
        self._respond, self._tasks, self._open = respond, tasks, open_
        self._buffer = bytearray()
        self._busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        assert self._transport is not None
        self._open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def _next(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if self._busy or end < 0:
            return
        head, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (s.partition(":") for s in lines)
        }
        length = int(headers.get("content-length", "0"))
        if len(self._buffer) < end + 4 + length:
            return
        method, path, _ = head.split(" ", 2)
        call = Call(method, path, headers, bytes(self._buffer[end + 4 : end + 4 + length]))
        del self._buffer[: end + 4 + length]
        self._busy = True
        task = asyncio.get_running_loop().create_task(self._answer(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, call: Call) -> None:
        answer = await self._respond(call)
        transport = self._transport
        assert transport is not None
        if answer.reset:
            transport.abort()
            return
        if transport.is_closing():
            return
        head = {"content-type": "application/json", **answer.headers, "content-length": str(len(answer.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        transport.write(f"HTTP/1.1 {answer.status} -\r\n{lines}\r\n".encode("latin-1") + answer.body)
        self._busy = False
        self._next()


class LoopbackServer(InThread):
    """Serves ``respond`` from a thread of its own: ``with LoopbackServer(respond) as server: server.url``."""

    def __init__(self, respond: Respond, port: int = 0) -> None:
        super().__init__(port)
        self._respond = respond
        self.url = f"http://127.0.0.1:{self.port}"

    async def _run(self) -> None:
        tasks: set[asyncio.Task[None]] = set()
        connections: set[asyncio.Transport] = set()
        server = await self._loop.create_server(
            lambda: _Connection(self._respond, tasks, connections), sock=self._socket, backlog=1024
        )
        await self._stop.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(3):  # a connection that was accepted just now is made in two steps, and lost in one
            for transport in tuple(connections):
                transport.abort()
            await asyncio.sleep(0)
