"""``broadsheet serve``: the page and the API."""

from __future__ import annotations

import ipaddress
from importlib.util import find_spec
from typing import Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.lookup import WORDS_ALONE
from broadsheet.cli.options import TaskOptions, start
from broadsheet.cli.printing import note
from broadsheet.embedding import installed
from broadsheet.errors import UserError


@command("serve")
def serve(
    *,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port; 0 takes a free one.")] = 8000,
    proxy: Annotated[
        str, typer.Option("--proxy", help="Address of a reverse proxy that says who asks, such as 127.0.0.1.")
    ] = "",
    options: TaskOptions,
) -> None:
    """Serve the web page and the API over the cache, until Ctrl-C."""
    if not (find_spec("fastapi") and find_spec("uvicorn")):
        raise UserError("The server is not installed; install it with: pip install 'broadsheet[web]'")
    from broadsheet.web import create_app
    from broadsheet.web.server import run

    settings = start(options)
    app = create_app(settings)
    if installed() is None:
        note(WORDS_ALONE)
    if not _is_loopback(host):
        note(
            f"broadsheet: Anyone who reaches {host} can read the cache, unencrypted; put a reverse proxy with"
            " TLS, such as Caddy or nginx, in front of it, and name its address with --proxy."
        )
    run(
        app,
        host,
        port,
        proxy=proxy,
        on_start=lambda address: note(f"Broadsheet is at {address} (Ctrl-C stops it)."),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
