"""`Neighbours`: which papers are nearest to a vector.

All are compared by the signs of their vectors first: two that are alike differ in few of 256 bits, and a
million take 3 ms. Of the nearest by that the cosine is estimated from the question's numbers and the paper's
signs, and of the nearest by that it is computed. Of 75,000 real papers this finds 99 % of the 20 nearest to
a search, and all of those to a paper; an index of neighbours, or an extension of SQLite, would find no more
and be one more thing that can break.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from math import pi, sqrt
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.embedding import unit
from broadsheet.store.held import SCALE, Held, signs_of
from broadsheet.store.nearest import Index

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST = 0.15
"""The cosine below which a paper is not near. Two of any kind have 0.13 more or less than 0 (one standard
deviation), and half of what answers a search has less than 0.28 with it."""
_BY_SIGNS, _MOST_BY_SIGNS, _SHARE_BY_SIGNS = 4_000, 10_000, 20
"""How many papers are looked at more closely than by their signs: one in twenty, within these limits. Among
so many are 99 % of the 20 papers nearest to a search, and 91 % of the 100 nearest."""
_COMPARED = 5
"""Of how many times as many as are asked for the cosine is computed where the vectors are in memory."""
_WORTH_READING = 400
"""Of how many that words have found the cosine is computed, and of how many nearest by their signs at least;
with all of them both pools of ``benchmarks/search.py`` rank the same."""
_AT_ONCE = 500
"""Of so many at a time: numbers that leave the processor's cache, and memory that comes and goes with each
search, take five times as long."""
_MOST_READ = 2_000
"""So many vectors that were read are kept while the index stays as it is, for what compares them again:
1 MB a thread."""
_CHUNK = 16_384
"""So many papers at a time stay in the processor's cache."""


class Neighbours:
    """Questions to an index, from one thread.

    Attributes:
        index: The papers in memory.
    """

    def __init__(self, index: Index, db: Database) -> None:
        self.index = index
        self._db = db
        self._read: dict[int, bytes] = {}
        self._read_of: Held | None = None

    def fits(self, vector: NDArray[Any]) -> bool:
        """Tell whether a vector has as many numbers as those of the papers."""
        return bool(vector.shape == self.index.held.middle.shape)

    def level(self, vector: NDArray[Any]) -> float:
        """Return the cosine that a unit vector has with papers on average, which tells nothing of any.

        It is taken for nothing where the direction that all texts share is out of the vectors already. Of
        some models any two texts have 0.8.
        """
        common = self.index.common
        return 0.0 if common is None else min(0.99, max(0.0, float(common @ vector)))

    def nearest(
        self,
        vector: NDArray[Any],
        most: int,
        among: Sequence[int] | NDArray[Any] | None = None,
        level: float = 0.0,
    ) -> list[int]:
        """Return the rows of the papers that are nearest to a unit vector, the nearest first.

        Those that have next to nothing to do with it are left out.

        Args:
            vector: As many numbers as each paper has.
            most: At most so many.
            among: Only these rows.
            level: What `level` says of the vector.
        """
        import numpy as np

        held = self.index.held
        chosen = None if among is None else np.flatnonzero(np.isin(held.rows, np.asarray(among, np.int64)))
        if held.vectors is None or not held.middle.any():
            times = 1 if held.vectors is None else _COMPARED
            places = screened(held, chosen, vector, max(_WORTH_READING, times * most))
        else:  # with a direction that all share, signs tell less
            places = np.arange(len(held.rows)) if chosen is None else chosen
        cosines = self._cosines(held, places, vector)
        best = np.flatnonzero(cosines >= level + _LEAST * (1 - level))
        best = best[np.lexsort((places[best], -cosines[best]))][:most]
        ordered: list[int] = held.rows[places[best]].tolist()
        return ordered

    def likeness(self, vector: NDArray[Any], rows: Iterable[int], level: float = 0.0) -> dict[int, float]:
        """Return how near papers are to a unit vector, or 0 where that is negative or unknown.

        It is the cosine, or how far that is on the way from the level, which counts as nothing, to 1. Of more
        than 400 papers it is estimated for all but those that are nearest by that.
        """
        import numpy as np

        asked = np.array(list(rows), np.int64)
        held = self.index.held
        places, known = _places(held, asked)
        near = np.zeros(len(asked))
        near[known] = np.maximum((self._about(held, places[known], vector) - level) / (1 - level), 0)
        return dict(zip(asked.tolist(), near.tolist(), strict=True))

    def mean(self, rows: Iterable[int]) -> NDArray[Any]:
        """Return the mean direction of some papers; of none, no direction."""
        import numpy as np

        held = self.index.held
        places, known = _places(held, np.array(list(rows), np.int64))
        vectors, are_found = self._vectors(held, places[known])
        found = vectors[are_found]
        return unit(found.mean(axis=0)) if len(found) else np.zeros(vectors.shape[1], np.float32)

    def _about(self, held: Held, places: NDArray[Any], vector: NDArray[Any]) -> NDArray[Any]:
        """Return the cosine of each paper with a unit vector, where it need not be read or is worth it."""
        import numpy as np

        if len(places) <= _WORTH_READING:
            return self._cosines(held, places, vector)
        cosines = _estimated(held.signs[:, places], vector)
        nearest = np.argpartition(-cosines, _WORTH_READING - 1)[:_WORTH_READING]
        cosines[nearest] = self._cosines(held, places[nearest], vector)
        return cosines

    def _cosines(self, held: Held, places: NDArray[Any], vector: NDArray[Any]) -> NDArray[Any]:
        """Return the cosine of each paper with a unit vector, estimated where its vector is not stored."""
        import numpy as np

        cosines = np.zeros(len(places), np.float32)
        for start in range(0, len(places), _AT_ONCE):
            part = places[start : start + _AT_ONCE]
            vectors, are_found = self._vectors(held, part)
            told = np.einsum("ij,j->i", vectors, vector) / SCALE  # of so few, starting threads costs most
            if not are_found.all():
                told[~are_found] = _estimated(held.signs[:, part[~are_found]], vector)
            cosines[start : start + _AT_ONCE] = told
        return cosines

    def _vectors(self, held: Held, places: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the vectors of papers, and of which of them there is one: in memory, or in the cache."""
        import numpy as np

        if held.vectors is not None:
            return held.vectors[places].astype(np.float32), np.ones(len(places), bool)
        if self._read_of is not held or len(self._read) > _MOST_READ:
            self._read, self._read_of = {}, held
        rows: list[int] = held.rows[places].tolist()
        self._read |= self._stored([row for row in rows if row not in self._read])
        are_found = np.array([row in self._read for row in rows], bool)
        made = np.zeros((len(rows), len(held.middle)), np.float32)
        if are_found.any():
            found = b"".join(self._read[row] for row in rows if row in self._read)
            made[are_found] = np.frombuffer(found, np.int8).reshape(int(are_found.sum()), -1)
        return made, are_found

    def _stored(self, rows: Sequence[int]) -> dict[int, bytes]:
        """Return the vectors of some rows that are stored.

        SQLite joins what is read: a row each would give Python's lock away for each.
        """
        told, vectors = self._db.execute(
            """SELECT group_concat(row), group_concat(vector) FROM (
                   SELECT p.rowid AS row, hex(v.vector) AS vector
                   FROM json_each(?) asked CROSS JOIN papers p ON p.rowid = asked.value
                   JOIN vectors v ON (v.model, v.content_hash) = (?, p.content_hash))""",
            [json.dumps(sorted(rows)), self.index.model],
        ).fetchone()
        if not told:
            return {}
        return {
            int(row): bytes.fromhex(vector)
            for row, vector in zip(told.split(","), vectors.split(","), strict=True)
        }


def screened(held: Held, chosen: NDArray[Any] | None, vector: NDArray[Any], compared: int) -> NDArray[Any]:
    """Return the places of so many papers, of all or of those chosen, that are nearest by their signs."""
    import numpy as np

    papers = len(held.rows) if chosen is None else len(chosen)
    most = max(compared, min(max(_BY_SIGNS, papers // _SHARE_BY_SIGNS), _MOST_BY_SIGNS))
    if papers > most:
        asked = signs_of(vector[np.newaxis] * SCALE, held.middle)[:, 0]
        far, counts = _bits_apart(held.signs if chosen is None else held.signs[:, chosen], asked)
        near = np.flatnonzero(far <= np.searchsorted(np.cumsum(counts), most))
        places = near if chosen is None else chosen[near]
    else:
        places = np.arange(papers) if chosen is None else chosen
    if len(places) > compared:
        estimates = _estimated(held.signs[:, places], vector)
        places = places[np.argpartition(-estimates, compared - 1)[:compared]]
    return places


def _places(held: Held, rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return where papers are in an index, and which of them are there."""
    import numpy as np

    if not len(held.rows):
        return np.zeros(len(rows), np.int64), np.zeros(len(rows), bool)
    places = np.minimum(np.searchsorted(held.rows, rows), len(held.rows) - 1)
    return places, held.rows[places] == rows


def _bits_apart(signs: NDArray[Any], asked: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return in how many signs each paper differs from those asked for, and how many in each number."""
    import numpy as np

    papers = signs.shape[1]
    apart, counts = np.zeros(papers, np.uint16), np.zeros(64 * len(asked) + 1, np.int64)
    for start in range(0, papers, _CHUNK):
        part = apart[start : start + _CHUNK]
        for bits, wanted in zip(signs, asked, strict=True):
            part += np.bitwise_count(bits[start : start + _CHUNK] ^ wanted)
        counts += np.bincount(part, minlength=len(counts))
    return apart, counts


def _estimated(signs: NDArray[Any], vector: NDArray[Any]) -> NDArray[Any]:
    """Return about what cosine each paper has with a unit vector, from the signs of the paper alone.

    Numbers that are spread as in a normal distribution are sqrt(2 / pi) of their spread on average.
    """
    import numpy as np

    numbers = np.zeros(64 * len(signs), np.float32)
    numbers[: len(vector)] = vector
    each_byte = np.unpackbits(np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1) * np.float32(2) - 1
    sums = numbers.reshape(-1, 8) @ each_byte.T
    eights = np.ascontiguousarray(signs.T).view(np.uint8)
    total = np.zeros(len(eights), np.float32)
    for place, of_byte in enumerate(sums):
        total += of_byte.take(eights[:, place])
    estimated: NDArray[Any] = total / np.float32(sqrt(len(vector) * 2 / pi))
    return estimated
