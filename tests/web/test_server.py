"""The server drops who is too slow, and refuses what is too large, over real sockets."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager

import pytest
import uvicorn

from broadsheet.config import Settings
from broadsheet.errors import StoreError
from broadsheet.store import Store
from broadsheet.web import create_app, guards, impatience
from broadsheet.web.impatience import Impatient
from broadsheet.web.server import _listening


@contextmanager
def serving(app, protocol=Impatient):
    listening = _listening("127.0.0.1", 0)
    server = uvicorn.Server(
        uvicorn.Config(app, http=protocol, lifespan="off", timeout_keep_alive=1, log_level="critical")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield listening.getsockname()
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def address(cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(impatience, "HEAD_S", 0.3)
        patch.setattr(impatience, "READING_S", 0.3)
        patch.setattr(guards, "BODY_S", 0.3)
        with serving(create_app(Settings(db=cache))) as address:
            yield address


def told(address, *parts):
    """Everything that the server says to these bytes until it closes."""
    with socket.create_connection(address, timeout=300) as client:
        for part in parts:
            client.sendall(part)
        said = b""
        try:
            while more := client.recv(65_536):
                said += more
        except ConnectionResetError:
            pass
        return said


@pytest.mark.parametrize("head", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n", b"GET /papers HTTP/1.1\r\nX-A: "])
def test_half_a_head_is_not_waited_for(address, head):
    assert told(address, head) == b""


def test_half_a_second_head_on_one_connection_is_not_waited_for_either(address):
    said = told(address, b"GET /api/stats HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HT")
    assert said.startswith(b"HTTP/1.1 200")
    assert said.count(b"HTTP/1.1") == 1


def test_half_a_body_is_not_waited_for(address):
    said = told(address, b"POST /api/lookup HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
    assert said.startswith(b"HTTP/1.1 408")


def test_too_long_a_head_is_refused(address):
    assert told(address, b"GET / HTTP/1.1\r\nX-A: " + b"a" * 100_000).startswith(b"HTTP/1.1 4")


def test_a_client_that_reads_nothing_is_dropped(monkeypatch):
    monkeypatch.setattr(impatience, "READING_S", 0.3)
    gone = threading.Event()

    class Watched(Impatient):
        def connection_lost(self, exc):
            gone.set()
            super().connection_lost(exc)

    async def endless(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not gone.is_set():
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})

    with serving(endless, Watched) as address, socket.create_connection(address) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert gone.wait()


def test_the_body_of_an_answer_does_not_wait_for_the_receipt_of_its_head(cache):
    sends_at_once = []

    class Watched(Impatient):
        def connection_made(self, transport):
            connected = transport.get_extra_info("socket")
            sends_at_once.append(connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            super().connection_made(transport)

    with serving(create_app(Settings(db=cache)), Watched) as address:
        told(address, b"GET /api/stats HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert sends_at_once
    assert all(sends_at_once)


def test_what_only_reads_cannot_write(cache):
    with Store.open(cache, reading=True) as store, pytest.raises(StoreError), store.transaction():
        store.subscribers.suppress(b"x", "by hand")
