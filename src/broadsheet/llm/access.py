"""Where the openai engines send requests, and with which key: what the environment says."""

from __future__ import annotations

import os
from urllib.parse import urlsplit, urlunsplit

from broadsheet.errors import ConfigError

NO_KEY = "none"
"""Sent to a server that wants no key, because the openai package insists on one."""


def api_key() -> str:
    """Return the key in ``OPENAI_API_KEY``, or `NO_KEY`."""
    return os.environ.get("OPENAI_API_KEY") or NO_KEY


def endpoint_address() -> str:
    """Return where requests go, without any credentials in the address; a name in the database."""
    address = urlsplit(os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1")
    return urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2])).rstrip("/")


def require_access() -> None:
    """Check that there is a server to ask.

    Raises:
        ConfigError: There is neither a key nor an address.
    """
    if not (os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL")):
        raise ConfigError(
            "The openai engines need OPENAI_API_KEY, or OPENAI_BASE_URL for a server without keys;"
            " set one of them or use --engine extractive."
        )
