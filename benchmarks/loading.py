"""Asks a server over loopback: with so many requests in flight, or at times of their own, as readers do."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

Asks = Callable[[random.Random], str]
_TICKS_S = 0.01
"""Linux counts processor time in hundredths of a second, whatever the machine."""


@dataclass
class Answers:
    """What came of some requests.

    Attributes:
        seconds: How long they took all together.
        took: The seconds that each took.
        failed: How many did not answer 200.
        cpu_s: The processor time that the server took meanwhile.
        size: The bytes of the last answer's body.
    """

    seconds: float = 0.0
    took: list[float] = field(default_factory=list)
    failed: int = 0
    cpu_s: float = 0.0
    size: int = 0

    @property
    def per_s(self) -> float:
        """Return the answers a second."""
        return len(self.took) / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Return the milliseconds of the server's processor time that an answer cost."""
        return 1000 * self.cpu_s / max(1, len(self.took))

    def percentile(self, share: float) -> float:
        """Return the milliseconds that this share of the requests took at most."""
        return sorted(self.took)[min(len(self.took) - 1, int(len(self.took) * share))] * 1000


class Connection(asyncio.Protocol):
    """A connection that stays open, with one request in flight; reads of an answer only how long it is."""

    size = 0
    """The bytes of the last answer's body."""
    takes = ""
    """The header that says how a body may be packed, if any."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[int] | None = None
        self._whole: int | None = None

    @classmethod
    async def to(cls, port: int) -> Self:
        """Connect to a port of this machine."""
        _, made = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to write to."""
        assert isinstance(transport, asyncio.Transport)
        self.is_open = True
        self._transport = transport

    def ask(self, path: str) -> asyncio.Future[int]:
        """Ask for a path; the answer's status comes once the answer is whole."""
        self._received.clear()
        self._whole = None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{self.takes}\r\n".encode())
        return self._answer

    def data_received(self, data: bytes) -> None:
        """Take in a part of the answer."""
        self._received += data
        if self._whole is None and (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            _, told, length = head.partition(b"\r\ncontent-length:")
            self._whole = end + 4 + int(length.split(b"\r\n")[0]) if told else 0
        is_whole = (
            self._received.endswith(b"0\r\n\r\n")
            if self._whole == 0
            else self._whole is not None and len(self._received) >= self._whole
        )
        if is_whole and self._answer and not self._answer.done():
            self.size = len(self._received) - self._received.find(b"\r\n\r\n") - 4
            self._answer.set_result(int(self._received[9:12]))

    def connection_lost(self, _: Exception | None) -> None:
        """Say so to who waits."""
        self.is_open = False
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionResetError())

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


class PackedConnection(Connection):
    """A connection that takes packed bodies, as every browser does."""

    takes = "Accept-Encoding: gzip\r\n"


def load(
    port: int, process: int, asks: Asks, *, in_flight: int, seconds: float, by: type[Connection] = Connection
) -> Answers:
    """Keep so many requests in flight: each connection asks again as soon as it was answered."""

    async def one(dice: random.Random, answers: Answers) -> None:
        connection = await by.to(port)
        while (started := time.perf_counter()) < until:
            answers.failed += await connection.ask(asks(dice)) != 200
            answers.took.append(time.perf_counter() - started)
            answers.size = connection.size
        connection.close()

    async def all_() -> Answers:
        answers = Answers()
        await asyncio.gather(*(one(random.Random(number), answers) for number in range(in_flight)))
        return answers

    began, used = time.perf_counter(), _cpu_s(process)
    until = began + seconds
    answers = asyncio.run(all_())
    answers.seconds, answers.cpu_s = time.perf_counter() - began, _cpu_s(process) - used
    return answers


def arrive(
    port: int,
    process: int,
    asks: Asks,
    *,
    per_s: float,
    connections: int,
    seconds: float,
    by: type[Connection] = Connection,
) -> Answers:
    """Ask at random times, so many a second on average, whether or not earlier requests were answered.

    The seconds of a request begin at its time, not when a connection was free (no coordinated omission).
    """

    async def one(dice: random.Random, answers: Answers) -> None:
        connection = await by.to(port)
        due = time.perf_counter()
        while (due := due + dice.expovariate(per_s / connections)) < until:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if not connection.is_open:  # a server closes what was idle for some seconds
                connection = await by.to(port)
            answers.failed += await connection.ask(asks(dice)) != 200
            answers.took.append(time.perf_counter() - due)
        connection.close()

    async def all_() -> Answers:
        answers = Answers()
        await asyncio.gather(*(one(random.Random(100 + number), answers) for number in range(connections)))
        return answers

    began, used = time.perf_counter(), _cpu_s(process)
    until = began + seconds
    answers = asyncio.run(all_())
    answers.seconds, answers.cpu_s = time.perf_counter() - began, _cpu_s(process) - used
    return answers


def _cpu_s(process: int) -> float:
    """Return the processor time that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICKS_S
