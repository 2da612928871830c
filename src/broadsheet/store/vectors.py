"""What papers are about, as vectors beside their words; each is stored under the hash of these words.

There are two kinds. Those of the packaged model are made here, where the extra ``search`` is installed. Those
of an endpoint's model are asked for by the stage `embed`; where nearly all papers have one, they rank in
place of the others.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.embedding import MODEL, Embedder, embedder, installed
from broadsheet.store import kept_signs
from broadsheet.store.held import quantized
from broadsheet.store.nearest import PAPERS, Index
from broadsheet.store.neighbours import Neighbours
from broadsheet.store.postings import can_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

_indexes: dict[tuple[str, str], Index] = {}
_lock = threading.Lock()
_MOST_MADE = 500
"""So many vectors that are lacking are made while a reader waits, which takes 5 s of processor time. Where
more are, words alone are compared until these are made."""
_MADE_AT_ONCE = 64
"""So many are stored together: a kill has no more of them made again."""
_NEW = "p.rowid > ? AND p.rowid < ? ORDER BY p.rowid DESC"
_REVISED = "p.revised_at > ? AND +p.rowid < ? ORDER BY +p.rowid DESC"
_AMONG = "p.id IN (SELECT value FROM json_each(?))"
_NO_ROW = 2**63 - 1
_GROWTH = 1.02
"""Signs are kept anew once there are so many times as many: reading the vectors of a fiftieth is quick."""


class SearchVectors(Protocol):
    """What gives the vector of a search, from the endpoint whose vectors the papers have.

    Attributes:
        model: Whose vectors they are.
    """

    model: str

    def search(self, text: str) -> NDArray[Any] | None:
        """Return the unit vector of what is looked for; None if the endpoint gives none in time."""
        ...


class Vectors:
    """Keeps a vector for each paper, where the extra ``search`` is installed.

    Attributes:
        asks: What gives the vectors of searches where an endpoint's model is set.
        does_without: Whether it gave none for the last search, which others rank in its place.
    """

    def __init__(self, db: Database, name: str) -> None:
        self._db = db
        self._name = name
        self._own: dict[str, Index] = {}
        self._neighbours: dict[str, Neighbours] = {}
        self.asks: SearchVectors | None = None
        self.does_without = False

    @property
    def compares(self) -> bool:
        """Tell whether what papers are about can be compared at all."""
        return installed() is not None or (self.asks is not None and can_count())

    def compared(self, text: str) -> tuple[Neighbours, NDArray[Any]] | None:
        """Return the vectors of the papers and that of a search; None where words alone rank.

        Where the endpoint gives no vector, those of the packaged model are compared.
        """
        found = self.index()
        self.does_without = False
        if self.asks and found and found.index is not self._index(MODEL):
            vector = self.asks.search(text)
            if vector is not None and found.fits(vector):
                return found, vector
            self.does_without = True
            found = self._packaged()
        made_by = embedder() if found else None
        return (found, made_by.search(text)) if found and made_by else None

    def index(self) -> Neighbours | None:
        """Return who tells what is near; None without the extra, or until papers are first taken in.

        Vectors of the endpoint's model are preferred where nearly all papers have one.
        """
        if self.asks and can_count():
            found = self._taken_in(self.asks.model, None)
            if found and found.index.is_whole:
                return found
        return self._packaged()

    def _packaged(self) -> Neighbours | None:
        if installed() is None:
            return None
        index = self._index(MODEL)
        if not index.is_kept and index.is_behind(self._db) and self.lacks_many:
            return None
        return self._taken_in(MODEL, self._made_by())

    def _made_by(self) -> Embedder | None:
        """Return what makes vectors that are lacking; nothing does where an endpoint is asked for them."""
        return None if self.asks else embedder()

    def _taken_in(self, model: str, made_by: Embedder | None) -> Neighbours | None:
        found = self._index(model)
        if found.is_kept and not found.is_filled:
            return None
        if not found.is_kept:
            found.refresh(self._db, made_by)
        return self._neighbours.setdefault(model, Neighbours(found, self._db))

    @contextmanager
    def kept_up_by_caller(self) -> Iterator[None]:
        """Let nobody else take in what is new in the block: the caller calls `keep_up` now and then."""
        kept = [self._index(model) for model in self._models()]
        for index in kept:
            index.is_kept = True
        try:
            yield
        finally:
            for index in kept:
                index.is_kept = False

    def load_model(self) -> None:
        """Load the packaged model, if searches are compared by it: that takes 150 MB for a moment.

        Whoever will hold much calls it before.
        """
        if installed() and not self.asks:
            embedder()

    def keep_up(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """Take in what is new for all threads; without the extra there is nothing to do.

        Args:
            is_stopped: Asked before each 1,024 papers whether to leave everything as it was.
        """
        if installed() and not self.lacks_many:
            self._index(MODEL).refresh(self._db, self._made_by(), is_stopped)
        if self.asks and can_count():
            self._index(self.asks.model).refresh(self._db, None, is_stopped)

    def is_behind(self) -> bool:
        """Tell whether there is something to take in."""
        return any(self._index(model).is_behind(self._db) for model in self._models())

    def _models(self) -> list[str]:
        if not can_count():
            return []
        return [MODEL, self.asks.model] if self.asks else [MODEL]

    def _index(self, model: str) -> Index:
        with _lock:
            if self._name:
                return _indexes.setdefault((self._name, model), Index(model))
            return self._own.setdefault(model, Index(model))

    @property
    def lacks_many(self) -> bool:
        """Tell whether more papers have no vector of the packaged model than a reader should wait for."""
        return self.lacking() > _MOST_MADE

    def lacking(self, among: Sequence[str] | None = None) -> int:
        """Return how many papers have no vector of the packaged model yet; none without the extra.

        Args:
            among: Only the papers with these ids, so that the others need not be looked at.
        """
        if installed() is None:
            return 0
        if among is not None:
            asked = f"SELECT count(*) FROM ({PAPERS} WHERE v.vector IS NULL AND {_AMONG})"  # noqa: S608 - ours
            return int(self._db.execute(asked, [MODEL, json.dumps(among)]).fetchone()[0])
        kept = kept_signs.known(self._db)
        if not kept.newest:
            papers, vectors = self._db.execute(
                "SELECT (SELECT count(*) FROM papers), (SELECT count(*) FROM vectors WHERE model = ?)",
                [MODEL],
            ).fetchone()
            if papers <= vectors:
                return 0  # else some lack one, or papers with the same words share one
        lacking = self._db.execute(
            f"SELECT count(*) FROM ({PAPERS} WHERE v.vector IS NULL AND (p.rowid > ? OR p.revised_at > ?))",  # noqa: S608 - ours
            [MODEL, kept.newest, kept.revised_at],
        )
        return int(lacking.fetchone()[0])

    def missing(
        self, threads: int = 1, among: Sequence[str] | None = None
    ) -> Iterator[list[tuple[str, str, bytes]]]:
        """Make a vector for each paper that has none, the latest first; yield 64 rows at a time, for `store`.

        Making takes 10 ms of processor time a paper: call it outside a transaction. Papers whose signs are
        kept had one, unless they were revised since.

        Args:
            threads: How many are made at once.
            among: Only the papers with these ids.
        """
        made_by, kept = embedder(), kept_signs.known(self._db)
        conditions: list[tuple[str, Any]] = [(_NEW, kept.newest), (_REVISED, kept.revised_at)]
        if among is not None:
            conditions = [(f"{_AMONG} AND +p.rowid < ? ORDER BY +p.rowid DESC", json.dumps(among))]
        for condition, value in conditions:
            query = f"{PAPERS} WHERE v.vector IS NULL AND {condition} LIMIT {_MADE_AT_ONCE}"
            last = _NO_ROW
            while made_by and (lacking := self._db.execute(query, [MODEL, value, last]).fetchall()):
                last = lacking[-1]["rowid"]
                texts = [(row["title"], row["abstract"]) for row in lacking]
                made = quantized(made_by.papers(texts, threads))
                hashes = [row["content_hash"] for row in lacking]
                yield [(MODEL, hash_, vector.tobytes()) for hash_, vector in zip(hashes, made, strict=True)]

    def has_signs_to_keep(self) -> bool:
        """Tell whether signs are held of many more papers than they are kept of."""
        if not can_count():
            return False
        index = self._index(MODEL)
        if index.state is None or index.held.vectors is not None:
            return False
        return len(index.held.rows) > _GROWTH * kept_signs.papers(self._db)

    def keep_signs(self) -> None:
        """Keep the signs that are held; call it inside a transaction, with all vectors stored."""
        index = self._index(MODEL)
        if index.state:
            state = index.state
            kept_signs.keep(self._db, index.held, kept_signs.KeptSigns(state.row, state.id, state.revised))

    def store(self, rows: Sequence[tuple[str, str, bytes]]) -> None:
        """Store rows of `missing`; call it inside a transaction."""
        self._db.conn.executemany(
            "INSERT OR REPLACE INTO vectors (model, content_hash, vector) VALUES (?, ?, ?)", rows
        )
