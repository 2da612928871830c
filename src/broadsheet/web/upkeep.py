"""`Upkeep`: keeps what all readers share as new as the cache, so that no reader waits for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from broadsheet.config import Settings
from broadsheet.embed import SearchEmbedder, keep_spent
from broadsheet.errors import StoreError
from broadsheet.store import Store
from broadsheet.web.memory import trim
from broadsheet.web.reading import Readers

_REST_S = 2.0
"""How long it rests between two looks at the cache, and before the first, since readers come first."""
_MADE_AT_ONCE = 256
"""So many vectors are made between two looks: two or three seconds of processor time."""
_COUNT_S = 60.0
"""How often the cost of searches is stored: an answer in the cache for each would be many."""
_log = logging.getLogger(__name__)


class Upkeep:
    """A thread that counts facets and trends anew, and takes in what new papers are about.

    It makes and stores the vectors of the packaged model that are lacking, some at a time, and stores what
    the vectors of searches have cost; a cache that cannot be written is served all the same. Until papers
    have a vector, searches compare words alone.
    """

    def __init__(self, readers: Readers, settings: Settings, searches: SearchEmbedder | None = None) -> None:
        self._readers = readers
        self._settings = settings
        self._searches = searches
        self._counts_at = time.monotonic() + _COUNT_S
        self._stopped = threading.Event()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Keep it up while the block runs."""
        with self._readers.opened() as store, store.vectors.kept_up_by_caller():
            thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
            thread.start()
            try:
                yield
            finally:
                self._stopped.set()
                thread.join()
                self._count(store)
                if self._searches:
                    self._searches.close()

    def _run(self) -> None:
        while not self._stopped.wait(_REST_S):
            try:
                with self._readers.opened() as store:
                    store.vectors.load_model()
                    trim()
                    self._keep_up(store)
            except StoreError as error:
                _log.warning("The cache cannot be read: %s", error)

    def _keep_up(self, store: Store) -> None:
        while not self._stopped.is_set():
            self._readers.facets.renew(store)
            self._readers.trends.renew(store)
            if store.vectors.is_behind() and (self._searches or not self._makes_many(store)):
                store.vectors.keep_up(self._stopped.is_set)
                store.keep_signs()
            if time.monotonic() >= self._counts_at:
                self._count(store)
            trim()
            self._stopped.wait(_REST_S)

    def _makes_many(self, store: Store) -> bool:
        """Make some of the vectors that are lacking; tell whether more may be."""
        return store.complete_vectors(self._stopped.is_set, most=_MADE_AT_ONCE) >= _MADE_AT_ONCE

    def _count(self, store: Store) -> None:
        """Store what the vectors of searches have cost, if the cache can be written."""
        self._counts_at = time.monotonic() + _COUNT_S
        with suppress(StoreError):
            keep_spent(store, self._settings, self._searches)
