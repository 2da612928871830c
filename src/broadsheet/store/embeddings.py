"""Vectors that an endpoint's model has made: which papers lack one, and those that came."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.paper import Paper
from broadsheet.store.held import quantized
from broadsheet.store.papers import paper_from_row

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Lacking(NamedTuple):
    """What of a cache has no vector yet.

    Attributes:
        rows: A paper's row number for each text, the latest first.
        characters: How long the texts are.
    """

    rows: Sequence[int]
    characters: int


class Embeddings:
    """Questions about the vectors of an endpoint's model. Each write belongs into a transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def lacking(self, model: str) -> Lacking:
        """Return which texts have no vector of a model; papers with the same text are one."""
        rows = self._db.execute(
            """SELECT min(p.rowid), length(p.title) + length(p.abstract)
               FROM papers p LEFT JOIN vectors v ON (v.model, v.content_hash) = (?, p.content_hash)
               WHERE v.vector IS NULL GROUP BY p.content_hash ORDER BY 1 DESC""",
            [model],
        )
        found = [(int(row), int(size)) for row, size in rows]
        return Lacking([row for row, _ in found], sum(size for _, size in found))

    def papers(self, rows: Sequence[int]) -> list[Paper]:
        """Return papers by their row numbers, the latest first; those that are gone are left out."""
        found = self._db.execute(
            "SELECT * FROM papers WHERE rowid IN (SELECT value FROM json_each(?)) ORDER BY rowid DESC",
            [json.dumps(list(rows))],
        )
        return [paper_from_row(row) for row in found]

    def keep(self, model: str, vectors: Mapping[str, NDArray[Any]]) -> None:
        """Store unit vectors by the hash of their texts.

        All vectors of a model have one length: those of another, which the model gave before, are removed.
        """
        made = [(model, hash_, quantized(vector).tobytes()) for hash_, vector in vectors.items()]
        if not made:
            return
        length = len(made[0][2])
        before = self._db.execute("SELECT length(vector) FROM vectors WHERE model = ? LIMIT 1", [model])
        if (one := before.fetchone()) and one[0] != length:
            self._db.execute("DELETE FROM vectors WHERE model = ?", [model])
        self._db.conn.executemany(
            "INSERT OR REPLACE INTO vectors (model, content_hash, vector) VALUES (?, ?, ?)", made
        )
