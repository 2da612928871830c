"""Read-only stores for the threads that answer requests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from broadsheet.errors import StoreError
from broadsheet.store import Store
from broadsheet.web.facets import FacetIndex
from broadsheet.web.fresh import Fresh


class Readers:
    """One store a thread, opened when the thread first asks; SQLite refuses to write through it.

    SQLite lets readers go on beside the one writer (WAL), so a page never waits for an ``annotate``.

    Args:
        path: The cache.
        equip: Called with each store, to give it what searches need besides the cache.

    Attributes:
        facets: Which papers have which value of a facet.
        trends: The last weeks.
    """

    def __init__(self, path: Path, equip: Callable[[Store], None] = lambda _: None) -> None:
        self._path = path
        self._equip = equip
        self._mine = threading.local()
        self.facets = Fresh(FacetIndex.of)
        self.trends = Fresh(lambda store: store.weeks.trends())

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """Open a store of one's own to write to, and close it.

        Raises:
            StoreError: There is no cache, or it cannot be written to.
        """
        with Store.open(self._path, create=False) as store:
            yield store

    @contextmanager
    def opened(self) -> Iterator[Store]:
        """Open a store for a thread of one's own, to write to if the cache can be written, and close it.

        Raises:
            StoreError: There is no cache, or it cannot be read.
        """
        try:
            store = Store.open(self._path, create=False)
        except StoreError:
            store = Store.open(self._path, create=False, reading=True)
        self._equip(store)
        with store:
            yield store

    @property
    def store(self) -> Store:
        """Return this thread's store.

        Raises:
            StoreError: There is no cache, or it cannot be read.
        """
        store: Store | None = getattr(self._mine, "store", None)
        if store is None:
            store = self._mine.store = Store.open(self._path, create=False, reading=True)
            self._equip(store)
        return store


async def readers(request: Request) -> Readers:
    """Return the application's readers; async, so that the store is opened in the thread that answers."""
    found: Readers = request.app.state.readers
    return found


Reading = Annotated[Readers, Depends(readers)]
"""What a path asks for that reads the cache."""
