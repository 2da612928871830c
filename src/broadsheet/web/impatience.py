"""`Impatient`: a connection that is closed when its client takes too long to ask or to read.

uvicorn waits for ever for the rest of a request's head and for a client to read what was sent; a few hundred
such clients would fill the server (https://en.wikipedia.org/wiki/Slowloris_(computer_security)).
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 10.0
"""How long the head of a request may take; nginx and Apache allow 20 to 60."""
READING_S = 30.0
"""How long a client may leave what was sent unread: 48 KB have to go in this time, 1.6 KB a second."""


MOST_HEAD_BYTES = 16 * 1024
"""How long a head may become that does not end; nginx takes 32 KB, Apache 8."""


class Impatient(HttpToolsProtocol):
    """Counts the seconds and bytes of a request's head, and the seconds of a client that does not read."""

    _is_in_head = False
    _head_bytes = 0
    _head: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._await_head()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head has ended."""
        self._is_in_head = False
        super().on_headers_complete()

    def data_received(self, received: bytes) -> None:
        """Go on waiting if the head is not whole yet, unless it is too long."""
        super().data_received(received)
        if self._is_in_head:
            self._head_bytes += len(received)
            if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too long.")
        if self.cycle is None or self.cycle.response_complete:
            self._await_head()
        else:
            self._head = self._cancel(self._head)

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        self._reading = self.loop.call_later(READING_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on."""
        self._reading = self._cancel(self._reading)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._head, self._reading = self._cancel(self._head), self._cancel(self._reading)
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(HEAD_S, self.transport.abort)

    def _cancel(self, timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
        """Stop a timer, and return what stands in its place."""
        if timer is not None:
            timer.cancel()
        return None
