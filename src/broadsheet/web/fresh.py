"""`Fresh`: what is read of the whole cache at once, and not for every request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from broadsheet.store import Store
from broadsheet.store.written import Written

_REST = 20.0
"""A value is used for so many times as long as it took to make: a writer costs a server 5 % at most."""
_GRACE_S = 10.0
"""How much longer it is used by those who would have to wait for a newer one."""
T = TypeVar("T")


class Fresh(Generic[T]):
    """A value that `renew` makes anew when it has served long enough; where nobody does, whoever asks.

    It is as good as new while nothing is written to the cache.

    Args:
        make: Reads it from a cache.
        clock: Seconds.
    """

    def __init__(self, make: Callable[[Store], T], clock: Callable[[], float] = time.monotonic) -> None:
        self._make, self._clock = make, clock
        self._lock = threading.Lock()
        self._made: tuple[float, T] | None = None
        self._written: Written | None = None

    def of(self, store: Store) -> T:
        """Return the value; while somebody makes a newer one, the old one."""
        made = self._made
        if made and (self._clock() < made[0] + _GRACE_S or self._lock.locked()):
            return made[1]
        return self.renew(store)

    def renew(self, store: Store) -> T:
        """Return the value, made anew if it has served long enough."""
        with self._lock:
            if self._made and self._clock() < self._made[0]:
                return self._made[1]
            up_to, started = store.overview.written(), self._clock()
            if self._made and up_to == self._written:
                self._made = started, self._made[1]
                return self._made[1]
            value = self._make(store)
            ended = self._clock()
            self._made, self._written = (ended + _REST * (ended - started), value), up_to
            return value
