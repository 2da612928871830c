"""`Index`: what all papers are about, in memory, for all threads that read a cache.

Of each paper the signs of its vector are held, 32 bytes of 256 numbers. Up to `MOST_HELD` papers the vectors
are too; beyond, the few that a question compares are read from the cache (see `neighbours`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.embedding import DIMENSIONS, MODEL, Embedder
from broadsheet.store import kept_signs
from broadsheet.store.connection import file_of
from broadsheet.store.held import SCALE, Held, quantized, signs_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_HELD = 200_000
"""Of so many papers the vectors take 51 MB, where they have 256 numbers."""
_WHOLE = 0.9
"""The share of the papers whose vectors must have been asked for before these rank at all."""
_CHUNK = 1_024
_ADDED = "p.rowid <= ? AND p.rowid > ? ORDER BY p.rowid"
REVISED = "p.revised_at > ? AND +p.rowid > ? ORDER BY +p.rowid"
"""The signs keep SQLite from reading all papers in order, of which few were revised."""
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
    """The papers of a cache as they stood when they were last taken in.

    Attributes:
        model: Whose vectors they are.
        state: What the cache was like then; None before.
        held: The papers, without those whose vectors are still to be asked for.
        common: The mean of the vectors of an endpoint's model.
        is_kept: Whether a thread sees to it that it is as new as the cache, so that no other need do it.
        is_whole: Whether nearly all papers are in it, so that the others may be passed over.
    """

    def __init__(self, model: str = MODEL) -> None:
        self.model = model
        self.state: State | None = None
        self.held = _nothing()
        self.common: NDArray[Any] | None = None
        self.is_kept = False
        self.is_whole = False
        self._lock = threading.Lock()

    @property
    def is_asked_for(self) -> bool:
        """Tell whether the vectors are those of an endpoint's model."""
        return self.model != MODEL

    @property
    def is_filled(self) -> bool:
        """Tell whether it was taken in at all."""
        return self.state is not None

    def is_behind(self, db: Database) -> bool:
        """Tell whether papers were added or revised since, or another file was put in place."""
        return state_of(db, self.model) != self.state

    def refresh(
        self, db: Database, made_by: Embedder | None, is_stopped: Callable[[], bool] = lambda: False
    ) -> None:
        """Take in papers that were added or revised since.

        Where the file or its newest paper is another, a backup was put in its place, or the last ones were
        removed: then all are taken in anew.

        Args:
            db: The cache.
            made_by: Makes the vectors that are not stored, if that can be done without asking.
            is_stopped: Asked before each 1,024 papers whether to leave everything as it was.
        """
        state = state_of(db, self.model)
        if state == self.state:
            return
        with self._lock, suppress(_StoppedError):
            before, held = self._before(db, state)
            still = db.execute(
                "SELECT 1 FROM papers WHERE (rowid, id) = (?, ?)", [before.row, before.id]
            ).fetchone()
            is_same = still and (state.file, state.run) == (before.file, before.run)
            if made_by is None and state.revised != before.revised:
                is_same = False  # a revised paper has no vector until it is asked for
            reading = partial(_vectors_of, db, self.model, made_by, is_stopped=is_stopped)
            kept = held if is_same else _nothing()
            held, total = _grown(kept, db, self.model, reading, before.revised, state)
            if self.is_asked_for:
                self._weigh(db, held, total)
            self.held, self.state = held, state

    def _before(self, db: Database, state: State) -> tuple[State, Held]:
        """Return what was taken in last, by this process or by one that has kept the signs of many papers."""
        if self.state:
            return self.state, self.held
        if self.model == MODEL and state.row > MOST_HELD and (held := kept_signs.read(db)):
            return State(state.file, *kept_signs.known(db)), held
        return State(None, 0, "", ""), self.held

    def _weigh(self, db: Database, held: Held, total: NDArray[Any]) -> None:
        """Keep how many of the papers are held, and the mean of those, of which the last came in now."""
        papers = db.execute("SELECT count(*) FROM papers").fetchone()[0]
        self.is_whole = len(held.rows) >= max(1, _WHOLE * papers)
        if not len(held.rows):
            self.common = None
        elif self.held.middle is held.middle and self.common is not None:
            self.common = (self.common * len(self.held.rows) + total / SCALE) / len(held.rows)
        else:
            self.common = total / SCALE / len(held.rows)


def _nothing() -> Held:
    import numpy as np

    return Held.room(0, np.zeros(DIMENSIONS, np.float32), has_vectors=True)


class _StoppedError(Exception):
    """What is new is not taken in to the end."""


def _grown(
    kept: Held,
    db: Database,
    model: str,
    reading: Callable[[str, list[Any]], Iterator[tuple[NDArray[Any], NDArray[Any]]]],
    revised: str,
    state: State,
) -> tuple[Held, NDArray[Any]]:
    """Return the papers of an index, with those that were revised or added up to a state.

    Vectors of another length than the others have are passed over: a run is making all anew, and they are
    taken in at its end. The sum of the vectors that were added comes with them.
    """
    import numpy as np

    last = int(kept.rows[-1]) if len(kept.rows) else 0
    total = np.zeros(len(kept.middle), np.float32)
    changed = list(reading(REVISED, [revised, 0])) if last else []
    if not changed and last >= state.row:
        return kept, total
    counted = db.execute("SELECT count(*) FROM papers WHERE rowid > ? AND rowid <= ?", [last, state.row])
    new, end = int(counted.fetchone()[0]), len(kept.rows)
    added = reading(_ADDED, [state.row, last])
    if not end and (part := next(added, None)):
        kept = Held.room(0, _middle(model, part[1]), has_vectors=True)
        total = np.zeros(len(kept.middle), np.float32)
        added = chain([part], added)
    are_held = kept.vectors is not None and state.row <= MOST_HELD
    grown = Held.room(end + new, kept.middle, has_vectors=are_held)
    grown.put(slice(end), kept.rows, kept.signs, kept.vectors)
    for rows, vectors in changed:
        places = np.minimum(np.searchsorted(kept.rows, rows), end - 1)
        known = kept.rows[places] == rows
        grown.put(places[known], rows[known], signs_of(vectors[known], kept.middle), vectors[known])
    for rows, vectors in added:
        if vectors.shape[1] == len(kept.middle):
            grown.put(slice(end, end + len(rows)), rows, signs_of(vectors, kept.middle), vectors)
            total += vectors.sum(axis=0, dtype=np.float32)
            end += len(rows)
    return grown.first(end), total


def _middle(model: str, vectors: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers that signs are taken from; what the packaged model's share is out of them."""
    import numpy as np

    if model == MODEL:
        return np.zeros(vectors.shape[1], np.float32)
    middle: NDArray[Any] = vectors.mean(axis=0, dtype=np.float32)
    return middle


def _vectors_of(
    db: Database,
    model: str,
    made_by: Embedder | None,
    condition: str,
    values: list[Any],
    *,
    is_stopped: Callable[[], bool],
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Yield rows and their vectors as int8, some of one length at a time.

    Those that are not stored are made, or left out. Each time is a query of its own: while one is open, the
    write-ahead log of a cache only grows.
    """
    import numpy as np

    *values, last = values
    query = f"{PAPERS} WHERE {condition} LIMIT {_CHUNK}"
    while found := db.execute(query, [model, *values, last]).fetchall():
        if is_stopped():
            raise _StoppedError
        last = found[-1]["rowid"]
        stored = [row for row in found if row["vector"] is not None]
        if made_by:
            vectors = np.zeros((len(found), DIMENSIONS), np.int8)
            has_one = np.array([row["vector"] is not None for row in found])
            vectors[has_one] = _together(stored, DIMENSIONS)
            if lacking := [(row["title"], row["abstract"]) for row in found if row["vector"] is None]:
                vectors[~has_one] = quantized(made_by.papers(lacking))
            yield np.array([row["rowid"] for row in found], np.int64), vectors
            continue
        for numbers, alike in groupby(stored, key=lambda row: len(row["vector"])):
            rows = list(alike)
            yield np.array([row["rowid"] for row in rows], np.int64), _together(rows, numbers)


def _together(rows: Sequence[Any], numbers: int) -> NDArray[Any]:
    import numpy as np

    return np.frombuffer(b"".join(row["vector"] for row in rows), np.int8).reshape(-1, numbers)
