"""`Pacer`: admits requests close to the server's limits and never beyond them.

A request is admitted when the gate is open, the window has room, and both buckets hold what it is expected to
use. What an answer really used settles its reservation; ``x-ratelimit-*`` headers correct the buckets, since
the server also counts what other users of the key use. All times are in seconds of a monotonic clock.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from broadsheet.llm import Usage
from broadsheet.llm.openai.buckets import Bucket
from broadsheet.llm.openai.window import Clock, Window
from broadsheet.retrying import header_number

log = logging.getLogger(__name__)

_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?"
)
_FIRST_GUESS_TOKENS_A_PAPER = 150.0
_LEARNING_RATE = 0.2
_MARGIN_TOKENS = 10
TOO_MANY, FAULT = 429, 500
_ORDER_UNSURE_S = 0.05
_REMEMBERED = 1000
_SAID_ONCE_S = 1.0
LONGEST_QUOTA_WAIT_S = 300.0
"""What a server tells of its quota holds a request back no longer; the user's own limits do."""


def duration_s(text: str) -> float | None:
    """Return the seconds of a duration such as ``120ms``, ``6m0s``, ``1h2m3.5s`` or, in seconds, ``30``."""
    text = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    found = _DURATION.fullmatch(text)
    if not text or not found:
        return None
    hours, minutes, seconds, ms = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds + ms / 1000


@dataclass(slots=True)
class Reservation:
    """What one request has drawn, when, and how many were under way then, itself included."""

    tokens: float
    sent_at: float
    place: int


class Pacing(Protocol):
    """What an exchange asks before it sends, and tells of what came of it: `Pacer`, or one for many."""

    @property
    def under_way(self) -> int:
        """Return how many requests are with the server."""
        ...

    def expected_output(self, papers: int, most: int) -> float:
        """Return the output tokens to expect of an answer about so many papers."""
        ...

    async def admit(self, tokens: float) -> Reservation:
        """Wait for a turn."""
        ...

    def settle(self, held: Reservation, papers: int, usage: Usage, headers: Mapping[str, str]) -> None:
        """Settle an answer."""
        ...

    def failed(self, held: Reservation, headers: Mapping[str, str], status: int = 0) -> None:
        """Settle a failure that may be about the server's load."""
        ...

    def refused(self, held: Reservation) -> None:
        """Settle a refusal that used nothing."""
        ...

    def hold_off(self, why: str, wait_s: float) -> None:
        """Note that one request waits on its own."""
        ...

    def close(self, needed_tokens: float, wait_s: float) -> None:
        """Shut the gate for all until the wait is over."""
        ...


class Pacer:
    """Admits requests; used from one event loop only."""

    def __init__(
        self,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        max_in_flight: int = 256,
        clock: Clock = time.monotonic,
    ) -> None:
        self._clock = clock
        self._requests = Bucket(requests_per_minute, clock)
        self._tokens = Bucket(tokens_per_minute, clock)
        self._window = Window(max_in_flight, clock)
        self._sent: deque[Reservation] = deque(maxlen=_REMEMBERED)
        self._under_way = 0
        self._opens_at = float("-inf")
        self._waiting: deque[tuple[float, asyncio.Future[Reservation]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._tokens_a_paper: float | None = None
        self._hindered_by, self._hindered_until = "", 0.0
        self._held_off_by, self._held_off_until = "", 0.0

    @property
    def waiting(self) -> str:
        """Return why nothing is sent at the moment, such as ``429: 12 s``; empty while it goes on."""
        by, until = self._hindered_by, self._hindered_until
        if not by and not self._under_way and self._held_off_until > self._clock():
            by, until = self._held_off_by, self._held_off_until
        return f"{by}: {max(1, math.ceil(until - self._clock()))} s" if by else ""

    @property
    def has_answers(self) -> bool:
        """Tell whether any request was answered."""
        return self._tokens_a_paper is not None

    @property
    def told(self) -> tuple[float | None, float | None]:
        """Return the requests and tokens a minute that the server has told; None where it tells none."""
        return self._requests.told_per_minute, self._tokens.told_per_minute

    @property
    def under_way(self) -> int:
        """Return how many requests are with the server."""
        return self._under_way

    def expected_output(self, papers: int, most: int) -> float:
        """Return the output tokens to expect of an answer about so many papers."""
        each = self._tokens_a_paper or _FIRST_GUESS_TOKENS_A_PAPER
        return min(most, each * max(1, papers) + _MARGIN_TOKENS)

    async def admit(self, tokens: float) -> Reservation:
        """Wait for a turn, in the order of asking, and draw what the request is expected to use."""
        turn: asyncio.Future[Reservation] = asyncio.get_running_loop().create_future()
        self._waiting.append((tokens, turn))
        self._let_in()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # let in and called off in one moment
                self.refused(turn.result())
            raise

    def _let_in(self) -> None:
        """Admit all that may go now, in the order of asking.

        They leave together, so that what is refused of them closes the gate once.
        """
        if self._timer:
            self._timer.cancel()
        self._timer = None
        while self._waiting:
            tokens, turn = self._waiting[0]
            wait = 0.0 if turn.done() else self.hindrance(tokens)
            if wait > 0:
                self._timer = turn.get_loop().call_later(wait, self._let_in)
            if wait:
                return
            self._waiting.popleft()
            if not turn.done():
                turn.set_result(self.draw(tokens))
        self._hindered_by = ""

    def _look_again(self) -> None:
        """Admit what may go once the present change is complete: a refusal gives back before it closes."""
        if self._waiting:
            self._waiting[0][1].get_loop().call_soon(self._let_in)

    @property
    def most_under_way(self) -> int:
        """Return how many requests the server is believed to take at once."""
        return self._window.size

    def draw(self, tokens: float) -> Reservation:
        """Draw what a request is expected to use, without waiting."""
        self._requests.take(1)
        self._tokens.take(tokens)
        self._under_way += 1
        held = Reservation(tokens, self._clock(), self._under_way)
        self._sent.append(held)
        return held

    def hindrance(self, tokens: float) -> float:
        """Return the seconds to wait; 0 for none, negative if only an answer can make room."""
        now = self._clock()
        if self._opens_at > now:
            self._hindered_by, self._hindered_until = "429", self._opens_at
            return self._opens_at - now
        if room_in := self._window.wait_s(self._under_way):
            self._hindered_by = ""
            return room_in
        quota = max(
            min(bucket.wait_s(amount), math.inf if bucket.is_configured else LONGEST_QUOTA_WAIT_S)
            for bucket, amount in ((self._requests, 1), (self._tokens, tokens))
        )
        self._hindered_by, self._hindered_until = "quota" if quota else "", now + quota
        return quota

    def settle(self, held: Reservation, papers: int, usage: Usage, headers: Mapping[str, str]) -> None:
        """Settle an answer: correct what was drawn by what it used and by what the server says."""
        each = usage.output_tokens / max(1, papers)
        known = self._tokens_a_paper
        self._tokens_a_paper = each if known is None else known + _LEARNING_RATE * (each - known)
        self._window.answered(held.place, held.sent_at, usage.output_tokens)
        self._release(held, usage.input_tokens + usage.output_tokens)
        self._read(held, headers, answered=True)

    def failed(self, held: Reservation, headers: Mapping[str, str], status: int = 0) -> None:
        """Settle a failure: give back its tokens but not its request, and shrink the window.

        Where a quota is known, a 429 is about that, and a 500 tells of a fault: neither is about the load.
        """
        self._release(held, 0.0)
        self._read(held, headers, answered=False)
        quota = status == TOO_MANY and (self._requests.per_s or self._tokens.per_s)
        if not quota and status != FAULT:
            self._window.failed(held.place, held.sent_at)

    def refused(self, held: Reservation) -> None:
        """Settle a refusal that used nothing and says nothing about the server's load."""
        self._release(held, 0.0)

    def hold_off(self, why: str, wait_s: float) -> None:
        """Note that one request waits on its own, such as for an overloaded server.

        `waiting` reports it while no other request is under way.
        """
        until = self._clock() + wait_s
        if until > self._held_off_until + _SAID_ONCE_S:
            log.info("%s: asked again in %.1f s", why, wait_s)
        if until > self._held_off_until:
            self._held_off_by, self._held_off_until = why, until

    def close(self, needed_tokens: float, wait_s: float) -> None:
        """Shut the gate for all until the wait is over; a longer wait that stands is kept."""
        opens_at = self._clock() + wait_s
        if opens_at > self._opens_at + _SAID_ONCE_S:  # many are refused together, and one line is enough
            log.info("429: nothing is sent for %.1f s", wait_s)
        self._opens_at = max(self._opens_at, opens_at)
        self._tokens.lower_to(needed_tokens - wait_s * self._tokens.per_s)
        self._look_again()

    def _release(self, held: Reservation, used_tokens: float) -> None:
        self._tokens.take(used_tokens - held.tokens)
        held.tokens = used_tokens
        self._under_way -= 1
        self._look_again()

    def _read(self, held: Reservation, headers: Mapping[str, str], *, answered: bool) -> None:
        for name, bucket in (("requests", self._requests), ("tokens", self._tokens)):
            limit = header_number(headers.get(f"x-ratelimit-limit-{name}"))
            remaining = header_number(headers.get(f"x-ratelimit-remaining-{name}"))
            least = 1.0 if bucket is self._requests or not answered else held.tokens
            # Azure says -1 where there is none; who has answered a request takes at least that a minute.
            if (limit or least) < least or (remaining or 0) < 0:
                limit = remaining = None
            if limit:
                bucket.learn(limit, remaining, duration_s(headers.get(f"x-ratelimit-reset-{name}", "")))
            elif answered:
                bucket.learn_nothing()
            if remaining is not None:
                later = [other for other in self._sent if other.sent_at > held.sent_at + _ORDER_UNSURE_S]
                drawn = len(later) if bucket is self._requests else sum(other.tokens for other in later)
                refilled = (self._clock() - held.sent_at) * bucket.per_s
                bucket.lower_to(remaining + refilled - drawn)
