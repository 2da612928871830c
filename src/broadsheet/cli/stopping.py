"""Stops cleanly: the first Ctrl-C or SIGTERM lets running requests finish, a second one drops them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping(
    notify: Callable[[str], None], waits_for: str = "the requests under way"
) -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether the user has asked to stop; restore the signal handlers afterwards.

    A signal takes effect only when that function is called, so that it never interrupts a transaction, a lock
    or a line being printed. The third signal takes effect at once, in case a call hangs.

    Args:
        notify: Called once, with a message that says what will happen.
        waits_for: What is finished first, in that message.

    Raises:
        KeyboardInterrupt: Raised by the yielded function after a second signal.
    """
    signals, notified = 0, False

    def count_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal signals
        signals += 1
        if signals > 2:
            raise KeyboardInterrupt

    def stop() -> bool:
        nonlocal notified
        if signals > 1:
            raise KeyboardInterrupt
        if signals and not notified:
            notified = True
            notify(f"Stopping: waiting for {waits_for}; press Ctrl-C again to stop at once.")
        return bool(signals)

    before = {number: signal.signal(number, count_signal) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, action in before.items():
            signal.signal(number, action)
