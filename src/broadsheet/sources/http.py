"""The HTTP client for live sources: it limits the request rate, retries, and identifies itself.

It uses httpx2, which the openai client already depends on, for transport, timeouts, redirects and gzip, and
tenacity for retries.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from broadsheet import __version__
from broadsheet.config import Settings
from broadsheet.errors import SourceError
from broadsheet.retrying import Headers, retry_after_s
from broadsheet.sources.deadline import Deadline
from broadsheet.sources.tape import Tape
from broadsheet.store import Store
from broadsheet.store.fetches import CachedBody

if TYPE_CHECKING:
    import httpx2
    from tenacity import RetryCallState

TIMEOUT_S = 30.0
"""Seconds without data after which a request fails; both APIs normally answer within seconds."""
TRIES = 4
FIRST_RETRY_S = 5.0
"""Seconds before the second try; the wait doubles with each further try."""
LONGEST_WAIT_S = 120.0
"""Longest wait in seconds that a source may ask for; one source must not hold up a daily run for an hour."""
REPLY_DEADLINE_S = 300.0
"""Seconds that a reply may take as a whole; a server that drips would keep a run for ever."""
_LARGEST_REPLY_BYTES = 64 * 1024 * 1024
_MOST_REDIRECTS = 5
# 406 is included because arXiv also sends it when throttling; we always send Accept, its other cause.
_TRY_AGAIN = {406, 408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Host:
    """How to talk to a source's server.

    Attributes:
        name: The source's name in the log of fetches; hosts with the same name share a request limit.
        pace_s: Seconds between two requests, across all processes that share the database.
        accept: The ``Accept`` header: the media types wanted.
    """

    name: str
    pace_s: float
    accept: str


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """An error reply that is worth a retry."""

    def __init__(self, reason: str, headers: Headers) -> None:
        super().__init__(reason)
        self.headers = headers


class Client:
    """Sends requests to live sources. It opens its own database connection; use it outside transactions."""

    def __init__(self, settings: Settings) -> None:
        import httpx2

        self._tape = Tape(settings.record, settings.replay)
        self.store = Store.open(settings.db)
        contact = f"; {settings.contact}" if settings.contact else ""
        self._http = httpx2.Client(
            headers={"User-Agent": f"broadsheet/{__version__} (paper newsletter{contact})"},
            timeout=TIMEOUT_S,
            follow_redirects=True,
            max_redirects=_MOST_REDIRECTS,
            limits=httpx2.Limits(max_keepalive_connections=0),  # `Deadline` needs a request's own connection
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self.store.close()

    def get(self, host: Host, url: str, parameters: Mapping[str, str | int] | None = None) -> bytes:
        """Return the body of a reply, from the cache if it has not changed.

        Raises:
            SourceError: The source cannot be reached or refuses, after all retries.
        """
        import httpx2
        from tenacity import Retrying, retry_if_exception_type, wait_exponential

        from broadsheet.retrying import WaitAsAsked

        full_url = str(httpx2.URL(url).copy_merge_params(parameters or {}))
        if self._tape.replays:
            return self._tape.play(full_url)
        retrying = Retrying(
            retry=retry_if_exception_type((_Refused, httpx2.TransportError, httpx2.DecodingError)),
            stop=self._gives_up,
            wait=WaitAsAsked(
                lambda error: error.headers if isinstance(error, _Refused) else None,
                wait_exponential(multiplier=FIRST_RETRY_S),
            ),
            reraise=True,
        )
        try:
            return retrying(self._send, host, full_url)
        except _Refused as error:
            raise SourceError(f"{host.name}: {_place(full_url)} {error}; try again later.") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise SourceError(
                f"{host.name}: {_place(full_url)} cannot be reached ({reason}); try again later."
            ) from error

    def _send(self, host: Host, url: str) -> bytes:
        """Send one request when the source's rate limit allows, and record its outcome."""
        import httpx2

        cached = self.store.fetches.kept(url)
        headers = {"Accept": host.accept}
        if cached and cached.etag:
            headers["If-None-Match"] = cached.etag
        if cached and cached.last_modified:
            headers["If-Modified-Since"] = cached.last_modified
        present = time.time()
        time.sleep(self.store.fetches.claim_slot(host.name, host.pace_s, present) - present)
        started = time.monotonic()
        status, body, failure = None, b"", ""
        deadline = Deadline(REPLY_DEADLINE_S)
        extensions = {"trace": deadline.trace}
        try:
            with deadline, self._http.stream("GET", url, headers=headers, extensions=extensions) as reply:
                status = reply.status_code
                body = _body(reply)
        except httpx2.HTTPError as error:
            failure = str(error) or type(error).__name__
            if deadline.passed:
                failure = f"did not finish its reply within {REPLY_DEADLINE_S:.0f} s"
                raise SourceError(f"{host.name}: {_place(url)} {failure}; try again later.") from error
            raise
        finally:
            self.store.fetches.add(
                host.name,
                url,
                status=status,
                error=failure,
                size=len(body),
                latency_s=time.monotonic() - started,
            )
        if status == httpx2.codes.NOT_MODIFIED and cached:
            body = cached.body
        elif status != httpx2.codes.OK:
            raise self._refusal(host, url, status, reply.headers)
        else:
            etag, changed = reply.headers.get("ETag", ""), reply.headers.get("Last-Modified", "")
            if etag or changed:
                self.store.fetches.keep(url, CachedBody(etag, changed, body))
        self._tape.keep(url, body)
        return body

    def _refusal(self, host: Host, url: str, status: int, headers: Headers) -> Exception:
        if status not in _TRY_AGAIN:
            return SourceError(f"{host.name}: {_place(url)} answers {url} with status {status}.")
        wait_s = retry_after_s(headers)
        if wait_s is not None and wait_s > LONGEST_WAIT_S:
            return SourceError(
                f"{host.name}: {_place(url)} asks to wait {_in_words(wait_s)} (status {status}), longer than"
                " a run waits; try again then."
            )
        return _Refused(f"answers with status {status}", headers)

    def _gives_up(self, state: RetryCallState) -> bool:
        """Tell whether to stop retrying: after `TRIES`, or after two failures to connect."""
        import httpx2

        error = state.outcome.exception() if state.outcome else None
        return state.attempt_number >= (min(TRIES, 2) if isinstance(error, httpx2.ConnectError) else TRIES)


def _body(reply: httpx2.Response) -> bytes:
    """Return the body; its length is counted as it is after decompression.

    Raises:
        SourceError: It is too large.
    """
    body = bytearray()
    for block in reply.iter_bytes():
        body += block
        if len(body) > _LARGEST_REPLY_BYTES:
            raise SourceError(f"{reply.url.host} sent more than {_LARGEST_REPLY_BYTES >> 20} MiB at once.")
    return bytes(body)


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 86_400 else "more than a day"


def _place(url: str) -> str:
    return url.split("/")[2] if "//" in url else url
