"""Read-only stores for the threads that answer requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from fastapi import Request

from broadsheet.store import Store

_FRESH_S = 60.0
"""As long as an answer may be kept by who asked for it."""


class Readers:
    """One store a thread, opened when the thread first asks and never written to.

    SQLite lets readers go on beside the one writer (WAL), so a page never waits for an ``annotate``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mine = threading.local()
        self.tag_totals = TagTotals()

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


class TagTotals:
    """The number of each tag's papers, at most a minute old, since counting a large cache takes long."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counted: tuple[float, dict[str, int]] | None = None

    def of(self, store: Store) -> dict[str, int]:
        """Return the totals by tag id."""
        if self._counted is None or self._clock() - self._counted[0] > _FRESH_S:
            self._counted = self._clock(), store.records.tag_counts()
        return self._counted[1]


async def readers(request: Request) -> Readers:
    """Return the application's readers; async, so that the store is opened in the thread that answers."""
    found: Readers = request.app.state.readers
    return found
