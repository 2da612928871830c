"""What papers are about, as vectors beside their words, and which are nearest to one.

A vector is 256 bytes under the hash of the words that it is made of. All are compared one by one: 75,000 take
6 ms and 19 MB, so that an index of neighbours, or an extension of SQLite, would only add to what can break.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.embedding import DIMENSIONS, MODEL, Embedder, embedder, unit
from broadsheet.store.connection import file_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SCALE = 127
_LEAST = 0.25
"""The cosine below which a paper is not near; two of any kind have 0.05 on average."""
_CHUNK = 1_024
"""So many vectors at a time stay in the processor's cache: twice as fast as all at once."""
_PAPERS = """SELECT p.rowid, p.content_hash, v.vector, CASE WHEN v.vector IS NULL THEN p.title END AS title,
        CASE WHEN v.vector IS NULL THEN p.abstract END AS abstract
    FROM papers p LEFT JOIN vectors v ON (v.model, v.content_hash) = (?, p.content_hash)"""
_indexes: dict[str, Index] = {}
_lock = threading.Lock()


class Index:
    """The vectors of a cache's papers in memory, shared by all threads that read it.

    Attributes:
        rows: The papers' row numbers, ascending.
    """

    def __init__(self) -> None:
        import numpy as np

        self._lock = threading.Lock()
        self._revised = ""
        self._newest = (0, "")
        self._file: object = None
        self.rows: NDArray[Any] = np.zeros(0, np.int64)
        self._vectors: NDArray[Any] = np.zeros((0, DIMENSIONS), np.int8)

    def refresh(self, db: Database, made_by: Embedder) -> None:
        """Take in papers that were added or revised since.

        Where the file or its newest paper is another, a backup was put in its place, or the last ones were
        removed: then all are taken in anew.
        """
        row = db.execute("SELECT rowid, id FROM papers ORDER BY rowid DESC LIMIT 1").fetchone()
        newest = (int(row[0]), str(row[1])) if row else (0, "")
        revised = db.execute("SELECT max(revised_at) FROM papers WHERE revised_at IS NOT NULL").fetchone()[0]
        file = file_of(db)
        if (file, newest, revised or "") == (self._file, self._newest, self._revised):
            return
        with self._lock:
            self._take_in(db, made_by, revised or "", anew=file != self._file)
            self._file, self._newest = file, newest

    def _take_in(self, db: Database, made_by: Embedder, revised: str, *, anew: bool) -> None:
        import numpy as np

        still = db.execute("SELECT 1 FROM papers WHERE (rowid, id) = (?, ?)", self._newest).fetchone()
        kept = len(self.rows) if still and not anew else 0
        rows, vectors = self.rows[:kept], self._vectors[:kept]
        new = _vectors_of(
            db, made_by, f"{_PAPERS} WHERE p.rowid > ? ORDER BY p.rowid", [int(max(rows, default=0))]
        )
        again = _vectors_of(db, made_by, f"{_PAPERS} WHERE p.revised_at > ?", [self._revised])
        if again[0] and len(rows):
            vectors = vectors.copy()
            for row, vector in zip(*again, strict=True):
                place = int(np.searchsorted(rows, row))
                if place < len(rows) and rows[place] == row:
                    vectors[place] = vector
        if new[0]:
            rows, vectors = np.append(rows, new[0]), np.concatenate([vectors, new[1]])
        # One assignment each, rows last: who reads beside this sees rows that have vectors.
        self._vectors, self.rows, self._revised = vectors, rows, revised

    def nearest(self, vector: NDArray[Any], most: int, among: Sequence[int] | None = None) -> list[int]:
        """Return the rows of the papers that are nearest to a unit vector, the nearest first.

        Those that have next to nothing to do with it are left out.

        Args:
            vector: 256 numbers.
            most: At most so many.
            among: Only these rows.
        """
        import numpy as np

        rows = self.rows
        vectors = self._vectors[: len(rows)]
        if among is not None:
            chosen = np.flatnonzero(np.isin(rows, np.asarray(among, np.int64)))
            rows, vectors = rows[chosen], vectors[chosen]
        likeness = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), _CHUNK):
            part = vectors[start : start + _CHUNK]
            likeness[start : start + _CHUNK] = part.astype(np.float32) @ vector
        best = np.argpartition(-likeness, most)[:most] if most < len(rows) else np.arange(len(rows))
        best = best[likeness[best] >= _LEAST * _SCALE]
        ordered: list[int] = rows[best[np.argsort(-likeness[best], kind="stable")]].tolist()
        return ordered

    def mean(self, rows: Iterable[int]) -> NDArray[Any]:
        """Return the mean direction of some papers; of none, no direction."""
        import numpy as np

        present = self.rows
        places = np.searchsorted(present, list(rows))
        found = self._vectors[places[places < len(present)]].astype(np.float32)
        return unit(found.mean(axis=0)) if len(found) else np.zeros(DIMENSIONS, np.float32)


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
        """Return the vectors as they stand now, or None without the extra."""
        made_by = embedder()
        if made_by is None:
            return None
        if not self._name:
            found = self._own = self._own or Index()
        else:
            with _lock:
                found = _indexes.setdefault(self._name, Index())
        found.refresh(self._db, made_by)
        return found

    def lacking(self) -> int:
        """Return how many papers may have no vector yet; none without the extra."""
        if embedder() is None:
            return 0
        papers, vectors = self._db.execute(
            "SELECT (SELECT count(*) FROM papers), (SELECT count(*) FROM vectors WHERE model = ?)", [MODEL]
        ).fetchone()
        return max(0, int(papers) - int(vectors))

    def complete(self, after: int = 0) -> int | None:
        """Store the vectors of papers that have none, 500 at most; call it inside a transaction.

        Args:
            after: Only of papers in later rows.

        Returns:
            The last row that was looked at, or None if none is left.
        """
        made_by = embedder()
        if made_by is None:
            return None
        lacking = self._db.execute(
            f"{_PAPERS} WHERE p.rowid > ? AND v.vector IS NULL ORDER BY p.rowid LIMIT 500",
            [MODEL, after],
        ).fetchall()
        if not lacking:
            return None
        made = _quantized(made_by.papers([(row["title"], row["abstract"]) for row in lacking]))
        self._db.conn.executemany(
            "INSERT OR REPLACE INTO vectors (model, content_hash, vector) VALUES (?, ?, ?)",
            [
                (MODEL, row["content_hash"], vector.tobytes())
                for row, vector in zip(lacking, made, strict=True)
            ],
        )
        return int(lacking[-1]["rowid"])


def _vectors_of(db: Database, made_by: Embedder, query: str, values: list[Any]) -> tuple[list[int], Any]:
    """Return rows and their vectors as int8; those that are not stored are made."""
    import numpy as np

    found = db.execute(query, [MODEL, *values]).fetchall()
    vectors = np.zeros((len(found), DIMENSIONS), np.int8)
    lacking = []
    for place, row in enumerate(found):
        if row["vector"] is None:
            lacking.append(place)
        else:
            vectors[place] = np.frombuffer(row["vector"], np.int8)
    if lacking:
        words = [(found[place]["title"], found[place]["abstract"]) for place in lacking]
        vectors[lacking] = _quantized(made_by.papers(words))
    return [row["rowid"] for row in found], vectors


def _quantized(vectors: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    made: NDArray[Any] = np.rint(vectors * _SCALE).astype(np.int8)
    return made
