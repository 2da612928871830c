"""Vectors drawn at random for caches of many papers: to make a million would take five hours.

What a search costs does not depend on what they say.
"""

from __future__ import annotations

import numpy as np

from broadsheet.embedding import DIMENSIONS, MODEL, unit
from broadsheet.store import Store
from broadsheet.store.held import quantized

_TOGETHER = 10_000


def draw(store: Store) -> None:
    """Store a vector for each paper."""
    dice = np.random.default_rng(0)
    hashes = [row[0] for row in store._db.execute("SELECT DISTINCT content_hash FROM papers")]
    for start in range(0, len(hashes), _TOGETHER):
        part = hashes[start : start + _TOGETHER]
        made = quantized(unit(dice.normal(size=(len(part), DIMENSIONS))))
        with store.transaction():
            store.vectors.store(
                [(MODEL, hash_, vector.tobytes()) for hash_, vector in zip(part, made, strict=True)]
            )
