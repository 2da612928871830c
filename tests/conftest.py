"""What every test runs under: no key, no settings of the machine, no network but loopback."""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlite_utils import Database

from broadsheet.migrations import upgrade
from broadsheet.store import connection

# How long an example takes depends on what else the machine does.
settings.register_profile("broadsheet", deadline=None, max_examples=50)
settings.register_profile("long", deadline=None)  # --hypothesis-profile=long
settings.load_profile("broadsheet")

# A shell lets what it starts in the background ignore Ctrl-C, and whatever that starts inherits it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the slow attacks and breakages to ``scripts/test-abuse``, or to whoever names their folder."""
    named = any("abuse" in argument for argument in config.args)
    return True if collection_path.name == "abuse" and not named else None


_SCRUBBED = ("OPENAI_", "BROADSHEET_", "TIKTOKEN_")
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


@pytest.fixture(autouse=True, scope="session")
def _copied_caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new cache is a copy of one that the migrations made: those take 70 ms of processor time."""
    made = tmp_path_factory.mktemp("caches") / "empty.db"
    connection.connect(made).close()

    def copied(db: Database) -> bool:
        path = Path(db.conn.path)  # type: ignore[attr-defined]
        if path.is_file() and not path.stat().st_size:
            with closing(sqlite3.connect(made)) as source:
                source.backup(db.conn)
        return upgrade(db)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "upgrade", copied)
        yield


@pytest.fixture(autouse=True)
def _scrubbed_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees a real key, a proxy or the user's settings; each starts in an empty folder."""
    for name in list(os.environ):
        if name.startswith(_SCRUBBED) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    logging.getLogger("broadsheet").setLevel(logging.NOTSET)  # a command may have set it in this process


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anything but loopback fails at once, as it would with the cable pulled."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
            raise OSError(f"tests reach no network: {address[0]}")
        connect(self, address)

    def guarded_resolve(host: Any, *rest: Any, **options: Any) -> Any:
        if not _is_loopback(host):
            raise socket.gaierror(socket.EAI_NONAME, f"tests reach no network: {host}")
        return resolve(host, *rest, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)


def _is_loopback(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
