"""`MinuteLog`: what was drawn of an allowance a minute, so that no window of a minute holds more.

A bucket that refills lets through twice its allowance in the minute in which it was full. A log does not: an
amount counts until a minute after it can last have reached the server.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from broadsheet.llm.openai.window import Clock

MINUTE_S = 60.0
SLACK_S = 2.0
"""A request may reach its server so much later than it was let go; what it draws is held for as long."""


@dataclass(slots=True)
class Drawn:
    """One amount, when it was drawn, and whether it still counts."""

    at: float
    amount: float
    counts: bool = False


class MinuteLog:
    """An allowance a minute; None allows anything.

    Args:
        per_minute: Requests or tokens.
        clock: Monotonic seconds.
    """

    def __init__(self, per_minute: float | None, clock: Clock) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._log: deque[Drawn] = deque()
        self._used = 0.0

    @property
    def used(self) -> float:
        """Return what counts now."""
        gone = self._clock() - MINUTE_S - SLACK_S
        while self._log and self._log[0].at <= gone:
            drawn = self._log.popleft()
            drawn.counts = False
            self._used -= drawn.amount
        return self._used

    def wait_s(self, amount: float) -> float:
        """Return the seconds until the amount may be drawn; one that never fits waits for an empty log."""
        if self._per_minute is None:
            return 0.0
        over = self.used + min(amount, self._per_minute) - self._per_minute
        if over <= 0:
            return 0.0
        for drawn in self._log:
            over -= drawn.amount
            if over <= 0:
                return max(1e-3, drawn.at + MINUTE_S + SLACK_S - self._clock())
        return SLACK_S

    def draw(self, amount: float) -> Drawn:
        """Draw an amount."""
        drawn = Drawn(self._clock(), amount)
        if self._per_minute is not None:
            drawn.counts = True
            self._log.append(drawn)
            self._used += amount
        return drawn

    def correct(self, drawn: Drawn, amount: float) -> None:
        """Put right what was drawn, by what it came to."""
        if drawn.counts:
            self._used += amount - drawn.amount
        drawn.amount = amount

    def draw_all(self) -> None:
        """Take a whole minute's worth for drawn: what was drawn before is not known."""
        if self._per_minute is not None:
            self.draw(self._per_minute)
