"""Stopping cleanly: the first Ctrl-C or SIGTERM finishes what is under way, a second one drops it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping(tell: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether the user has asked to stop; signals are as before afterwards.

    Args:
        tell: Told, once and from outside the signal, what happens now: a print that is interrupted by a
            signal must not be entered a second time.
    """
    asked = told = False

    def ask(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    def stop() -> bool:
        nonlocal told
        if asked and not told:
            told = True
            tell("Stopping: waiting for the answers under way; press Ctrl-C again to drop them.")
        return asked

    before = {number: signal.signal(number, ask) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, action in before.items():
            signal.signal(number, action)
