"""`Fresh`: what is read of the whole cache at once, and not for every request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from broadsheet.store import Store

_REST = 20.0
"""A value is used for so many times as long as it took to make: a writer costs a server 5 % at most."""
T = TypeVar("T")


class Fresh(Generic[T]):
    """A value that is made anew by whoever asks when it has served long enough; others use the old one then.

    Args:
        make: Reads it from a cache.
        clock: Seconds.
    """

    def __init__(self, make: Callable[[Store], T], clock: Callable[[], float] = time.monotonic) -> None:
        self._make, self._clock = make, clock
        self._lock = threading.Lock()
        self._made: tuple[float, T] | None = None

    def of(self, store: Store) -> T:
        """Return the value."""
        made = self._made
        if made and (self._clock() < made[0] or self._lock.locked()):
            return made[1]
        with self._lock:
            if self._made and self._clock() < self._made[0]:
                return self._made[1]
            started = self._clock()
            value = self._make(store)
            ended = self._clock()
            self._made = ended + _REST * (ended - started), value
            return value
