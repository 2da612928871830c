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

    Signals are heard where that function is asked, not where they come: they cut through no transaction, no
    lock and no line that is being printed. Only a third one does, for a call that hangs and asks nothing.

    Args:
        tell: Told once what happens now.

    Raises:
        KeyboardInterrupt: By the function, when the user has asked a second time.
    """
    times, told = 0, False

    def heard(_number: int, _frame: FrameType | None) -> None:
        nonlocal times
        times += 1
        if times > 2:
            raise KeyboardInterrupt

    def stop() -> bool:
        nonlocal told
        if times > 1:
            raise KeyboardInterrupt
        if times and not told:
            told = True
            tell("Stopping: waiting for the answers under way; press Ctrl-C again to drop them.")
        return bool(times)

    before = {number: signal.signal(number, heard) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, action in before.items():
            signal.signal(number, action)
