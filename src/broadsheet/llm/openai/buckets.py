"""An allowance of requests or tokens a minute, as far as it is known; times are monotonic seconds."""

from __future__ import annotations

from broadsheet.llm.openai.window import Clock

_FIRST_BURST_MINUTES = 1 / 3


class Bucket:
    """An allowance that refills steadily; its level may be negative after a correction.

    It starts full, as a server's does, but is taken for a third of a minute's worth until the first answer: a
    server may count over less than a minute, and what is held back meanwhile is not lost. What a header tells
    of the level only lowers it: the server may admit requests in another order than they were sent, so that
    "remaining" is an upper bound.

    Attributes:
        per_s: Refill a second; 0 where no limit is known, and then nothing is held back.
        capacity: What it holds at most.
        told_per_minute: The server's own limit, as its last answer tells it; None where it tells none.
    """

    def __init__(self, per_minute: float | None, clock: Clock) -> None:
        self._clock = clock
        self._configured_per_s = (per_minute or 0.0) / 60
        self.per_s = self._configured_per_s
        self.capacity = (per_minute or 0.0) * _FIRST_BURST_MINUTES
        self._presumed = True
        self.told_per_minute: float | None = None
        self._level = self.capacity
        self._at = clock()

    @property
    def is_configured(self) -> bool:
        """Tell whether the user has set a limit."""
        return self._configured_per_s > 0

    @property
    def level(self) -> float:
        """Return what it holds now."""
        now = self._clock()
        self._level = min(self.capacity, self._level + (now - self._at) * self.per_s)
        self._at = now
        return self._level

    def wait_s(self, amount: float) -> float:
        """Return the seconds until it holds the amount, or is full if it can never hold that much."""
        if not self.per_s:
            return 0.0
        return max(0.0, min(amount, self.capacity) - self.level) / self.per_s

    def take(self, amount: float) -> None:
        """Draw an amount, or give back a negative one."""
        if self.per_s:
            self._level = min(self.capacity, self.level - amount)

    def lower_to(self, level: float) -> None:
        """Believe that there is no more than this."""
        if self.per_s:
            self._level = min(self.level, level)

    def _hold(self, capacity: float) -> None:
        """Take over what is known of the capacity; a full bucket was presumed when it was less known."""
        level = self.level + capacity - self.capacity
        self.capacity, self._level, self._presumed = capacity, level, False

    def learn_nothing(self) -> None:
        """Take an answer that states no limit as a sign that a whole minute's worth may be used at once."""
        self.told_per_minute = None
        self._presume_a_minute()

    def _presume_a_minute(self) -> None:
        if self._presumed and self.per_s:
            self._hold(self.per_s * 60)

    def learn(self, limit: float, remaining: float | None, reset_s: float | None) -> None:
        """Take over the server's rate, and its capacity, which is what it held plus what was to refill.

        A lower limit that the user has set stands.
        """
        self.told_per_minute, told_per_s = limit, limit / 60
        if 0 < self._configured_per_s < told_per_s * 0.999:
            self._presume_a_minute()
            return
        if not self.per_s:
            self.capacity = self._level = limit
            self._at = self._clock()
        self.per_s = told_per_s
        if remaining is not None and reset_s is not None:
            capacity = max(1.0, remaining + reset_s * told_per_s)
            if abs(capacity - self.capacity) > 0.01 * self.capacity:
                self._hold(capacity)
            self._presumed = False
