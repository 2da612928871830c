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
_CHUNK = 1_048_576


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

    found = db.execute(
        """SELECT rowid, length(row_numbers), length(signs) FROM vector_signs
           WHERE model = ? AND typeof(row_numbers) = 'blob' AND typeof(signs) = 'blob'""",
        [MODEL],
    ).fetchone()
    if found is None or found[1] % 8 or found[2] != found[1] * DIMENSIONS // _BITS:
        return None
    rows = _blob(db, "row_numbers", found[0]).view(np.int64)
    signs = _blob(db, "signs", found[0]).view(np.uint64).reshape(-1, len(rows))
    return Held(rows, signs, None, np.zeros(DIMENSIONS, np.float32))


def _blob(db: Database, column: str, row: int) -> NDArray[Any]:
    """Return the bytes of a column. A query would hold all of them twice, once in SQLite's memory."""
    import numpy as np

    with db.conn.blobopen("vector_signs", column, row, readonly=True) as blob:
        made = np.empty(len(blob), np.uint8)
        for start in range(0, len(blob), _CHUNK):
            made[start : start + _CHUNK] = np.frombuffer(blob.read(_CHUNK), np.uint8)
    return made


def keep(db: Database, held: Held, at: KeptSigns) -> None:
    """Keep the signs of these papers in place of others; call it inside a transaction.

    They are written some at a time; as values of a statement they would be in memory three times.
    """
    cursor = db.execute(
        "INSERT OR REPLACE INTO vector_signs VALUES (?, ?, ?, ?, zeroblob(?), zeroblob(?))",
        [MODEL, *at, held.rows.nbytes, held.signs.nbytes],
    )
    row = int(cursor.lastrowid or 0)
    for column, numbers in (("row_numbers", [held.rows]), ("signs", held.signs)):
        with db.conn.blobopen("vector_signs", column, row) as blob:
            for part in numbers:
                blob.write(part.data.cast("B"))
