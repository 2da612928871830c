"""How long a server may go without an answer before a run gives it up; all times are a loop's seconds."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

GIVE_UP_S = 280.0
"""So long failures may go on without an answer between them: a dead server ends a run within five minutes."""
REFUSED_S = 600.0
"""The same for a server that says that there are too many requests: it is there, and a quota comes back."""
LONGEST_WAIT_S = 300.0
"""The longest wait that a server may ask for at once."""
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


class Patience:
    """Knows when the server last answered, and since when it has failed."""

    def __init__(self) -> None:
        self._answered_at = -math.inf
        self._failing_since: float | None = None

    def answered(self, now: float) -> None:
        """Note an answer."""
        self._answered_at, self._failing_since = now, None

    def due(self, sent_at: float, answer_s: float, patience_s: float) -> float:
        """Return when to stop waiting for an answer.

        Args:
            sent_at: When the request was sent.
            answer_s: How long one answer takes at most, where no other is before it.
            patience_s: How long this one may take because others may be before it. For that they must come:
                a server that answers nothing for as long as one answer takes is silent.
        """
        return min(sent_at + patience_s, self._heard(sent_at) + answer_s)

    def is_silent(self, now: float, sent_at: float, answer_s: float) -> bool:
        """Tell whether nothing has been answered for as long as one answer may take."""
        return now >= self._heard(sent_at) + answer_s

    def gives_up(self, now: float, sent_at: float, wait_s: float, most_s: float = GIVE_UP_S) -> bool:
        """Tell whether not to wait so long after a failure; remembers since when there are failures.

        Args:
            now: The present.
            sent_at: When the request that failed was sent.
            wait_s: The wait before it would be sent again.
            most_s: How long failures may go on.
        """
        if self._failing_since is None:
            self._failing_since = self._heard(sent_at)
        return wait_s > LONGEST_WAIT_S or now + wait_s - self._failing_since > most_s

    def _heard(self, sent_at: float) -> float:
        return max(sent_at, self._answered_at)


@asynccontextmanager
async def deadline(patience: Patience, answer_s: float, patience_s: float) -> AsyncIterator[None]:
    """Give the body up when its answer is due, however much of it has come; other answers may put that off.

    Args:
        patience: Knows when others were answered.
        answer_s: As for `Patience.due`.
        patience_s: The same.

    Raises:
        TimeoutError: It was due.
    """
    loop = asyncio.get_running_loop()
    sent_at = loop.time()
    timer: asyncio.TimerHandle | None = None

    def look() -> None:
        nonlocal timer
        due = patience.due(sent_at, answer_s, patience_s)
        if due <= loop.time():
            limit.reschedule(loop.time())
        else:
            timer = loop.call_at(due, look)

    async with asyncio.timeout(None) as limit:
        look()
        try:
            yield
        finally:
            if timer:
                timer.cancel()


def in_words(seconds: float) -> str:
    """Return a duration as a person would say it."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    for unit, name, most in ((_MINUTE, "minutes", 2 * _HOUR), (_HOUR, "hours", 2 * _DAY)):
        if seconds < most:
            return f"{math.ceil(seconds / unit)} {name}"
    return f"{math.ceil(seconds / _DAY):,} days" if seconds < 10_000 * _DAY else "many years"
