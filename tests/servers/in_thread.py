"""A server that runs in a thread of its own, on an event loop of its own, while a ``with`` block lasts."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Self


class InThread:
    """Runs ``_run``, which serves ``_socket`` on ``_loop`` until ``_stop`` is set."""

    def __init__(self, port: int = 0) -> None:
        self._socket = socket.create_server(("127.0.0.1", port), backlog=1024)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._stop = asyncio.Event()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _serve(self) -> None:
        self._loop.run_until_complete(self._run())
        self._loop.close()

    async def _run(self) -> None:
        raise NotImplementedError
