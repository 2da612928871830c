"""`Held`: papers with the signs of their vectors, and with these where there are not too many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCALE = 127
"""A cosine of 1 between a unit vector and one as it is stored."""


class Held(NamedTuple):
    """Papers in memory; it is replaced as a whole, so that who reads beside a change sees one or the other.

    Attributes:
        rows: Their row numbers, ascending.
        signs: Which numbers of their vectors are above the middle, a bit each: one column a paper, 64 bits a
            cell.
        vectors: Their vectors as int8, one row a paper; None where there are too many.
        middle: The numbers that `signs` are taken from, as many as a vector has: where the direction that all
            texts share is still in the vectors, about their mean.
    """

    rows: NDArray[Any]
    signs: NDArray[Any]
    vectors: NDArray[Any] | None
    middle: NDArray[Any]

    @classmethod
    def room(cls, papers: int, middle: NDArray[Any], *, has_vectors: bool) -> Held:
        """Return room for so many papers."""
        import numpy as np

        return cls(
            np.zeros(papers, np.int64),
            np.zeros((-(-len(middle) // 64), papers), np.uint64),
            np.zeros((papers, len(middle)), np.int8) if has_vectors else None,
            middle,
        )

    @classmethod
    def of(cls, rows: NDArray[Any], vectors: NDArray[Any], middle: NDArray[Any] | None = None) -> Held:
        """Return some papers with their vectors; the middle is 0 if it is not given."""
        import numpy as np

        among = np.zeros(vectors.shape[1], np.float32) if middle is None else middle
        return cls(rows, signs_of(vectors, among), vectors, among)

    def put(self, at: Any, rows: NDArray[Any], signs: NDArray[Any], vectors: NDArray[Any] | None) -> None:
        """Put papers at these places, which nobody reads yet."""
        self.rows[at], self.signs[:, at] = rows, signs
        if self.vectors is not None:
            self.vectors[at] = vectors

    def first(self, papers: int) -> Held:
        """Return the first so many."""
        vectors = None if self.vectors is None else self.vectors[:papers]
        return Held(self.rows[:papers], self.signs[:, :papers], vectors, self.middle)


def signs_of(vectors: NDArray[Any], middle: NDArray[Any]) -> NDArray[Any]:
    """Return which numbers of vectors, one a row, are above the middle: a column a vector, 64 bits a cell."""
    import numpy as np

    packed = np.packbits(vectors > middle, axis=1)
    packed = np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8)))
    return np.ascontiguousarray(packed.view(np.uint64).T)


def quantized(vectors: NDArray[Any]) -> NDArray[Any]:
    """Return unit vectors as they are stored: int8, a cosine of 1 at 127."""
    import numpy as np

    made: NDArray[Any] = np.rint(vectors * SCALE).astype(np.int8)
    return made
