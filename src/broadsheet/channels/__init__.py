"""Ways out: a module for each channel, and the table that names them.

A channel is given one message at a time. It calls ``handing_over`` just before the step that cannot be taken
back, and returns when the other side has the message, or what will say so; otherwise it raises an outcome.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from broadsheet.channels.message import (
    PLACEHOLDER,
    Answer,
    ChannelDown,
    Content,
    Deferred,
    HandOver,
    Headline,
    Message,
    NotDelivered,
    Refused,
    Unanswered,
)
from broadsheet.config import Settings

__all__ = [
    "CHANNELS",
    "PLACEHOLDER",
    "Answer",
    "Channel",
    "ChannelDown",
    "Content",
    "Deferred",
    "HandOver",
    "Headline",
    "Message",
    "NotDelivered",
    "Refused",
    "Unanswered",
    "open_channel",
]

CHANNELS = {
    "mail": "broadsheet.channels.mail",
    "directory": "broadsheet.channels.directory",
    "stdout": "broadsheet.channels.stdout",
    "webhook": "broadsheet.channels.webhook",
    "telegram": "broadsheet.channels.telegram",
}
"""The module of each channel; its ``open_channel(settings)`` makes it."""


class Channel(Protocol):
    """A way out.

    Attributes:
        recipient: Whom it reaches, in the ledger: a room, a folder; empty for mail, which has subscribers.
    """

    recipient: str

    def send(self, message: Message, handing_over: HandOver) -> Answer | None:
        """Hand a message over.

        Returns:
            What the other side will say, or None where it has said already that it has the message.

        Raises:
            NotDelivered: The other side did not take it, or it is not known whether it did.
            ChannelDown: No message can be handed over for now.
            UserError: Something must be put right first.
        """

    def close(self) -> None:
        """Say goodbye."""


def open_channel(name: str, settings: Settings) -> Channel:
    """Open a channel by its name in `CHANNELS`.

    Raises:
        ConfigError: Its settings are missing or wrong.
    """
    channel: Channel = import_module(CHANNELS[name]).open_channel(settings)
    return channel
