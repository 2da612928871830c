"""One rule for asking again over HTTP: wait as long as the server says, else longer and longer at random.

tenacity does the waiting; this module reads what the server says (RFC 9110, section 10.2.3).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState
from tenacity.wait import wait_base

Headers = Mapping[str, str]


def retry_after_s(headers: Headers, now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds to wait by ``retry-after-ms``, else by ``Retry-After``; None if neither can be read.

    ``Retry-After`` is a number of seconds or an HTTP date. A date is read against the answer's own ``Date``
    if it has one, so a wrong clock here does no harm.

    Args:
        headers: The answer's headers; names in lower case, or a mapping that ignores case.
        now: Seconds since 1970.
    """
    after = headers.get("retry-after", "")
    for seconds, in_one_second in (
        (header_number(headers.get("retry-after-ms")), 1000),
        (header_number(after), 1),
    ):
        if seconds is not None and seconds >= 0:
            return seconds / in_one_second
    until = _http_date_s(after)
    if until is None:
        return None
    sent = _http_date_s(headers.get("date", ""))
    return max(0.0, until - (now() if sent is None else sent))


class WaitAsAsked(wait_base):
    """Wait as long as the failed answer's headers say.

    A wait of zero is not believed: a server that has just failed is not ready at once.

    Args:
        headers_of: The headers of the answer behind an exception; None if there was no answer.
        otherwise: The wait if they say nothing.
        most_s: How much of a longer wait is obeyed.
    """

    def __init__(
        self,
        headers_of: Callable[[BaseException], Headers | None],
        otherwise: wait_base,
        *,
        most_s: float = math.inf,
    ) -> None:
        self._headers_of = headers_of
        self._otherwise = otherwise
        self._most_s = most_s

    def __call__(self, retry_state: RetryCallState) -> float:
        """Return the seconds until the next try."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        headers = self._headers_of(error) if error else None
        seconds = retry_after_s(headers) if headers else None
        return min(seconds, self._most_s) if seconds else self._otherwise(retry_state)


def _http_date_s(text: str) -> float | None:
    """Return the seconds since 1970 of an HTTP date, which is GMT even where it does not say so."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def header_number(text: str | None) -> float | None:
    """Return the finite number in a header; None if there is none."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
