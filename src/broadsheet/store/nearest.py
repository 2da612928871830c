"""`Index`: the vectors of all papers in memory, and which of them are nearest to one.

A vector is 256 bytes. All are compared one by one: 75,000 take 6 ms and 19 MB, so that an index of
neighbours, or an extension of SQLite, would only add to what can break.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.embedding import DIMENSIONS, MODEL, Embedder, unit
from broadsheet.store.connection import file_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SCALE = 127
_LEAST = 0.25
"""The cosine below which a paper is not near; two of any kind have 0.05 on average."""
_CHUNK = 1_024
"""So many vectors at a time stay in the processor's cache: twice as fast as all at once."""
PAPERS = """SELECT p.rowid, p.content_hash, v.vector, CASE WHEN v.vector IS NULL THEN p.title END AS title,
        CASE WHEN v.vector IS NULL THEN p.abstract END AS abstract
    FROM papers p LEFT JOIN vectors v ON (v.model, v.content_hash) = (?, p.content_hash)"""


class State(NamedTuple):
    """What a cache was like when its papers were taken in: its file, its newest paper, the last revision."""

    file: tuple[int, int] | None
    row: int
    id: str
    revised: str


def state_of(db: Database) -> State:
    """Return what a cache is like now."""
    row = db.execute("SELECT rowid, id FROM papers ORDER BY rowid DESC LIMIT 1").fetchone()
    revised = db.execute("SELECT max(revised_at) FROM papers WHERE revised_at IS NOT NULL").fetchone()[0]
    newest = (int(row[0]), str(row[1])) if row else (0, "")
    return State(file_of(db), *newest, revised or "")


class Index:
    """The vectors of a cache's papers in memory, shared by all threads that read it.

    Attributes:
        rows: The papers' row numbers, ascending.
        is_kept: Whether a thread sees to it that it is as new as the cache, so that no other need do it.
    """

    def __init__(self) -> None:
        import numpy as np

        self._lock = threading.Lock()
        self._state: State | None = None
        self.is_kept = False
        self.rows: NDArray[Any] = np.zeros(0, np.int64)
        self._vectors: NDArray[Any] = np.zeros((0, DIMENSIONS), np.int8)

    @property
    def is_filled(self) -> bool:
        """Tell whether it was taken in at all."""
        return self._state is not None

    def is_behind(self, db: Database) -> bool:
        """Tell whether papers were added or revised since, or another file was put in place."""
        return state_of(db) != self._state

    def refresh(self, db: Database, made_by: Embedder) -> None:
        """Take in papers that were added or revised since.

        Where the file or its newest paper is another, a backup was put in its place, or the last ones were
        removed: then all are taken in anew.
        """
        state = state_of(db)
        if state == self._state:
            return
        with self._lock:
            self._take_in(db, made_by, state)

    def _take_in(self, db: Database, made_by: Embedder, state: State) -> None:
        import numpy as np

        before = self._state or State(None, 0, "", "")
        still = db.execute(
            "SELECT 1 FROM papers WHERE (rowid, id) = (?, ?)", [before.row, before.id]
        ).fetchone()
        kept = len(self.rows) if still and state.file == before.file else 0
        rows, vectors = self.rows[:kept], self._vectors[:kept]
        new = _vectors_of(
            db, made_by, f"{PAPERS} WHERE p.rowid > ? ORDER BY p.rowid", [int(max(rows, default=0))]
        )
        again = _vectors_of(db, made_by, f"{PAPERS} WHERE p.revised_at > ?", [before.revised])
        if again[0] and len(rows):
            vectors = vectors.copy()
            for row, vector in zip(*again, strict=True):
                place = int(np.searchsorted(rows, row))
                if place < len(rows) and rows[place] == row:
                    vectors[place] = vector
        if new[0]:
            rows, vectors = np.append(rows, new[0]), np.concatenate([vectors, new[1]])
        # One assignment each, rows last: who reads beside this sees rows that have vectors.
        self._vectors, self.rows, self._state = vectors, rows, state

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

    def likeness(self, vector: NDArray[Any], rows: Iterable[int]) -> dict[int, float]:
        """Return how near papers are to a unit vector: the cosine, or 0 where it is negative or unknown."""
        import numpy as np

        asked = list(rows)
        present = self.rows
        if not len(present):
            return dict.fromkeys(asked, 0.0)
        places = np.minimum(np.searchsorted(present, asked), len(present) - 1)
        cosines = self._vectors[places].astype(np.float32) @ vector / _SCALE
        known = np.where(present[places] == asked, np.maximum(cosines, 0), 0)
        return dict(zip(asked, known.tolist(), strict=True))

    def mean(self, rows: Iterable[int]) -> NDArray[Any]:
        """Return the mean direction of some papers; of none, no direction."""
        import numpy as np

        present = self.rows
        places = np.searchsorted(present, list(rows))
        found = self._vectors[places[places < len(present)]].astype(np.float32)
        return unit(found.mean(axis=0)) if len(found) else np.zeros(DIMENSIONS, np.float32)


def _vectors_of(db: Database, made_by: Embedder, query: str, values: list[Any]) -> tuple[list[int], Any]:
    """Return rows and their vectors as int8; those that are not stored are made."""
    import numpy as np

    cursor = db.execute(query, [MODEL, *values])
    cursor.row_factory = None
    rows: list[int] = []
    parts = []
    while found := cursor.fetchmany(_CHUNK):
        part = np.zeros((len(found), DIMENSIONS), np.int8)
        rows += [row for row, *_ in found]
        stored = [place for place, row in enumerate(found) if row[2] is not None]
        part[stored] = np.frombuffer(b"".join(found[place][2] for place in stored), np.int8).reshape(
            -1, DIMENSIONS
        )
        if lacking := [(place, row[3:]) for place, row in enumerate(found) if row[2] is None]:
            part[[place for place, _ in lacking]] = quantized(made_by.papers([words for _, words in lacking]))
        parts.append(part)
    return rows, np.concatenate(parts) if parts else np.zeros((0, DIMENSIONS), np.int8)


def quantized(vectors: NDArray[Any]) -> NDArray[Any]:
    """Return unit vectors as they are stored: int8, a cosine of 1 at 127."""
    import numpy as np

    made: NDArray[Any] = np.rint(vectors * _SCALE).astype(np.int8)
    return made
