"""The gate on Ray: a named actor, and what a worker holds of it."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

from broadsheet.annotate import Progress
from broadsheet.cluster.gate import Admission, Gate

NAMESPACE = "broadsheet"
BEAT_S = 1.0
"""How often a worker says that it is there."""


class GateActor(Gate):
    """The gate as an actor. One that had to be started again does not know what it let go before."""

    def __init__(self, *given: Any) -> None:
        import ray

        super().__init__(*given)
        if ray.get_runtime_context().was_current_actor_reconstructed:
            self.fleet.presume_spent()

    async def admit(self, worker: str, ticket: str, tokens: float, address: str = "") -> Admission | None:
        """Wait for a turn; an async method makes the actor run on one event loop."""
        return await super().admit(worker, ticket, tokens, address)


class RemoteGate:
    """The gate's actor as one worker sees it."""

    def __init__(self, name: str, worker: str) -> None:
        import ray

        self._actor = ray.get_actor(name, namespace=NAMESPACE)
        self._worker = worker
        self._done: dict[str, int] = {}
        self._why = ""
        threading.Thread(target=self._beat, daemon=True).start()

    async def admit(self, ticket: str, tokens: float, address: str) -> Admission | None:
        """Wait for a turn."""
        admission: Admission | None = await self._actor.admit.remote(self._worker, ticket, tokens, address)
        return admission

    def tell(self, what: str, ticket: str, *details: Any) -> None:
        """Say what became of a request; returns at once."""
        self._actor.tell.remote(self._worker, what, ticket, *details)

    def note(self, what: str, address: str, *details: Any) -> None:
        """Say something about a server; returns at once."""
        getattr(self._actor, what).remote(address, *details)

    def stop(self, why: str) -> None:
        """Have nothing more be sent by anyone."""
        self._actor.stop.remote(why)

    def said(self, name: str, progress: Progress) -> str:
        """Take in how far a partition is; returns why to stop, or nothing."""
        self._done[name] = progress.done
        return self._why

    def _beat(self) -> None:
        import ray

        while True:
            time.sleep(BEAT_S)
            with suppress(Exception):  # an actor that is started again, or a job that ends
                self._why = ray.get(self._actor.beat.remote(self._worker, dict(self._done))).stop
