"""Posts one JSON message to a chat service and says what its answer means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from broadsheet import __version__
from broadsheet.channels.message import Deferred, HandOver, Refused, Unanswered
from broadsheet.retrying import retry_after_s

if TYPE_CHECKING:
    import httpx2

TIMEOUT_S = 30.0


def post(url: str, body: Any, handing_over: HandOver, name: str) -> None:
    """Post a message once; it is never tried again here, since the service might show it twice.

    The address is a secret: no error has it.

    Args:
        url: Where to.
        body: What becomes JSON.
        handing_over: Called just before the request leaves.
        name: What errors call the service.

    Raises:
        Deferred: The service cannot be reached, or asks to wait (429, 503).
        Refused: It does not take the message.
        Unanswered: It broke off, or failed after it had the message (500, 502, 504).
    """
    import httpx2  # loaded by who posts

    with httpx2.Client(timeout=TIMEOUT_S, headers={"User-Agent": f"broadsheet/{__version__}"}) as client:
        handing_over()
        try:
            answer = client.post(url, json=body)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol) as error:
            raise Deferred(f"{name} cannot be reached") from error
        except httpx2.HTTPError as error:
            raise Unanswered(f"{name} broke off before it answered") from error
    _judge(answer, name)


def _judge(answer: httpx2.Response, name: str) -> None:
    status = answer.status_code
    if answer.is_success:
        return
    if status in {429, 503}:
        raise Deferred(f"{name} asks to wait ({status})", after_s=_wait_s(answer))
    if status >= 500:
        raise Unanswered(f"{name} failed after it had the message ({status})")
    raise Refused(f"{name} refuses the message ({status}); check its address or token")


def _wait_s(answer: httpx2.Response) -> float | None:
    """Return the seconds to wait, from the header, or from the body as Discord and Telegram say it."""
    if seconds := retry_after_s(answer.headers):
        return seconds
    try:
        body = answer.json()
    except ValueError:
        return None
    found = body.get("retry_after") or (body.get("parameters") or {}).get("retry_after")
    return float(found) if isinstance(found, int | float) else None
