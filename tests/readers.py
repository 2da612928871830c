"""Subscribers, settings for mail, and sending in the process of the test."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from broadsheet import subscribers
from broadsheet.channels import open_channel
from broadsheet.config import Settings
from broadsheet.deliver import DeliverReport, Route, deliver
from broadsheet.deliver.press import Press
from broadsheet.filters import Filter
from broadsheet.store import Store
from broadsheet.store.subscribers import Rhythm
from builders import DAY
from editions import TAXONOMY
from servers.smtp import MailServer

CONSENT = {"how": "paper form", "when": "2026-01-02"}
SENDER = "papers@lists.example.org"


def mail_settings(server: MailServer | None = None, **mail: Any) -> Settings:
    """Settings that send to a server on loopback."""
    table = {
        "from": SENDER,
        "host": "127.0.0.1",
        "port": server.port if server else 9,
        "security": "none",
        "url": "https://lists.example.org",
        "messages_per_second": 100_000,
    }
    return Settings.load(mail={**table, **mail})


class FakeClock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.time, self.slept = 0.0, []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def add_reader(
    store: Store,
    address: str,
    where: Filter | None = None,
    rhythm: Rhythm = "daily",
    newsletter: str = "daily",
) -> None:
    """A confirmed reader."""
    with store.transaction():
        added = subscribers.add_with_consent(store, address, newsletter, where or Filter(), rhythm, CONSENT)
    assert added == "added"


def add_readers(store: Store, addresses: Iterable[str], where: Filter | None = None) -> None:
    for address in addresses:
        add_reader(store, address, where)


def press(store: Store, settings: Settings) -> Press:
    return Press(store, settings, TAXONOMY)


def send(
    store: Store, settings: Settings, day: date = DAY, name: str = "mail", *, resend_unknown: bool = False
) -> DeliverReport:
    """Send what is due, and close the connection."""
    channel = open_channel(name, settings)
    try:
        route = Route(store, press(store, settings), name, channel)
        return deliver(route, day, resend_unknown=resend_unknown)
    finally:
        channel.close()


def at(folder: Path) -> Path:
    """Where a test's cache is."""
    return folder / "cache.db"
