"""Says what is wrong with the address of a server, before anything is sent there."""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import IPv6Address
from urllib.parse import urlsplit

WEB = ("http", "https")
_HOST_NAME = re.compile(r"[^\s\x00-\x20\x7f!\"#$%&'()*+,/:;<=>?@\[\\\]^`{|}~]+")
"""The host of an http address (RFC 3986, section 3.2.2) without brackets and percent signs."""
_UNPRINTABLE = re.compile(r"[\s\x00-\x20\x7f-\x9f\\]")


def fault_of(address: str, schemes: Collection[str] = WEB, *, with_user: bool = False) -> str:
    """Return what is wrong with an address, in words that follow its name; empty if nothing is.

    The address itself is never quoted: it may hold a password.

    Args:
        address: The address.
        schemes: What it may begin with.
        with_user: Whether it may hold a user's name and password.
    """
    if _UNPRINTABLE.search(address):
        return "holds white space or a character that no address may hold"
    expected = " or ".join(f"{scheme}://" for scheme in list(schemes)[:2])
    try:
        parts = urlsplit(address)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        return "is no valid address, such as https://example.org/v1"
    if parts.scheme.lower() not in schemes or "://" not in address:
        return f"must begin with {expected}"
    if not _is_host(host) or port == 0:
        return "names no valid host, as https://example.org/v1 does"
    if "@" in parts.netloc and not with_user:
        return "must not hold a user name or password"
    return ""


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            IPv6Address(host.partition("%")[0])
        except ValueError:
            return False
        return True
    labels = host.removesuffix(".").split(".")
    return bool(_HOST_NAME.fullmatch(host)) and all(0 < len(label) <= 63 for label in labels)
