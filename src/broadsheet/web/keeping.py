"""`Kept`: whole answers for a minute at most, since many readers open the same pages at once."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

FRESH_S = 5.0
"""How long an answer is given as it is."""
KEPT_S = 60.0
"""How long it is given while a newer one is made: as long as its Cache-Control lets every cache do."""
MOST_BYTES = 4 * 1024 * 1024
"""Some 500 pages as browsers take them, packed, or 100 as they are."""
_BESIDE_BYTES = 1_200
"""What an answer takes besides its body: its headers, its address, and the objects that hold them."""
Key = tuple[str, bytes, str, bytes, bool]


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer with status 200.

    Attributes:
        headers: Its headers, as ASGI has them, ETag and Cache-Control among them.
        body: Its body.
        etag: Its ETag.
        made_at: When it was made, in seconds of the clock.
    """

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    etag: str
    made_at: float


class Kept:
    """Answers by what was asked for; those not asked for longest leave when there are too many bytes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: OrderedDict[Key, Whole] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> Whole | None:
        """Return the answer, if it is not too old."""
        answer = self._answers.get(key)
        if answer is None or self._clock() - answer.made_at > KEPT_S:
            return None
        self._answers.move_to_end(key)
        return answer

    def is_fresh(self, answer: Whole) -> bool:
        """Tell whether there is no need for a newer one yet."""
        return self._clock() - answer.made_at <= FRESH_S

    def keep(self, key: Key, headers: list[tuple[bytes, bytes]], body: bytes, etag: str) -> Whole:
        """Keep an answer and return it."""
        answer = Whole(tuple(headers), body, etag, self._clock())
        if before := self._answers.pop(key, None):
            self._bytes -= _size(before)
        self._answers[key] = answer
        self._bytes += _size(answer)
        while self._bytes > MOST_BYTES:
            _, oldest = self._answers.popitem(last=False)
            self._bytes -= _size(oldest)
        return answer


def _size(answer: Whole) -> int:
    return len(answer.body) + _BESIDE_BYTES


def key_of(scope: Scope) -> Key:
    """Return what an answer depends on.

    The host is part of it, since a feed's links begin with it, and whether gzip is taken.
    """
    host, taken = header(scope, b"host"), header(scope, b"accept-encoding")
    return scope["scheme"], host, scope["path"], scope["query_string"], b"gzip" in taken


def header(scope: Scope, wanted: bytes) -> bytes:
    """Return the first value of a request's header, whose name is in small letters, or nothing."""
    return next((value for name, value in scope["headers"] if name == wanted), b"")
