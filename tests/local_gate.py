"""The gate of all workers on an event loop in this process, as a worker sees it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Self

from broadsheet.cluster.gate import Admission, Gate


class LocalGate:
    """Stands where Ray's actor stands."""

    def __init__(self, gate: Gate, worker: str = "worker-1") -> None:
        self.gate = gate
        self._worker = worker
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def admit(self, ticket: str, tokens: float, address: str) -> Admission | None:
        waiting = self.gate.admit(self._worker, ticket, tokens, address)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(waiting, self._loop))

    def tell(self, what: str, ticket: str, *details: Any) -> None:
        self._loop.call_soon_threadsafe(self.gate.tell, self._worker, what, ticket, *details)

    def note(self, what: str, address: str, *details: Any) -> None:
        self._loop.call_soon_threadsafe(getattr(self.gate, what), address, *details)

    def asked(self, question: Callable[[], Any]) -> Any:
        """What the gate answers, asked in its own thread."""

        async def ask() -> Any:
            return question()

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result()
