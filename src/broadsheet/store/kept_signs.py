"""Keeps the signs of a large cache's vectors in the cache.

To read a million vectors takes ten seconds of processor time, and their signs a twentieth of a second: that
is what a search in a process of its own would wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.embedding import DIMENSIONS, MODEL
from broadsheet.store.held import Held

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BITS = 64


class KeptSigns(NamedTuple):
    """What the cache was like when signs were kept.

    Attributes:
        newest: The last paper's row number.
        newest_id: Its id.
        revised_at: When a paper was last revised, or empty.
    """

    newest: int = 0
    newest_id: str = ""
    revised_at: str = ""


def known(db: Database) -> KeptSigns:
    """Return up to where signs are kept; nowhere where there are none."""
    row = db.execute(
        "SELECT newest, newest_id, revised_at FROM vector_signs WHERE model = ?", [MODEL]
    ).fetchone()
    return KeptSigns(*row) if row else KeptSigns()


def papers(db: Database) -> int:
    """Return of how many papers signs are kept."""
    row = db.execute("SELECT length(row_numbers) FROM vector_signs WHERE model = ?", [MODEL]).fetchone()
    return int(row[0]) // 8 if row else 0


def read(db: Database) -> Held | None:
    """Return the papers of which signs are kept; None where nothing of ours stands there."""
    import numpy as np

    row = db.execute("SELECT row_numbers, signs FROM vector_signs WHERE model = ?", [MODEL]).fetchone()
    if row is None or not all(isinstance(each, bytes) for each in row):
        return None
    if len(row[0]) % 8 or len(row[1]) != len(row[0]) * DIMENSIONS // _BITS:
        return None
    rows: NDArray[Any] = np.frombuffer(row[0], np.int64)
    signs = np.frombuffer(row[1], np.uint64).reshape(-1, len(rows))
    return Held(rows, signs, None, np.zeros(DIMENSIONS, np.float32))


def keep(db: Database, held: Held, at: KeptSigns) -> None:
    """Keep the signs of these papers in place of others; call it inside a transaction."""
    db.execute(
        "INSERT OR REPLACE INTO vector_signs VALUES (?, ?, ?, ?, ?, ?)",
        [MODEL, *at, held.rows.tobytes(), held.signs.tobytes()],
    )
