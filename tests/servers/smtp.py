"""A mail server on loopback that keeps what it is given, and refuses, defers or breaks off as it is told."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import subprocess
import warnings
from collections import Counter
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from servers.in_thread import InThread

PASSWORD = "tide-table"


@dataclass(frozen=True)
class Received:
    """One message as it came."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    session: int

    @property
    def message(self) -> EmailMessage:
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def part(self, kind: str) -> str:
        """The text of the plain or the html part."""
        found = self.message.get_body((kind,))
        assert found is not None
        return str(found.get_content()).replace("\r\n", "\n")


class MailServer(InThread):
    """``with MailServer() as server: server.port``.

    Attributes:
        received: Messages that were taken.
        at_rcpt: What is answered to an address at RCPT, if not 250.
        at_data: What is answered to a message for an address, if not 250.
        lose_answer_for: Addresses whose message is taken and not answered: the connection is cut.
        at_mail: What is answered to a sender, if not 250.
        extensions: What it says at EHLO that it knows besides.
        answers_from: No message is answered before so many have come.
        most_at_once: How many connections it allows at once.
    """

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, implicit: bool = False, auth: bool = False
    ) -> None:
        super().__init__()
        self.received: list[Received] = []
        self.at_rcpt: dict[str, str] = {}
        self.at_data: dict[str, str] = {}
        self.lose_answer_for: set[str] = set()
        self.at_mail = ""
        self.extensions: list[str] = []
        self.answers_from = 0
        self.most_at_once = 1_000
        self.connections = 0
        self.logins: Counter[bool] = Counter()
        self.open = self.offered = 0
        self.enough = asyncio.Event()
        self.transports: set[asyncio.Transport] = set()
        self._tls, self._implicit, self._auth = tls, implicit, auth

    def addresses(self) -> Counter[str]:
        """How many messages each address got."""
        return Counter(address for each in self.received for address in each.recipients)

    def _protocol(self) -> SMTP:
        self.connections += 1
        options: dict[str, Any] = {"hostname": "mail.test", "loop": self._loop, "data_size_limit": 2**25}
        if self._tls and not self._implicit:
            options |= {"tls_context": self._tls, "require_starttls": True}
        if self._auth:
            options |= {"authenticator": self._authenticate, "auth_required": True}
            options |= {"auth_require_tls": not self._implicit}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # aiosmtpd warns of a login without TLS: that is the test
            return _Counted(self, _Handler(self, self.connections), **options)

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: Any
    ) -> Any:
        right = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
        self.logins[right] += 1
        return AuthResult(success=right, handled=False)

    async def _run(self) -> None:
        server = await self._loop.create_server(
            self._protocol, sock=self._socket, ssl=self._tls if self._implicit else None
        )
        await self._stop.wait()
        server.close()
        others = asyncio.all_tasks(self._loop) - {asyncio.current_task(self._loop)}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for _ in range(3):  # a connection that was accepted just now is made in two steps, and lost in one
            for transport in tuple(self.transports):
                transport.abort()
            await asyncio.sleep(0)


class _Counted(SMTP):
    """Turns a connection away when there are as many as the server allows."""

    def __init__(self, server: MailServer, handler: _Handler, **options: Any) -> None:
        super().__init__(handler, **options)
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._server.open += 1
        self._made = transport
        self._server.transports.add(transport)
        if self._server.open > self._server.most_at_once:
            transport.write(b"421 4.7.0 too many connections\r\n")
            transport.close()
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._server.open -= 1
        self._server.transports.discard(self._made)
        super().connection_lost(error)


class _Handler:
    def __init__(self, server: MailServer, number: int) -> None:
        self._server, self._number = server, number

    async def handle_EHLO(  # noqa: N802 - aiosmtpd calls it so
        self, _smtp: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*(f"250-{name}" for name in self._server.extensions), *responses]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd calls it so
        self, _smtp: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if not self._server.at_mail:
            envelope.mail_from = address
        return self._server.at_mail or "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, _smtp: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if answer := self._server.at_rcpt.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it so
        self, smtp: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        (address,) = envelope.rcpt_tos
        self._server.offered += 1
        if self._server.offered >= self._server.answers_from:
            self._server.enough.set()
        await self._server.enough.wait()
        if answer := self._server.at_data.get(address):
            return answer
        content = envelope.original_content
        assert isinstance(content, bytes)
        self._server.received.append(
            Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), content, self._number)
        )
        if address in self._server.lose_answer_for:
            assert smtp.transport is not None
            smtp.transport.abort()
        return "250 taken"


def certificate(folder: Path, name: str = "localhost") -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate of its own for a name, and the file of that certificate."""
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
         "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context, cert
