"""`Probe`: one request finds out whether the server answers at all before the others follow.

A wrong key, address or account refuses every request alike. It says so at once, while an answer takes
seconds; so the others wait for a moment, and for longer only once something has gone wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PROBE_S = 0.5
"""How long the others wait for a first answer where nothing is refused."""


class Probe:
    """Lets requests through one after the other until one has been answered."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._is_over = self._is_troubled = False
        self._holder: object = None
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the others before it, unless the server has answered."""
        if not self._is_over:
            await self._lock.acquire()
            if self._is_over:
                self._lock.release()
        if self._is_over:
            yield
            return
        holder = self._holder = object()
        try:
            yield
        except Exception:
            raise  # the run ends with it, so nobody follows
        except BaseException:
            self._give_up(holder)
            raise
        else:
            self._give_up(holder)

    def sent(self) -> None:
        """Note that a request was sent: unless it fails soon, the others may follow."""
        if not (self._is_over or self._is_troubled or self._timer):
            self._timer = asyncio.get_running_loop().call_later(PROBE_S, self.end)

    def failed(self) -> None:
        """Note that a request failed: until one is answered, the others wait."""
        self._is_troubled = True
        self._stop_timer()

    def end(self) -> None:
        """Let all others go."""
        self._is_over = True
        self._stop_timer()
        if self._holder:
            self._release()

    def _give_up(self, holder: object) -> None:
        if self._holder is holder:
            self._release()

    def _release(self) -> None:
        self._holder = None
        self._lock.release()

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None
