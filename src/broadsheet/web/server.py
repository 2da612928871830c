"""Runs the application with uvicorn, and drops clients that are too slow."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from broadsheet.errors import UserError
from broadsheet.web.impatience import Impatient
from broadsheet.web.memory import give_back_free_memory, settle

KEEP_ALIVE_S = 5
MOST_AT_ONCE = 500
STOPPING_S = 5
_SETTLED_AFTER_S = (10.0, 60.0)
"""When what is held stays: facets and vectors are made by then, and later what the first searches need."""


def run(app: FastAPI, host: str, port: int, *, proxy: str = "", on_start: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM; requests under way get a few seconds to end.

    Args:
        app: The application.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        proxy: The address of a reverse proxy, whose X-Forwarded-For and -Proto are believed; empty for none.
        on_start: Called with the address once requests are taken.

    Raises:
        UserError: The address cannot be listened on.
    """
    give_back_free_memory()
    listening = _listening(host, port)
    shown = f"[{host}]" if ":" in host else host
    config = uvicorn.Config(
        app,
        http=Impatient,
        ws="none",
        lifespan="on",
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOPPING_S,
        limit_concurrency=MOST_AT_ONCE,
        proxy_headers=bool(proxy),
        forwarded_allow_ips=proxy or None,
    )
    on_start(f"http://{shown}:{listening.getsockname()[1]}/")
    timers = [threading.Timer(after_s, settle) for after_s in _SETTLED_AFTER_S]
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        for timer in timers:
            timer.cancel()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends at once (TCP_NODELAY) only where the socket says that it speaks TCP; otherwise the body of
    # each answer waits 40 ms for the receipt of its head.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise UserError(
            f"{host} port {port} is not free ({error.strerror}); name another with --host or --port."
        ) from error
    listening.listen(MOST_AT_ONCE)
    listening.set_inheritable(True)
    return listening
