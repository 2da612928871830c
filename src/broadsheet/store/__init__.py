"""The cache: all reads and writes, as named questions. The only SQL besides the migrations.

with Store.open("broadsheet.db") as store:
    store.get("2503.01234")                                     # one record, by id or title
    store.list(Filter(tags=("robotics",), code="available"))    # records, latest first
    store.search("sparse attention")                            # records, what answers it best first
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.annotation import Annotation
from broadsheet.errors import NotFoundError, StoreError
from broadsheet.fields import UserField
from broadsheet.filters import Filter
from broadsheet.record import Record
from broadsheet.store.annotations import Annotations
from broadsheet.store.backlog import Backlog
from broadsheet.store.batch_jobs import BatchJobs
from broadsheet.store.connection import connect, connect_in_memory, require_in_place
from broadsheet.store.deliveries import Deliveries
from broadsheet.store.editions import Editions
from broadsheet.store.edits import Edits
from broadsheet.store.embeddings import Embeddings
from broadsheet.store.endpoints import Endpoint
from broadsheet.store.facets import Facets
from broadsheet.store.fetches import Fetches
from broadsheet.store.fields import Fields
from broadsheet.store.likeness import Likeness
from broadsheet.store.links import Links
from broadsheet.store.lock import StageLock
from broadsheet.store.overview import Overview
from broadsheet.store.papers import Papers
from broadsheet.store.ranking import Ranking
from broadsheet.store.records import Records
from broadsheet.store.remembered import Remembered
from broadsheet.store.runs import Runs
from broadsheet.store.statistics import Statistics
from broadsheet.store.subscribers import Subscribers
from broadsheet.store.terms import Terms
from broadsheet.store.trends import WeeklyCounts
from broadsheet.store.vectors import Vectors
from broadsheet.store.worker_days import WorkerDays


class Store:
    """An open cache. Use it from one thread; other processes may read beside it.

    Attributes:
        fields: The fields that users have declared, and the class of annotations with them.
        papers: What is known of papers, their names, versions and sightings.
        annotations: Replies, annotations, findings and failures.
        backlog: What is left to annotate.
        runs: Runs of the annotate stage and their tokens.
        records: Papers with their current annotations.
        ranking: The order in which papers answer a search.
        vectors: What papers are about, if the extra ``search`` is installed.
        embeddings: Vectors that an endpoint has made.
        edits: What editors ask of editions, and what they put right in published ones.
        facets: Which papers have which value of a facet.
        editions: Composed editions.
        fetches: What live sources were asked, and when they may be asked again.
        links: What stands behind code links.
        statistics: Counts over all of it.
        overview: Answers about all papers at once.
        weeks: Counts by week.
        subscribers: Readers, their tokens, suppressed addresses and bounces.
        deliveries: What was sent to whom.
        worker_days: Which days the worker has done.
    """

    def __init__(self, db: Database, path: Path | None) -> None:
        self._db = db
        self._lock = path and StageLock(path, "annotating this cache", ".lock", ", or add --wait")
        self._send_lock = path and StageLock(path, "sending from this cache", ".send.lock")
        self.fields = Fields(db)
        self.papers = Papers(db)
        self.annotations = Annotations(db, self.fields)
        self.backlog = Backlog(db)
        self.runs = Runs(db)
        name = str(path.absolute()) if path else ""
        self.vectors = Vectors(db, name)
        self.embeddings = Embeddings(db)
        remembered = Remembered.of(name)
        terms = Terms(db, remembered)
        self.ranking = Ranking(db, self.fields, self.vectors, terms)
        self._likeness = Likeness(db, self.vectors, terms, remembered)
        self.records = Records(db, self.fields, self.ranking)
        self.facets = Facets(db, self.ranking)
        self.edits = Edits(db)
        self.editions = Editions(db, self.fields, self.edits)
        self.fetches = Fetches(db)
        self.links = Links(db)
        self.statistics = Statistics(db)
        self.overview = Overview(db)
        self.weeks = WeeklyCounts(db, self.fields)
        self.subscribers = Subscribers(db)
        self.deliveries = Deliveries(db)
        self.worker_days = WorkerDays(db)

    @classmethod
    def open(cls, path: str | Path, *, create: bool = True, reading: bool = False) -> Self:
        """Open a cache, and upgrade it where an older Broadsheet made it.

        Args:
            path: The file.
            create: Make it if there is none.
            reading: Nothing will be written, so the file and its folder may be read-only.

        Raises:
            StoreError: There is none and ``create`` is false; it is no database, of a newer version,
                read-only, locked or damaged.
        """
        return cls(connect(Path(path), create=create, reading=reading), Path(path))

    @classmethod
    def in_memory(cls) -> Self:
        """Open an empty cache that is gone when it is closed, to ask a few papers what a cache is asked."""
        return cls(connect_in_memory(), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all writes inside together at the end, or none of them.

        The write lock is taken at once: a transaction that starts by reading could otherwise fail, without
        waiting, when another process writes first.

        Raises:
            StoreError: The file is locked, full, read-only or damaged, or is no longer where it was.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._db.rollback()
            raise
        require_in_place(self._db)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read the cache as it is now for several questions, whatever is written meanwhile."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK")

    def annotating(self, *, wait: bool = False) -> AbstractContextManager[None]:
        """Hold the cache's one place for annotating; entered again by the same store, it is held on.

        Args:
            wait: Wait until another process has ended instead of raising.

        Raises:
            StoreError: Another process holds it; the sentence says which.
        """
        return self._lock.held(wait=wait) if self._lock else nullcontext()

    def sending(self) -> AbstractContextManager[None]:
        """Hold the cache's one place for sending.

        Raises:
            StoreError: Another process holds it; the sentence says which.
        """
        return self._send_lock.held() if self._send_lock else nullcontext()

    @property
    def annotation(self) -> type[Annotation]:
        """Return the class of this cache's annotations, with the fields that users have declared."""
        return self.fields.model

    def declare(self, fields: tuple[UserField, ...]) -> None:
        """Take in a user's fields, so that annotations with them can be stored and read by anyone.

        Raises:
            StoreError: The database cannot be written.
        """
        if not self.fields.has(fields):
            with self.transaction():
                self.fields.declare(fields)

    def endpoint(self, address: str, model: str) -> Endpoint:
        """Return what is remembered of a model behind an address."""
        return Endpoint(self._db, address, model)

    def batch_jobs(self, address: str, model: str) -> BatchJobs:
        """Return the jobs that the Batch API works on for a model behind an address."""
        return BatchJobs(self._db, address, model)

    def get(self, wanted: str) -> Record:
        """Return the one paper with this id, title or part of a title; never calls a model.

        Raises:
            NotFoundError: No paper answers to it.
            AmbiguousError: Several do; the error lists them.
        """
        return self.records.get(wanted)

    def list(
        self, where: Filter | None = None, *, limit: int | None = None, offset: int = 0
    ) -> Iterator[Record]:
        """Yield records that pass a filter: what answers its search best first, else latest first seen."""
        return self.records.matching(where or Filter(), limit=limit, offset=offset)

    def search(
        self, words: str, where: Filter | None = None, *, limit: int | None = None
    ) -> Iterator[Record]:
        """Yield the records that answer a search best, the best first.

        Args:
            words: Any of them counts; "a phrase" must stand, -word must not.
            where: Conditions that the records pass besides.
            limit: The most records.
        """
        chosen = (where or Filter()).model_copy(update={"search": words})
        return self.records.matching(chosen, limit=limit)

    def complete_vectors(
        self,
        is_stopped: Callable[[], bool] = lambda: False,
        *,
        most: int | None = None,
        among: Sequence[str] | None = None,
        threads: int = 1,
        on_made: Callable[[int], None] = lambda _: None,
    ) -> int:
        """Store a vector of the packaged model for each paper that has none, the latest first; tell how many.

        Without the extra ``search``, or where the file cannot be written now, nothing is stored.

        Args:
            is_stopped: Asked before each 64 papers whether to leave the rest.
            most: About so many at most.
            among: Only of the papers with these ids.
            threads: How many are made at once; each takes 10 ms of processor time.
            on_made: Called with how many are stored.
        """
        made = 0
        with suppress(StoreError):
            for rows in self.vectors.missing(threads, among) if self.vectors.lacking(among) else ():
                with self.transaction():
                    self.vectors.store(rows)
                made += len(rows)
                on_made(made)
                if is_stopped() or (most is not None and made >= most):
                    break
        return made

    def keep_signs(self) -> None:
        """Keep the signs of many papers' vectors, so that no later process need read all of these.

        Where vectors are lacking, or the file cannot be written now, nothing is kept.
        """
        with suppress(StoreError):
            if self.vectors.has_signs_to_keep() and not self.vectors.lacking():
                with self.transaction():
                    self.vectors.keep_signs()

    def related(self, paper_id: str, limit: int = 10) -> Sequence[Record]:
        """Return the papers that are most like a paper, most alike first.

        Raises:
            NotFoundError: No paper has this id.
        """
        if self.papers.by_id(paper_id) is None:
            raise NotFoundError(f"No paper in the cache has the id {paper_id[:80]!r}.")
        return self.records.by_rows(self._likeness.related(paper_id, limit))

    def count(self, where: Filter | None = None) -> int:
        """Count the records that pass a filter."""
        return self.records.count(where or Filter())
