"""How work grows with its input, measured against itself: absolute times say more of the machine."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

LONG = 100_000
"""Characters of the longest text; the first measurement takes an eighth of them."""
_NEGLIGIBLE_S = 0.01


def grows_linearly(work: Callable[[str], object], piece: str) -> bool:
    """Whether eight times the text takes nowhere near the 64 times of quadratic work.

    The process's own CPU time is measured without the garbage collector, the best of three tries, so that a
    busy machine changes little.
    """
    short, long = piece * (LONG // 8 // len(piece)), piece * (LONG // len(piece))
    return _cpu_s(work, long) <= 24 * max(_cpu_s(work, short), _NEGLIGIBLE_S)


def _cpu_s(work: Callable[[str], object], text: str) -> float:
    def once() -> float:
        started = time.process_time()
        work(text)
        return time.process_time() - started

    gc.disable()
    try:
        return min(once() for _ in range(3))
    finally:
        gc.enable()
