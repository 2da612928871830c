"""`Fleet`: servers of one model, and how much of one budget each is given; pure but for its clock.

The next request goes to the server with the fewest under way for what it takes at once: who answers twice as
fast is free twice as often, and who refuses or becomes slow is believed to take fewer. One that fails again
and again is left out, for longer each time, and then tried with a single request.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from broadsheet.cluster.minute import Drawn, MinuteLog
from broadsheet.llm import Usage
from broadsheet.llm.openai.pacing import Pacer, Reservation
from broadsheet.llm.openai.window import Clock

TOO_MANY = 429
FAILED_IN_A_ROW = 3
"""So many failures without an answer between them: the server is left out."""
FIRST_REST_S, LONGEST_REST_S = 1.0, 60.0
GIVE_UP_S = 280.0
"""So long nothing is answered anywhere: as long as one process waits for one server."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What all workers together may do.

    Attributes:
        in_flight: Requests under way at once.
        requests_per_minute: Requests in any window of a minute; None for any number.
        tokens_per_minute: Tokens in and out, the same.
    """

    in_flight: int = 256
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


class Member:
    """One server of the fleet.

    Attributes:
        address: Its base URL.
        pacer: What it takes at once and in a minute, as its answers tell.
        answers: Requests that it has answered.
        gone: Why it is left out for good; empty while it may be asked.
    """

    def __init__(self, address: str, most: int, clock: Clock) -> None:
        self.address = address
        self._most = most
        self.pacer = Pacer(max_in_flight=most, clock=clock)
        self.answers = 0
        self.gone = ""
        self._clock = clock
        self._failures = 0
        self._rest_s = FIRST_REST_S
        self._rests_until = -math.inf
        self._on_trial = False

    @property
    def load(self) -> float:
        """Return how much of what it takes at once would be under way with one request more."""
        return (self.pacer.under_way + 1) / self.pacer.most_under_way

    @property
    def is_left_out(self) -> bool:
        """Tell whether it gets no request now, or only one that tries it."""
        return bool(self.gone) or self._on_trial

    def wait_s(self, tokens: float) -> float:
        """Return the seconds until it may have a request; infinite where only an answer can make room."""
        if self.gone or (self._on_trial and self.pacer.under_way):
            return math.inf
        if (rest_s := self._rests_until - self._clock()) > 0:
            return rest_s
        wait_s = self.pacer.hindrance(tokens)
        return math.inf if wait_s < 0 else wait_s

    def answered(self) -> None:
        """Note an answer; a server that is back takes as many as any that is new."""
        self.answers += 1
        if self._on_trial:
            self.pacer = Pacer(max_in_flight=self._most, clock=self._clock)
        self._failures, self._rest_s, self._on_trial = 0, FIRST_REST_S, False

    def failed(self) -> None:
        """Note a failure that is not about a quota; after a few it rests."""
        self._failures += 1
        now = self._clock()
        if self._rests_until > now or (self._failures < FAILED_IN_A_ROW and not self._on_trial):
            return
        self._rests_until, self._on_trial = now + self._rest_s, True
        self._rest_s = min(LONGEST_REST_S, 2 * self._rest_s)


@dataclass(slots=True)
class Held:
    """What an admitted request holds of the budget."""

    member: Member
    pacer: Pacer
    reservation: Reservation
    requests: Drawn
    tokens: Drawn


@dataclass
class Spent:
    """What all answers have used: requests, and tokens as the servers count them."""

    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0

    @property
    def tokens(self) -> int:
        """Return the tokens in and out."""
        return self.input_tokens + self.output_tokens


@dataclass
class Fleet:
    """The servers and the one budget. Its methods are called from one thread.

    Attributes:
        members: The servers.
        spent: What was used so far.
    """

    addresses: Sequence[str]
    limits: Limits
    clock: Clock = time.monotonic
    members: tuple[Member, ...] = field(init=False)
    spent: Spent = field(default_factory=Spent, init=False)

    def __post_init__(self) -> None:
        self.members = tuple(Member(each, self.limits.in_flight, self.clock) for each in self.addresses)
        self._requests = MinuteLog(self.limits.requests_per_minute, self.clock)
        self._tokens = MinuteLog(self.limits.tokens_per_minute, self.clock)
        self._counted_more = 1.0
        self._failing_since: float | None = None
        self._hindered = ("", 0.0)

    @property
    def under_way(self) -> int:
        """Return how many requests are with the servers."""
        return sum(member.pacer.under_way for member in self.members)

    @property
    def waiting(self) -> str:
        """Return what holds all requests up, such as ``quota: 12 s``; empty where nothing does."""
        why, until = self._hindered
        if why and until > self.clock():
            return f"{why}: {max(1, math.ceil(until - self.clock()))} s"
        said = [member.pacer.waiting for member in self.members if not member.is_left_out]
        return said[0] if said and all(said) else ""

    @property
    def is_silent(self) -> bool:
        """Tell whether failures have gone on for too long without an answer from anyone."""
        return self._failing_since is not None and self.clock() - self._failing_since > GIVE_UP_S

    def presume_spent(self) -> None:
        """Begin as if a minute's worth had just been used: what was used before is not known."""
        self._requests.draw_all()
        self._tokens.draw_all()

    def shared_wait_s(self, tokens: float) -> float:
        """Return the seconds until the budget allows a request; infinite where only an answer can."""
        if self.under_way >= self.limits.in_flight:
            return math.inf
        wait_s = max(self._requests.wait_s(1), self._tokens.wait_s(tokens * self._counted_more))
        self._hindered = ("quota" if wait_s else "", self.clock() + wait_s)
        return wait_s

    def find(self, tokens: float, address: str = "") -> Member | float:
        """Return the server that is to have a request, or the seconds until one may be free.

        Args:
            tokens: What it is expected to use at most, in and out.
            address: The server that has to have it; empty for any.
        """
        waits = []
        for member in sorted(self.members, key=lambda each: each.load):
            if address and member.address != address:
                continue
            if not (wait_s := member.wait_s(tokens)):
                return member
            waits.append(wait_s)
        return min(waits, default=math.inf)

    def hold(self, member: Member, tokens: float) -> Held:
        """Draw a request from the budget."""
        drawn = self._tokens.draw(tokens * self._counted_more)
        return Held(member, member.pacer, member.pacer.draw(tokens), self._requests.draw(1), drawn)

    def settle(self, held: Held, papers: int, usage: Usage, headers: Mapping[str, str]) -> None:
        """Settle an answer by what it used."""
        used = usage.input_tokens + usage.output_tokens
        self._counted_more = max(self._counted_more, used / max(1.0, held.reservation.tokens))
        self._tokens.correct(held.tokens, used)
        held.pacer.settle(held.reservation, papers, usage, headers)
        held.member.answered()
        self._failing_since = None
        self.count(usage)

    def count(self, usage: Usage) -> None:
        """Count what an answer used."""
        self.spent.requests += 1
        self.spent.input_tokens += usage.input_tokens
        self.spent.cached_tokens += usage.cached_tokens
        self.spent.output_tokens += usage.output_tokens

    def failed(self, held: Held, headers: Mapping[str, str], status: int) -> None:
        """Settle a failure. Its tokens still count where it may have been answered without our hearing."""
        if status:
            self._tokens.correct(held.tokens, 0.0)
        held.pacer.failed(held.reservation, headers, status)
        if status == TOO_MANY:
            return
        if len(self.members) > 1:  # one alone is waited for by those that ask it
            held.member.failed()
            self._failing_since = self._failing_since or held.requests.at

    def refused(self, held: Held) -> None:
        """Settle a refusal that says nothing about the server's load."""
        held.pacer.refused(held.reservation)

    def member_at(self, address: str) -> Member:
        """Return the server at an address."""
        return next(member for member in self.members if member.address == address)
