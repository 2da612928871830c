"""What papers are about, as vectors beside their words; each is stored under the hash of these words."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.embedding import MODEL, Embedder, embedder
from broadsheet.store.nearest import PAPERS, Index, quantized

_indexes: dict[str, Index] = {}
_lock = threading.Lock()


class Vectors:
    """Keeps a vector for each paper, where the extra ``search`` is installed."""

    def __init__(self, db: Database, name: str) -> None:
        self._db = db
        self._name = name
        self._own: Index | None = None

    @property
    def embedder(self) -> Embedder | None:
        """Return what makes vectors, or None without the extra."""
        return embedder()

    def index(self) -> Index | None:
        """Return the vectors as they stand now; None without the extra, or until they are first taken in."""
        found = self._index()
        if (found.is_kept and not found.is_filled) or embedder() is None:
            return None
        if not found.is_kept:
            self.keep_up()
        return found

    @contextmanager
    def kept_up_by_caller(self) -> Iterator[None]:
        """Let nobody else take in what is new in the block: the caller calls `keep_up` now and then."""
        index = self._index()
        index.is_kept = True
        try:
            yield
        finally:
            index.is_kept = False

    def keep_up(self) -> None:
        """Take in what is new for all threads; without the extra there is nothing to do."""
        if made_by := embedder():
            self._index().refresh(self._db, made_by)

    def is_behind(self) -> bool:
        """Tell whether there is something to take in."""
        return self._index().is_behind(self._db)

    def _index(self) -> Index:
        if not self._name:
            self._own = self._own or Index()
            return self._own
        with _lock:
            return _indexes.setdefault(self._name, Index())

    def lacking(self) -> int:
        """Return how many papers may have no vector yet; none without the extra."""
        if embedder() is None:
            return 0
        papers, vectors = self._db.execute(
            "SELECT (SELECT count(*) FROM papers), (SELECT count(*) FROM vectors WHERE model = ?)", [MODEL]
        ).fetchone()
        return max(0, int(papers) - int(vectors))

    def missing(self) -> Iterator[list[tuple[str, str, bytes]]]:
        """Make a vector for each paper that has none; yield 500 rows at a time, for `store`.

        Making takes a second of processor time a thousand: call it outside a transaction.
        """
        made_by, last = embedder(), 0
        while made_by is not None:
            lacking = self._db.execute(
                f"{PAPERS} WHERE p.rowid > ? AND v.vector IS NULL ORDER BY p.rowid LIMIT 500", [MODEL, last]
            ).fetchall()
            if not lacking:
                return
            last = lacking[-1]["rowid"]
            made = quantized(made_by.papers([(row["title"], row["abstract"]) for row in lacking]))
            hashes = [row["content_hash"] for row in lacking]
            yield [(MODEL, hash_, vector.tobytes()) for hash_, vector in zip(hashes, made, strict=True)]

    def store(self, rows: Sequence[tuple[str, str, bytes]]) -> None:
        """Store rows of `missing`; call it inside a transaction."""
        self._db.conn.executemany(
            "INSERT OR REPLACE INTO vectors (model, content_hash, vector) VALUES (?, ?, ?)", rows
        )
