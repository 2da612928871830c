"""`RemotePacer`: the pacing of one server, done by the gate of all workers, as one conversation sees it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from broadsheet.cluster.gate import Admission
from broadsheet.errors import LLMUnavailable
from broadsheet.llm import Usage
from broadsheet.llm.openai.pacing import Reservation

AT_THE_GATE = 16
"""Requests of one conversation that wait at the gate; the others wait behind them, in the worker."""
_LIMIT_HEADERS = "x-ratelimit-"


class GateClient(Protocol):
    """The gate, as seen from a worker. `tell` and its like return at once."""

    async def admit(self, ticket: str, tokens: float, address: str) -> Admission | None:
        """Wait for a turn."""
        ...

    def tell(self, what: str, ticket: str, *details: Any) -> None:
        """Say what became of a request."""
        ...

    def note(self, what: str, address: str, *details: Any) -> None:
        """Say something about a server: ``close``, ``hold_off`` or ``leave_out``."""
        ...


@dataclass(slots=True)
class Ticket(Reservation):
    """A reservation that the gate holds under a name."""

    name: str = ""


@dataclass(slots=True)
class Turn:
    """One try at a request.

    Attributes:
        ticket: What it begins with; None once it is with a server.
        answered: The ticket and the details of an answer that is to be settled once it is kept.
        has_failed: Whether it failed in a way that another try may not.
    """

    ticket: Ticket | None
    answered: tuple[Ticket, tuple[Any, ...]] | None = None
    has_failed: bool = False


current_turn: ContextVar[Turn] = ContextVar("turn")


class Counter:
    """The gate as one conversation uses it: gives tickets their names, and lets few wait at once."""

    def __init__(self, gate: GateClient, name: str) -> None:
        self._gate = gate
        self._names = (f"{name}-{number}" for number in itertools.count())
        self._line = asyncio.Semaphore(AT_THE_GATE)
        self.gate = gate

    async def admit(self, tokens: float, address: str = "") -> tuple[Admission, Ticket]:
        """Wait for a turn.

        Raises:
            LLMUnavailable: The server is left out for good.
        """
        async with self._line:
            name = next(self._names)
            try:
                admission = await self._gate.admit(name, tokens, address)
            except asyncio.CancelledError:
                self._gate.tell("abandon", name)
                raise
        if admission is None:
            raise LLMUnavailable(f"The model at {address} is left out.")
        return admission, Ticket(tokens, 0.0, admission.place, name)


class RemotePacer:
    """The pacing of one server, done by the gate of all workers."""

    def __init__(self, counter: Counter, address: str) -> None:
        self._counter = counter
        self._address = address
        self._place = 0

    @property
    def under_way(self) -> int:
        """Return how many requests of all workers were under way there when one was last admitted."""
        return self._place

    def expected_output(self, papers: int, most: int) -> float:  # noqa: ARG002 - the pacing's signature
        """Return the most tokens that the answer may have: no window of a minute is to hold too many."""
        return float(most)

    async def admit(self, tokens: float) -> Reservation:
        """Take the turn that the request came with, or wait for another at the same server."""
        turn = current_turn.get()
        ticket, turn.ticket = turn.ticket, None
        if ticket is None:
            _, ticket = await self._counter.admit(tokens, self._address)
        self._place = ticket.place
        return ticket

    def settle(self, held: Reservation, papers: int, usage: Usage, headers: Mapping[str, str]) -> None:
        """Note an answer. It is under way until it is kept: a kill before that has it paid for again."""
        current_turn.get().answered = (_ticket(held), (papers, usage, _limits(headers)))

    def failed(self, held: Reservation, headers: Mapping[str, str], status: int = 0) -> None:
        """Settle a failure that may be about the server's load."""
        current_turn.get().has_failed = True
        self._tell("failed", held, _limits(headers), status)

    def refused(self, held: Reservation) -> None:
        """Settle a refusal that used nothing."""
        self._tell("refused", held)

    def hold_off(self, why: str, wait_s: float) -> None:
        """Note that one request waits on its own."""
        self._counter.gate.note("hold_off", self._address, why, wait_s)

    def close(self, needed_tokens: float, wait_s: float) -> None:
        """Shut the gate of this server until the wait is over."""
        self._counter.gate.note("close", self._address, needed_tokens, wait_s)

    def _tell(self, what: str, held: Reservation, *details: Any) -> None:
        self._counter.gate.tell(what, _ticket(held).name, *details)


def _ticket(held: Reservation) -> Ticket:
    assert isinstance(held, Ticket)  # noqa: S101 - narrows the type: `admit` made it
    return held


def _limits(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower().startswith(_LIMIT_HEADERS)}
