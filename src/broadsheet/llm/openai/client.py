"""The openai package's client, loaded with the first request."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from broadsheet.errors import ConfigError
from broadsheet.llm.access import api_key, endpoint_address, header_variable

if TYPE_CHECKING:
    import openai  # noqa: TID251 - a provider's own package


def load_client() -> None:
    """Load the openai package, which takes as long as a short run that finds everything annotated."""
    import_module("broadsheet.llm.openai.exchange")


def new_client(max_in_flight: int, address: str | None = None) -> openai.AsyncOpenAI:
    """Return the openai client as the environment sets it up, its own retries off.

    The aiohttp transport halves the time of a call (measured on 411 at once: 1.1 ms against 2.4 ms). A
    redirect is not followed: it would make a question of a POST, and carry the key elsewhere.

    Args:
        max_in_flight: Connections, at most.
        address: Where requests go, if not where the environment says.

    Raises:
        ConfigError: The environment sets up something that no client takes, such as a certificate file that
            is not there.
    """
    import httpx2
    import openai  # noqa: TID251 - a provider's own package

    from broadsheet.llm.openai.bounded import ENCODINGS, bound

    limits = httpx2.Limits(max_connections=max_in_flight, max_keepalive_connections=max_in_flight)
    try:
        client = openai.AsyncOpenAI(
            api_key=api_key(),
            base_url=address or endpoint_address(),
            organization=header_variable("OPENAI_ORG_ID"),
            project=header_variable("OPENAI_PROJECT_ID"),
            max_retries=0,
            http_client=openai.DefaultAioHttpClient(
                limits=limits,
                follow_redirects=False,
                headers={"accept-encoding": ENCODINGS},
                event_hooks={"response": [bound]},
            ),
        )
    except (ValueError, TypeError, OSError, ImportError, httpx2.InvalidURL, openai.OpenAIError) as error:
        raise ConfigError(
            f"Requests to the model cannot be set up ({error}); check OPENAI_BASE_URL, the proxy variables"
            " and SSL_CERT_FILE."
        ) from error
    client.platform_headers()  # asks the system once what it is; else each of the first requests would
    return client
