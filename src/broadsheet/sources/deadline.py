"""`Deadline`: breaks a request off that takes too long as a whole, its headers included.

An HTTP client bounds each wait for data, but not their sum: a server that sends a byte now and then keeps it
for ever. No callback runs between the bytes of a header either, so a timer shuts the connection down.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

_CONNECTED = ("connect_tcp.complete", "connect_unix_socket.complete", "start_tls.complete")


class Deadline:
    """Shuts down the connections of one request after so many seconds; use it as a context manager.

    Attributes:
        passed: Whether it did. The client then raises whatever a lost connection raises.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Learn of a connection; the request's ``trace`` extension, of a client that keeps none alive."""
        if event.endswith(_CONNECTED):
            self._sockets.append(info["return_value"].get_extra_info("socket"))
            if self.passed:
                self._pass()

    def _pass(self) -> None:
        self.passed = True
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
