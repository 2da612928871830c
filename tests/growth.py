"""How work grows with its input, measured against itself: absolute times say more of the machine."""

from __future__ import annotations

import time
from collections.abc import Callable

LONG = 100_000
"""Characters of the longest text; the first measurement takes a quarter of them."""
_NEGLIGIBLE_S = 0.02


def grows_linearly(work: Callable[[str], object], piece: str) -> bool:
    """Whether four times the text takes nowhere near sixteen times the time, as quadratic work would.

    The process's own CPU time is measured, the better of two tries, so that a busy machine changes little.
    """
    short, long = piece * (LONG // 4 // len(piece)), piece * (LONG // len(piece))
    return _cpu_s(work, long) <= 9 * max(_cpu_s(work, short), _NEGLIGIBLE_S)


def _cpu_s(work: Callable[[str], object], text: str) -> float:
    def once() -> float:
        started = time.process_time()
        work(text)
        return time.process_time() - started

    return min(once(), once())
