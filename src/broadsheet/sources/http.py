"""The one client that live sources are asked through: paced, patient, honest about who asks.

httpx2 does the transport: the openai client brings it along, so it costs no further dependency, and it limits
time and redirects and undoes gzip. tenacity decides when to ask again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from broadsheet import __version__
from broadsheet.config import Settings
from broadsheet.errors import SourceError
from broadsheet.retrying import Headers, retry_after_s
from broadsheet.sources.tape import Tape
from broadsheet.store import Store
from broadsheet.store.fetches import CachedBody

if TYPE_CHECKING:
    import httpx2
    from tenacity import RetryCallState

TIMEOUT_S = 30.0
"""Seconds of silence after which a source is given up: both APIs answer within seconds, if at all."""
TRIES = 4
FIRST_RETRY_S = 5.0
"""Seconds before the second try, then twice as many each time."""
LONGEST_WAIT_S = 120.0
"""Seconds that a source may ask to wait; a morning's run must not hang on one that asks for an hour."""
_LARGEST_REPLY_BYTES = 64 * 1024 * 1024
_MOST_REDIRECTS = 5
# arXiv answers 406 where it throttles, too (and where Accept is missing, which it never is here).
_TRY_AGAIN = {406, 408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Host:
    """A source's server.

    Attributes:
        name: The source's name in the record of fetches; requests to hosts of one name share its pace.
        pace_s: Seconds between two requests, over all processes that share the database.
        accept: The media types that are asked for.
    """

    name: str
    pace_s: float
    accept: str


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """An answer that another try may better."""

    def __init__(self, why: str, headers: Headers) -> None:
        super().__init__(why)
        self.headers = headers


class Client:
    """Asks live sources. Opens the database beside the caller, so use it outside of a transaction."""

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
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
        self.store.close()

    def get(self, host: Host, url: str, parameters: Mapping[str, str | int] | None = None) -> bytes:
        """The body of a reply; one that has not changed since comes from the cache.

        Raises:
            SourceError: The source is out of reach or refuses, after all tries.
        """
        import httpx2
        from tenacity import Retrying, retry_if_exception_type, wait_exponential

        from broadsheet.retrying import WaitAsAsked

        whole = str(httpx2.URL(url).copy_merge_params(parameters or {}))
        if self._tape.replays:
            return self._tape.play(whole)
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
            return retrying(self._ask, host, whole)
        except _Refused as error:
            raise SourceError(f"{host.name}: {_place(whole)} {error}; try again later.") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise SourceError(
                f"{host.name}: {_place(whole)} cannot be reached ({why}); try again later."
            ) from error

    def _ask(self, host: Host, url: str) -> bytes:
        """Send one request at the source's pace, and record what came of it."""
        import httpx2

        kept = self.store.fetches.kept(url)
        headers = {"Accept": host.accept}
        if kept and kept.etag:
            headers["If-None-Match"] = kept.etag
        if kept and kept.last_modified:
            headers["If-Modified-Since"] = kept.last_modified
        present = time.time()
        time.sleep(self.store.fetches.claim_slot(host.name, host.pace_s, present) - present)
        started = time.monotonic()
        status, body, failure = None, b"", ""
        try:
            with self._http.stream("GET", url, headers=headers) as reply:
                status = reply.status_code
                body = _body(reply)
        except httpx2.HTTPError as error:
            failure = str(error) or type(error).__name__
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
        if status == httpx2.codes.NOT_MODIFIED and kept:
            body = kept.body
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
            return SourceError(f"{host.name}: {_place(url)} answers with status {status} to {url}.")
        wait_s = retry_after_s(headers)
        if wait_s is not None and wait_s > LONGEST_WAIT_S:
            return SourceError(
                f"{host.name}: {_place(url)} asks to wait {wait_s:.0f} s (status {status}); try again then."
            )
        return _Refused(f"answers with status {status}", headers)

    def _gives_up(self, state: RetryCallState) -> bool:
        """Whether that was the last try: a network that is down twice in a row is not waited for."""
        import httpx2

        error = state.outcome.exception() if state.outcome else None
        return state.attempt_number >= (min(TRIES, 2) if isinstance(error, httpx2.ConnectError) else TRIES)


def _body(reply: httpx2.Response) -> bytes:
    body = bytearray()
    for block in reply.iter_bytes():
        body += block
        if len(body) > _LARGEST_REPLY_BYTES:
            raise SourceError(f"{reply.url.host} sends more than {_LARGEST_REPLY_BYTES >> 20} MiB at once.")
    return bytes(body)


def _place(url: str) -> str:
    return url.split("/")[2] if "//" in url else url
