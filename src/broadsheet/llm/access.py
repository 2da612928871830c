"""Where the openai engines send requests, and with which key: what the environment says, checked.

Nothing is sent with a set-up that cannot work, and nothing of a key is ever part of a message.
"""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from broadsheet.addresses import fault_of
from broadsheet.errors import ConfigError

NO_KEY = "none"
"""Sent to a server that wants no key, because the openai package insists on one."""
DEFAULT_ADDRESS = "https://api.openai.com/v1"
HEADER_VARIABLES = ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID")
"""What the openai package sends in headers."""
_HEADER_VALUE = re.compile(r"[\x21-\x7e]+")
"""Visible ASCII (RFC 9110, section 5.5); a key with a space in it would end the header's credentials."""
_PROXY_SCHEMES = ("http", "https")
"""The aiohttp transport knows no others."""


def api_key() -> str:
    """Return the key in ``OPENAI_API_KEY`` without white space around it, or `NO_KEY`."""
    return os.environ.get("OPENAI_API_KEY", "").strip() or NO_KEY


def header_variable(name: str) -> str | None:
    """Return what this variable sets a header to, without white space around it."""
    return os.environ.get(name, "").strip() or None


def endpoint_address() -> str:
    """Return where requests go, without a slash at its end; a name in the database.

    Raises:
        ConfigError: It is no address that requests could be sent to.
    """
    address = os.environ.get("OPENAI_BASE_URL", "").strip() or DEFAULT_ADDRESS
    fault = fault_of(address)
    if not fault and (urlsplit(address).query or urlsplit(address).fragment):
        fault = "must end with its path, such as /v1"
    if fault:
        raise ConfigError(f"OPENAI_BASE_URL {fault}; correct it, and put the key into OPENAI_API_KEY.")
    return address.rstrip("/")


_ENGINES = (
    "The openai engines need OPENAI_API_KEY, or OPENAI_BASE_URL for a server without keys;"
    " set one of them or use --engine extractive."
)


def require_access(otherwise: str = _ENGINES) -> None:
    """Check that there is a server to ask, and that a request could be sent to it.

    Args:
        otherwise: What to say where there is neither a key nor an address.

    Raises:
        ConfigError: There is neither a key nor an address, or one of them or a proxy cannot be used.
    """
    if api_key() == NO_KEY and not os.environ.get("OPENAI_BASE_URL", "").strip():
        raise ConfigError(otherwise)
    for name in HEADER_VARIABLES:
        value = header_variable(name)
        if value and not _HEADER_VALUE.fullmatch(value):
            raise ConfigError(
                f"{name} holds white space or a character that cannot be sent in a header;"
                " set it to the value alone, in plain ASCII."
            )
    endpoint_address()
    for scheme, proxy in getproxies_environment().items():
        if scheme not in {"http", "https", "all"} or not proxy:
            continue
        address = proxy if "://" in proxy else f"http://{proxy}"  # so httpx2 reads it
        if fault := fault_of(address, _PROXY_SCHEMES, with_user=True):
            raise ConfigError(f"The proxy in {_variable_of(scheme)} {fault}; correct or unset it.")


def _variable_of(scheme: str) -> str:
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper())
    return next((name for name in names if name in os.environ), names[1])
