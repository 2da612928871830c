"""Standard output: the issue as text, for a pipe into another program."""

from __future__ import annotations

import sys

from broadsheet.channels.message import HandOver, Message
from broadsheet.config import Settings


class StandardOutput:
    """Standard output; the text of papers has lost its control characters before it comes here."""

    recipient = "stdout"

    def send(self, message: Message, handing_over: HandOver) -> None:
        """Print the text."""
        handing_over()
        sys.stdout.write(message.content.text)
        sys.stdout.flush()

    def close(self) -> None:
        """Do nothing: standard output stays open."""


def open_channel(_settings: Settings) -> StandardOutput:
    """Open the channel."""
    return StandardOutput()
