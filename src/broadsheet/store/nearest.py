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
_WHOLE = 0.9
"""The share of the papers whose vectors must have been asked for before these rank at all."""
_CHUNK = 1_024
"""So many vectors at a time stay in the processor's cache: twice as fast as all at once."""
PAPERS = """SELECT p.rowid, p.content_hash, v.vector, CASE WHEN v.vector IS NULL THEN p.title END AS title,
        CASE WHEN v.vector IS NULL THEN p.abstract END AS abstract
    FROM papers p LEFT JOIN vectors v ON (v.model, v.content_hash) = (?, p.content_hash)"""


class State(NamedTuple):
    """What a cache was like when its papers were taken in: its file, its newest paper, the last revision.

    Attributes:
        run: The last run that asked for vectors of the model and has ended, if it is an endpoint's.
    """

    file: tuple[int, int] | None
    row: int
    id: str
    revised: str
    run: int = 0


def state_of(db: Database, model: str = MODEL) -> State:
    """Return what a cache is like now, for the vectors of a model."""
    run = 0
    if model != MODEL:
        ended = "SELECT max(id) FROM runs WHERE model = ? AND ended_at IS NOT NULL"
        run = db.execute(ended, [model]).fetchone()[0] or 0
    row = db.execute("SELECT rowid, id FROM papers ORDER BY rowid DESC LIMIT 1").fetchone()
    revised = db.execute("SELECT max(revised_at) FROM papers WHERE revised_at IS NOT NULL").fetchone()[0]
    newest = (int(row[0]), str(row[1])) if row else (0, "")
    return State(file_of(db), *newest, revised or "", run)


class Index:
    """The vectors of a cache's papers in memory, shared by all threads that read it.

    Args:
        model: Whose vectors they are.

    Attributes:
        is_kept: Whether a thread sees to it that it is as new as the cache, so that no other need do it.
        is_whole: Whether nearly all papers are in it, so that the others may be passed over.
    """

    def __init__(self, model: str = MODEL) -> None:
        import numpy as np

        self._model = model
        self.is_whole = False
        self._common: NDArray[Any] | None = None
        self._lock = threading.Lock()
        self._state: State | None = None
        self.is_kept = False
        self.hold(np.zeros(0, np.int64), np.zeros((0, DIMENSIONS), np.int8))

    def hold(self, rows: NDArray[Any], vectors: NDArray[Any]) -> None:
        """Take these for the papers: their row numbers, ascending, and their vectors as int8.

        Both change in one step, for other threads read them meanwhile.
        """
        self._held = rows, vectors

    @property
    def rows(self) -> NDArray[Any]:
        """Return the papers' row numbers, without those whose vectors are still to be asked for."""
        return self._held[0]

    @property
    def is_filled(self) -> bool:
        """Tell whether it was taken in at all."""
        return self._state is not None

    def is_behind(self, db: Database) -> bool:
        """Tell whether papers were added or revised since, or another file was put in place."""
        return state_of(db, self._model) != self._state

    def refresh(self, db: Database, made_by: Embedder | None) -> None:
        """Take in papers that were added or revised since.

        Vectors that are not stored are made, if they can be without asking. Where the file or its newest
        paper is another, a backup was put in its place, or the last ones were removed: then all are taken in
        anew.
        """
        state = state_of(db, self._model)
        if state == self._state:
            return
        with self._lock:
            self._take_in(db, made_by, state)

    def _take_in(self, db: Database, made_by: Embedder | None, state: State) -> None:
        import numpy as np

        before = self._state or State(None, 0, "", "")
        still = db.execute(
            "SELECT 1 FROM papers WHERE (rowid, id) = (?, ?)", [before.row, before.id]
        ).fetchone()
        is_same = still and (state.file, state.run) == (before.file, before.run)
        if made_by is None and state.revised != before.revised:
            is_same = False  # a revised paper has no vector until it is asked for
        rows, vectors = self._held
        if not is_same:
            rows, vectors = rows[:0], vectors[:0]
        later = f"{PAPERS} WHERE p.rowid > ? ORDER BY p.rowid"
        new = _vectors_of(db, self._model, made_by, later, [int(max(rows, default=0))])
        again = _vectors_of(db, self._model, made_by, f"{PAPERS} WHERE p.revised_at > ?", [before.revised])
        if again[0] and len(rows):
            vectors = vectors.copy()
            for row, vector in zip(*again, strict=True):
                place = int(np.searchsorted(rows, row))
                if place < len(rows) and rows[place] == row:
                    vectors[place] = vector
        if made_by is None and len(rows) and new[1].shape[1] != vectors.shape[1]:
            new = [], new[1]  # a run is making them anew, with other numbers; they are taken in at its end
        if new[0]:
            vectors = np.concatenate([vectors, new[1]]) if len(rows) else new[1]
            rows = np.append(rows, new[0])
        if self._model != MODEL:
            papers = db.execute("SELECT count(*) FROM papers").fetchone()[0]
            self.is_whole = len(rows) >= max(1, _WHOLE * papers)
            self._common = vectors.mean(axis=0, dtype=np.float32) / _SCALE if len(rows) else None
        self.hold(rows, vectors)
        self._state = state

    def fits(self, vector: NDArray[Any]) -> bool:
        """Tell whether a vector has as many numbers as those of the papers."""
        return bool(vector.shape == self._held[1].shape[1:])

    def level(self, vector: NDArray[Any]) -> float:
        """Return the cosine that a unit vector has with papers on average, which tells nothing of any.

        It is taken for nothing where the direction that all texts share is out of the vectors already. Of
        some models any two texts have 0.8.
        """
        return 0.0 if self._common is None else min(0.99, max(0.0, float(self._common @ vector)))

    def nearest(
        self, vector: NDArray[Any], most: int, among: Sequence[int] | None = None, level: float = 0.0
    ) -> list[int]:
        """Return the rows of the papers that are nearest to a unit vector, the nearest first.

        Those that have next to nothing to do with it are left out.

        Args:
            vector: As many numbers as the papers' have.
            most: At most so many.
            among: Only these rows.
            level: What `level` says of the vector.
        """
        import numpy as np

        rows, vectors = self._held
        if among is not None:
            chosen = np.flatnonzero(np.isin(rows, np.asarray(among, np.int64)))
            rows, vectors = rows[chosen], vectors[chosen]
        likeness = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), _CHUNK):
            part = vectors[start : start + _CHUNK]
            likeness[start : start + _CHUNK] = part.astype(np.float32) @ vector
        best = np.argpartition(-likeness, most)[:most] if most < len(rows) else np.arange(len(rows))
        best = best[likeness[best] >= (level + _LEAST * (1 - level)) * _SCALE]
        ordered: list[int] = rows[best[np.argsort(-likeness[best], kind="stable")]].tolist()
        return ordered

    def likeness(self, vector: NDArray[Any], rows: Iterable[int], level: float = 0.0) -> dict[int, float]:
        """Return how near papers are to a unit vector, or 0 where that is negative or unknown.

        It is the cosine, or how far that is on the way from the level, which counts as nothing, to 1.
        """
        import numpy as np

        asked = list(rows)
        present, vectors = self._held
        if not len(present):
            return dict.fromkeys(asked, 0.0)
        places = np.minimum(np.searchsorted(present, asked), len(present) - 1)
        cosines = vectors[places].astype(np.float32) @ vector / _SCALE
        known = np.where(present[places] == asked, np.maximum((cosines - level) / (1 - level), 0), 0)
        return dict(zip(asked, known.tolist(), strict=True))

    def mean(self, rows: Iterable[int]) -> NDArray[Any]:
        """Return the mean direction of some papers; of none, no direction."""
        import numpy as np

        present, vectors = self._held
        places = np.searchsorted(present, list(rows))
        found = vectors[places[places < len(present)]].astype(np.float32)
        return unit(found.mean(axis=0)) if len(found) else np.zeros(vectors.shape[1], np.float32)


def _vectors_of(
    db: Database, model: str, made_by: Embedder | None, query: str, values: list[Any]
) -> tuple[list[int], Any]:
    """Return rows and their vectors as int8; those that are not stored are made, or left out."""
    import numpy as np

    cursor = db.execute(query, [model, *values])
    cursor.row_factory = None
    rows: list[int] = []
    parts = []
    numbers = DIMENSIONS if made_by else 0
    while found := cursor.fetchmany(_CHUNK):
        if made_by is None:
            numbers = numbers or next((len(row[2]) for row in found if row[2]), 0)
            found = [row for row in found if row[2] and len(row[2]) == numbers]
        part = np.zeros((len(found), numbers), np.int8)
        rows += [row for row, *_ in found]
        stored = [place for place, row in enumerate(found) if row[2] is not None]
        if stored:
            together = b"".join(found[place][2] for place in stored)
            part[stored] = np.frombuffer(together, np.int8).reshape(-1, numbers)
        lacking = [(place, row[3:]) for place, row in enumerate(found) if row[2] is None]
        if made_by and lacking:
            part[[place for place, _ in lacking]] = quantized(made_by.papers([words for _, words in lacking]))
        parts.append(part)
    parts = [part for part in parts if len(part)]
    return rows, np.concatenate(parts) if parts else np.zeros((0, numbers), np.int8)


def quantized(vectors: NDArray[Any]) -> NDArray[Any]:
    """Return unit vectors as they are stored: int8, a cosine of 1 at 127."""
    import numpy as np

    made: NDArray[Any] = np.rint(vectors * _SCALE).astype(np.int8)
    return made
