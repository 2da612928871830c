"""Stopping cleanly: the first Ctrl-C or SIGTERM finishes what is under way, a second one drops it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from broadsheet.cli.app import note

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether the user has asked to stop; signals are as before afterwards."""
    asked = False

    def ask(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        note("Stopping: waiting for the answers under way; press Ctrl-C again to drop them.")

    before = {number: signal.signal(number, ask) for number in _SIGNALS}
    try:
        yield lambda: asked
    finally:
        for number, action in before.items():
            signal.signal(number, action)
