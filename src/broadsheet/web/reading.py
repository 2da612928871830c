"""Read-only stores for the threads that answer requests."""

from __future__ import annotations

import threading
from pathlib import Path

from fastapi import Request

from broadsheet.store import Store


class Readers:
    """One store a thread, opened when the thread first asks and never written to.

    SQLite lets readers go on beside the one writer (WAL), so a page never waits for an ``annotate``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mine = threading.local()

    @property
    def store(self) -> Store:
        """Return this thread's store.

        Raises:
            StoreError: There is no cache, or it cannot be read.
        """
        store: Store | None = getattr(self._mine, "store", None)
        if store is None:
            store = self._mine.store = Store.open(self._path, create=False)
        return store


async def readers(request: Request) -> Readers:
    """Return the application's readers; async, so that the store is opened in the thread that answers."""
    found: Readers = request.app.state.readers
    return found
