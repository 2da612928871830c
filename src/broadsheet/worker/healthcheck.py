"""Tells a health check how a day went, by the conventions of healthchecks.io.

``ADDRESS/start`` when a day begins, ``ADDRESS`` when it was done, ``ADDRESS/fail`` when it was not, each as a
POST whose body is a sentence. A check that cannot be reached never fails a day.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from broadsheet import __version__
from broadsheet.redaction import redacted

Signal = Literal["start", "success", "fail"]
_TIMEOUT_S = 10.0
_TRIES = 2
_LONGEST_BODY = 10_000
"""Characters; healthchecks.io keeps 100 kB of a body."""


def address_for(address: str, signal: Signal) -> str:
    """Return where a signal goes; a query such as ``?create=1`` stays at the end."""
    parts = urlsplit(address)
    suffix = "" if signal == "success" else f"/{signal}"
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + suffix))


def ping(address: str, signal: Signal, words: str = "") -> str:
    """Send a signal; return what went wrong, or nothing.

    The address is a secret, so no word of it is in what is returned.
    """
    import httpx2

    wrong = ""
    for _ in range(_TRIES):
        try:
            answer = httpx2.post(
                address_for(address, signal),
                content=redacted(words)[:_LONGEST_BODY].encode(),
                headers={
                    "user-agent": f"broadsheet/{__version__}",
                    "content-type": "text/plain; charset=utf-8",
                },
                timeout=_TIMEOUT_S,
                follow_redirects=False,
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            wrong = type(error).__name__
            continue
        if answer.status_code < 400:
            return ""
        wrong = f"HTTP {answer.status_code}"
        if answer.status_code < 500:
            break
    return f"The health check cannot be reached ({wrong}); correct its address or its server."
