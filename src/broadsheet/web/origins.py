"""Whether a form came from our own page: what stands between a reader and a form on another site.

There is no cookie, so a foreign form could do no more than a stranger; it could still have a browser ask for
mail in its owner's name. Browsers say where a form came from in two headers (Fetch, section 3.2;
https://www.w3.org/TR/fetch-metadata/); programs send neither.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from broadsheet.config import Settings


async def require_same_origin(request: Request) -> None:
    """Let a form of our own page through, and a program.

    Raises:
        HTTPException: It came from another site (403).
    """
    headers = request.headers
    fetched, origin = headers.get("sec-fetch-site"), headers.get("origin")
    settings: Settings = request.app.state.settings
    ours = {headers.get("host", ""), *_hosts(settings)}
    is_foreign = origin is not None and urlsplit(origin).netloc not in ours
    if is_foreign or (fetched is not None and fetched not in {"same-origin", "none"}):
        raise HTTPException(403, "This form came from another site; open it here and send it again.")


def _hosts(settings: Settings) -> set[str]:
    """Return the hosts that a proxy may serve us under."""
    addresses = (settings.site_url, settings.mail.url if settings.mail else "")
    return {urlsplit(address).netloc for address in addresses if address}
