"""`Gate`: admits the requests of all workers, in the order in which they ask, from one budget.

It lives in one process (on Ray, a named actor) and is used from its event loop only. A worker that is no
longer heard of gives back what it held: it was killed, and its requests with it.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from broadsheet.cluster.fleet import Fleet, Held, Limits
from broadsheet.llm.openai.window import Clock
from broadsheet.prices import Price

BUDGET, STOPPED = "budget", "stopped"
"""Reasons to stop that are nobody's fault."""
LEASE_S = 30.0
"""A worker says that it is there every second; one that was silent for so long is dead."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Where a request goes, and how many requests are under way there, itself included."""

    address: str
    place: int


@dataclass(frozen=True, slots=True)
class News:
    """What a worker, or the driver, is told.

    Attributes:
        stop: Why nothing more is to be sent; empty while work goes on.
        waiting: What holds all requests up.
        under_way: Requests without an answer.
        done: Papers that are annotated or given up, of all partitions that were begun.
        spent: What all answers have used, by the names of `broadsheet.cluster.fleet.Spent`.
        cost_usd: What that costs in US dollars; None where the price is unknown.
        answers: Answers by address.
    """

    stop: str = ""
    waiting: str = ""
    under_way: int = 0
    done: int = 0
    spent: Mapping[str, int] = field(default_factory=dict)
    cost_usd: float | None = None
    answers: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Waiting:
    ticket: str
    tokens: float
    address: str
    turn: asyncio.Future[Admission | None]


class Gate:
    """Admits requests.

    Args:
        addresses: The servers, all of one model.
        limits: What all workers together may do.
        price: What tokens cost, if it is known.
        most_tokens: Tokens to spend, at most.
        most_usd: US dollars to spend, at most.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        addresses: tuple[str, ...],
        limits: Limits,
        price: Price | None = None,
        most_tokens: int | None = None,
        most_usd: float | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.fleet = Fleet(addresses, limits, clock)
        self._clock = clock
        self._price = price
        self._most_tokens = math.inf if most_tokens is None else most_tokens
        self._most_usd = math.inf if most_usd is None else most_usd
        self._queue: deque[_Waiting] = deque()
        self._held: dict[str, Held] = {}
        self._workers: dict[str, tuple[float, set[str]]] = {}
        self._done: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._stop = ""

    async def admit(self, worker: str, ticket: str, tokens: float, address: str = "") -> Admission | None:
        """Wait for a turn; None where the address is left out for good.

        Args:
            worker: Who asks.
            ticket: Names the request.
            tokens: What it is expected to use at most, in and out.
            address: The server that has to have it; empty for any.
        """
        self._hear(worker)[1].add(ticket)
        turn: asyncio.Future[Admission | None] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(ticket, tokens, address, turn))
        self._let_in()
        return await turn

    def tell(self, worker: str, what: str, ticket: str, *details: Any) -> None:
        """Take in what became of a request: ``settle``, ``failed``, ``refused`` or ``abandon``."""
        _, tickets = self._hear(worker)
        tickets.discard(ticket)
        held = self._held.pop(ticket, None)
        if what == "abandon":
            self._queue = deque(waiting for waiting in self._queue if waiting.ticket != ticket)
        if held is None:
            if what == "settle":  # of a worker that was taken for dead
                self.fleet.count(details[1])
        elif what == "settle":
            self.fleet.settle(held, *details)
        elif what == "failed":
            self.fleet.failed(held, *details)
        else:
            self.fleet.refused(held)
        self._look_after()

    def close(self, address: str, needed_tokens: float, wait_s: float) -> None:
        """Send nothing to a server until the wait is over."""
        self.fleet.member_at(address).pacer.close(needed_tokens, wait_s)
        self._let_in()

    def hold_off(self, address: str, why: str, wait_s: float) -> None:
        """Note that one request waits on its own."""
        self.fleet.member_at(address).pacer.hold_off(why, wait_s)

    def leave_out(self, address: str, why: str) -> None:
        """Send nothing more to a server that refuses every request; where none is left, stop."""
        self.fleet.member_at(address).gone = why
        if all(member.gone for member in self.fleet.members):
            self.stop(why)
        self._let_in()

    def beat(self, worker: str, done: Mapping[str, int]) -> News:
        """Hear that a worker is there and how many papers of which partition it has done."""
        self._hear(worker)
        self._done.update(done)
        return self.news()

    def news(self) -> News:
        """Return how things stand."""
        self._release_the_dead()
        spent = self.fleet.spent
        return News(
            stop=self._stop,
            waiting=self.fleet.waiting,
            under_way=self.fleet.under_way,
            done=sum(self._done.values()),
            spent=asdict(spent),
            cost_usd=self._cost_usd(),
            answers={member.address: member.answers for member in self.fleet.members},
        )

    def stop(self, why: str) -> None:
        """Admit nothing more; what is under way is awaited by who asked."""
        self._stop = self._stop or why

    def _hear(self, worker: str) -> tuple[float, set[str]]:
        tickets = self._workers[worker][1] if worker in self._workers else set()
        self._workers[worker] = (self._clock(), tickets)
        return self._workers[worker]

    def _release_the_dead(self) -> None:
        long_ago = self._clock() - LEASE_S
        for worker, (heard_at, tickets) in list(self._workers.items()):
            if heard_at >= long_ago:
                continue
            del self._workers[worker]
            for ticket in tickets:
                if held := self._held.pop(ticket, None):
                    self.fleet.refused(held)
            self._queue = deque(waiting for waiting in self._queue if waiting.ticket not in tickets)
        self._let_in()

    def _look_after(self) -> None:
        if self.fleet.is_silent:
            self.stop("No server has answered for several minutes; run the same command again later.")
        self._let_in()

    def _let_in(self) -> None:
        """Admit all that may go now. One that has to go to a busy server holds up no other."""
        if self._timer:
            self._timer.cancel()
        self._timer = None
        kept: deque[_Waiting] = deque()
        soonest, no_room = math.inf, False
        while self._queue and not self._stop:
            waiting = self._queue.popleft()
            if waiting.turn.done():
                continue
            if not self._affords(waiting.tokens):
                self._queue.appendleft(waiting)
                if not self._held:  # an answer may cost less than was held for it
                    self.stop(BUDGET)
                break
            wait_s = self.fleet.shared_wait_s(waiting.tokens)
            if wait_s:
                self._queue.appendleft(waiting)
                soonest = min(soonest, wait_s)
                break
            if no_room and not waiting.address:
                kept.append(waiting)
                continue
            found = self.fleet.find(waiting.tokens, waiting.address)
            if isinstance(found, float):
                self._keep_waiting(waiting, kept)
                soonest, no_room = min(soonest, found), no_room or not waiting.address
                continue
            held = self.fleet.hold(found, waiting.tokens)
            self._held[waiting.ticket] = held
            waiting.turn.set_result(Admission(found.address, held.reservation.place))
        self._queue.extendleft(reversed(kept))
        if self._queue and soonest < math.inf:
            self._timer = asyncio.get_running_loop().call_later(soonest, self._let_in)

    def _keep_waiting(self, waiting: _Waiting, kept: deque[_Waiting]) -> None:
        if waiting.address and self.fleet.member_at(waiting.address).gone:
            waiting.turn.set_result(None)
        else:
            kept.append(waiting)

    def _affords(self, tokens: float) -> bool:
        """Tell whether what is spent, what is held and so many tokens more fit what may be spent."""
        if self._most_tokens == self._most_usd == math.inf:
            return True
        reserved = tokens + sum(held.reservation.tokens for held in self._held.values())
        dearest = max(self._price.input, self._price.output) / 1e6 if self._price else 0.0
        usd = (self._cost_usd() or 0.0) + reserved * dearest
        return self.fleet.spent.tokens + reserved <= self._most_tokens and usd <= self._most_usd

    def _cost_usd(self) -> float | None:
        spent = self.fleet.spent
        if self._price is None:
            return None if spent.requests else 0.0
        return self._price.cost(spent.input_tokens, spent.cached_tokens, spent.output_tokens)
