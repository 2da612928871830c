"""Mail over SMTP with the standard library: few connections for many messages, at a steady pace.

A server takes its time over a message that it has; meanwhile the next one leaves over another connection. A
server that allows fewer connections than are set gets fewer.
"""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from broadsheet.channels.envelope import Envelope
from broadsheet.channels.message import Answer, ChannelDown, HandOver, Message, NotDelivered, Refused
from broadsheet.channels.signing import signer
from broadsheet.channels.smtp import Connection
from broadsheet.config import Settings
from broadsheet.delivery_settings import MailSettings
from broadsheet.errors import ConfigError

_CLOCK = SimpleNamespace(now=time.monotonic, sleep=time.sleep)


class Pace:
    """Lets so many messages a second through, evenly."""

    def __init__(self, per_second: float, clock: Any = _CLOCK) -> None:
        self._gap_s, self._clock, self._next = 1.0 / per_second, clock, 0.0

    def left_s(self) -> float:
        """Return the seconds until the next message may leave."""
        left_s: float = self._next - self._clock.now()
        return max(0.0, left_s)

    def wait(self) -> None:
        """Wait until the next message may leave."""
        now = self._clock.now()
        if (wait_s := self._next - now) > 0:
            self._clock.sleep(wait_s)
        self._next = max(now, self._next) + self._gap_s


class Mail:
    """An SMTP server, spoken to over as many connections as are set."""

    recipient = ""

    def __init__(self, settings: MailSettings, pace: Pace | None = None) -> None:
        self._settings = settings
        self._pace = pace or Pace(settings.messages_per_second)
        self._free = [Connection(settings) for _ in range(settings.connections)]
        self._busy: list[_Answer] = []
        self._sign = signer(settings)
        self.envelope = Envelope(settings)

    def send(self, message: Message, handing_over: HandOver) -> Answer:
        """Hand a newsletter over."""
        try:
            raw = self._sign(self.envelope.message(message))
        except ValueError as error:
            raise Refused(f"the message cannot be written: {error}", "5.6.0") from error
        return self._hand_over(raw, self.envelope.sender_of(message.key), message.address, handing_over)

    def send_confirmation(self, address: str, title: str, text: str, key: str) -> None:
        """Hand the message over that asks a new reader to confirm.

        Raises:
            NotDelivered: The server did not take it.
            ChannelDown: It cannot be reached.
        """
        raw = self._sign(self.envelope.confirmation(address, title, text, key))
        sender = self._settings.account_from or self._settings.sender
        self._hand_over(raw, sender, address, lambda: None).read()

    def try_out(self) -> str:
        """Connect, log in and name the sender, but no message; return the server's name for itself.

        Raises:
            ChannelDown: It cannot be reached.
            ConfigError: It refuses the certificate, the user, the password or the sender.
        """
        return self._free[0].try_out()

    def close(self) -> None:
        """Say goodbye."""
        for connection in (*self._free, *(each.connection for each in self._busy)):
            connection.close()

    def full_for_s(self) -> float | None:
        """Return the seconds until another message may leave; None is until one is answered."""
        return self._pace.left_s() if self._free else None

    def free(self, answer: _Answer) -> None:
        """Use the connection of an answer that has been read for the next message."""
        self._busy.remove(answer)
        self._free.insert(0, answer.connection)

    def _hand_over(self, raw: bytes, sender: str, address: str, handing_over: HandOver) -> Answer:
        self._pace.wait()
        connection = self._offered(raw, sender, address)
        handing_over()
        connection.hand_over()
        self._free.remove(connection)
        self._busy.append(_Answer(self, connection, address))
        return self._busy[-1]

    def _offered(self, raw: bytes, sender: str, address: str) -> Connection:
        """Offer a message over a free connection, and return that."""
        while True:
            if not self._free:
                self._busy[0].fetch()
            connection = self._free[0]
            try:
                connection.offer(raw, sender, address)
            except ChannelDown:
                if not self._busy:
                    raise
                self._free.remove(connection)  # another works, so the server wants no more at once
            else:
                return connection


class _Answer:
    """The server's answer to one message; until it is read, its connection carries no other."""

    def __init__(self, mail: Mail, connection: Connection, address: str) -> None:
        self.connection = connection
        self._mail, self._address = mail, address
        self._is_read = False
        self._outcome: NotDelivered | None = None

    def is_there(self) -> bool:
        return self._is_read or self.connection.is_answered(self._mail.full_for_s())

    def read(self) -> None:
        self.fetch()
        if self._outcome:
            raise self._outcome

    def fetch(self) -> None:
        """Wait for the answer and keep it."""
        if not self._is_read:
            try:
                self.connection.answer(self._address)
            except NotDelivered as error:
                self._outcome = error
            self._is_read = True
            self._mail.free(self)


def open_channel(settings: Settings) -> Mail:
    """Open the channel.

    Raises:
        ConfigError: There is no ``[mail]``, or its key for DKIM cannot be read.
    """
    if settings.mail is None:
        raise ConfigError("There is no [mail] in broadsheet.toml yet; docs/mail.md shows one.")
    return Mail(settings.mail)
