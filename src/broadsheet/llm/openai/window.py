"""`Window`: how many requests may be under way, found out from the answers as TCP finds out a path's load.

A server tells of its load in two ways. It refuses what is too much at once, and a refusal comes soon: so the
window opens by the clock, doubling every tenth of a second once it is full, for as long as nothing is
refused. Or it lets requests wait in line without a word, which shows only in how long answers take: so until
the first answer no more than a day's papers are handed over, and from then on the window grows with the
answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Clock = Callable[[], float]

FIRST, UNPROVEN = 4, 128
"""Requests to begin with, and at most before the first answer."""
DOUBLING_S = 0.1
PROBE_AFTER = 200
"""Answers until a server that has refused is tried with one request more."""
ERRATIC = 0.03
"""Share of failures, among no more requests than the server has borne, that speaks of failures at random."""
MOSTLY = 0.5
"""Share of failures from which on they are about the load, whatever the server has borne before."""
IN_A_ROW = 3
"""Failures in a row, beyond what it has borne, that even a server failing at random has only for its load."""
TWICE = 2
"""Failures among the first requests until they are believed: servers of fewer than `FIRST` are rare."""
TOO_SLOW = 2.0
NEVER_SLOW = 8
"""Requests that are kept under way however long answers take."""
_SMOOTHING = 1 / 16
_GROWTH = 0.1


class Window:
    """The number of requests that may be under way.

    A refusal says that the server takes fewer than were under way: the window halves, returns to what the
    server bore, and tries one more only after `PROBE_AFTER` answers. A server that refuses now and then no
    more than it has borne fails at random, however: the window opens again, and a refusal beyond what the
    server has borne is believed only when `IN_A_ROW` came without an answer. An answer counts as slow by
    twice the quickest and twice the best rate of tokens; when answers are slow on average, the window halves
    too, but never below `NEVER_SLOW`.
    """

    def __init__(self, ceiling: int, clock: Clock) -> None:
        self._ceiling = float(ceiling)
        self._clock = clock
        self._size = min(float(FIRST), self._ceiling)
        self._opened_at: float | None = None
        self._opening = True
        self._threshold = math.inf  # up to here the window grows with each answer
        self._borne = 0
        self._erratic = self._failing = 0.0
        self._unborne = 0
        self._before = self._size  # the first refusal that was believed
        self._shrunk_at = -math.inf
        self._quickest_s = self._s_a_token = math.inf
        self._slowness = 1.0

    @property
    def size(self) -> int:
        """Return how many requests may be under way."""
        return max(1, int(self._size))

    def wait_s(self, under_way: int) -> float:
        """Return the seconds until one more may go; 0 for none, negative if only an answer can make room."""
        if self._opening:
            most = min(self._ceiling, UNPROVEN)
            now = self._clock()
            if self._opened_at is None:
                if under_way < self.size:
                    return 0.0
                self._opened_at = now
            open_s = now - self._opened_at
            if open_s >= 0:
                self._size = max(self._size, min(most, FIRST * 2 ** min(open_s / DOUBLING_S, 20.0)))
            if self.size <= under_way < most:
                return max(1e-3, DOUBLING_S * math.log2((under_way + 1) / FIRST) - open_s)
        return 0.0 if under_way < self.size else -1.0

    def answered(self, place: int, sent_at: float, output_tokens: int) -> None:
        """Grow with an answer, unless answers have become slow.

        Args:
            place: How many were under way when it was sent, itself included.
            sent_at: When.
            output_tokens: Tokens of the answer.
        """
        self._opening = self._opening and self._erratic > ERRATIC
        self._erratic -= _SMOOTHING * self._erratic
        self._failing -= _SMOOTHING * self._failing
        if place >= self._borne:
            self._borne, self._unborne = place, 0
        self._time(self._clock() - sent_at, max(1, output_tokens))
        if self._slowness > TOO_SLOW:
            if sent_at >= self._shrunk_at:
                self._shrink(max(self._size / 2, min(self._size, NEVER_SLOW)))
            return
        if 2 * place < self.size:  # what was never used is not proven
            return
        step = 1.0 if self._size < self._threshold else 1 / max(self._size, PROBE_AFTER)
        if self._erratic > ERRATIC or self._size < min(self._borne, self._threshold):
            step = max(step, _GROWTH * self._size)
        most = self._threshold if self._size < self._threshold else math.inf
        self._size = min(self._ceiling, most, self._size + step)

    def failed(self, place: int, sent_at: float) -> None:
        """Shrink after a refusal or a failure that is about the load; those sent together shrink it once.

        Args:
            place: How many were under way when it was sent, itself included.
            sent_at: When.
        """
        self._failing += _SMOOTHING * (1 - self._failing)
        if place <= self._borne:
            self._erratic += _SMOOTHING * (1 - self._erratic)
        else:
            self._unborne += 1
        at_random = self._failing < MOSTLY and self._erratic > ERRATIC
        if at_random and place <= self._borne:
            self._open_again()
        elif self._unborne < (IN_A_ROW if at_random else TWICE if place <= FIRST else 1):
            return
        elif sent_at < self._shrunk_at:
            if not self._opening:
                self._threshold = min(self._threshold, max(1.0, place - 1.0))
                self._size = min(self._size, self._threshold)
        else:
            self._opening, self._before = False, self._size
            self._borne = min(self._borne, place - 1)
            self._shrink(max(1.0, min(self._ceiling, place - 1.0)))
            self._size = max(min(self._size, FIRST) if place > FIRST else 1.0, self._size / 2)

    def _open_again(self) -> None:
        """Take back what a refusal was believed to say."""
        if self._threshold < math.inf:
            self._size, self._threshold = max(self._size, self._before), math.inf
            self._opening, self._unborne = True, 0
            self._opened_at = self._clock() - DOUBLING_S * math.log2(max(1.0, self._size / FIRST))

    def _shrink(self, size: float) -> None:
        self._size = self._threshold = size
        self._shrunk_at, self._slowness = self._clock(), 1.0

    def _time(self, latency_s: float, output_tokens: int) -> None:
        self._quickest_s = min(self._quickest_s, latency_s)
        self._s_a_token = min(self._s_a_token, latency_s / output_tokens)
        quick_s = max(1e-3, self._quickest_s + self._s_a_token * output_tokens)
        self._slowness += _SMOOTHING * (latency_s / quick_s - self._slowness)
