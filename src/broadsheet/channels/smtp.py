"""One SMTP connection, opened when it is needed: a message is offered, handed over, and answered.

The body is sent but for its last line, the full stop; only that line hands the message over. A connection
that is lost before it has left nothing behind, and one lost after it leaves the outcome unknown.
"""

from __future__ import annotations

import re
import select
import smtplib
import socket
import ssl
from contextlib import suppress

from broadsheet.channels.message import ChannelDown, Deferred, Refused, Unanswered
from broadsheet.delivery_settings import MailSettings
from broadsheet.errors import ConfigError

TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 600.0
"""How long the answer to a whole message may take: RFC 5321 section 4.5.3.2.6."""
_TRIES = 3
"""How often a message is tried on a new connection when the old one is lost before it was handed over."""
_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")
_LOST = (smtplib.SMTPServerDisconnected, ConnectionError, TimeoutError, ssl.SSLError, OSError)


class Connection:
    """A connection to the mail server; it carries one message at a time."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._smtp: smtplib.SMTP | None = None

    def try_out(self) -> str:
        """Connect, log in and name the sender, but no message; return the server's name for itself.

        Raises:
            ChannelDown: It cannot be reached.
            ConfigError: It refuses the certificate, the user, the password or the sender.
        """
        smtp = self._connected()
        try:
            self._judge_sender(*smtp.docmd("MAIL", f"FROM:<{self._settings.sender}>"), "")
            smtp.rset()
        except _LOST as error:
            self._drop()
            raise ChannelDown(
                f"The mail server at {self._settings.host} closes the connection; try again later."
            ) from error
        return (smtp.ehlo_resp or b"").decode(errors="replace").split("\n")[0]

    def offer(self, raw: bytes, sender: str, address: str) -> None:
        """Send a message but for its full stop, so that the server does not have it yet.

        Raises:
            Deferred: The server may take it later.
            Refused: It never will.
            ChannelDown: It cannot be reached, or takes nothing for now.
            ConfigError: It refuses the sender, or must be set up in another way.
        """
        body = raw.removesuffix(b"\r\n").replace(b"\r\n.", b"\r\n..") + b"\r\n"
        for left in reversed(range(_TRIES)):
            smtp = self._connected()
            try:
                self._name(smtp, sender, address)
                smtp.send(body)
            except _LOST as error:
                self._drop()
                if not left:
                    raise ChannelDown(
                        f"The mail server at {self._settings.host} closes the connection"
                        f" ({_safe(str(error), address)}); run the same command again later."
                    ) from error
            else:
                return

    def hand_over(self) -> None:
        """Send the full stop of the message that was offered.

        Raises:
            Unanswered: The connection was lost.
        """
        smtp = self._connected()
        try:
            if smtp.sock:
                smtp.sock.settimeout(ANSWER_TIMEOUT_S)
            smtp.send(b".\r\n")
        except _LOST as error:
            raise self._unanswered() from error

    def is_answered(self, within_s: float | None) -> bool:
        """Wait for something to read, such as the answer or that the connection is lost.

        Args:
            within_s: For how long; None is as long as an answer may take.
        """
        sock = self._smtp.sock if self._smtp else None
        if sock is None or (isinstance(sock, ssl.SSLSocket) and sock.pending()):
            return True
        return bool(select.select([sock], [], [], ANSWER_TIMEOUT_S if within_s is None else within_s)[0])

    def answer(self, address: str) -> None:
        """Read the answer to the message that was handed over to an address; return if it was taken.

        Raises:
            Deferred: The server may take it later.
            Refused: It never will.
            Unanswered: The connection was lost.
        """
        smtp = self._connected()
        try:
            code, reply = smtp.getreply()
        except _LOST as error:
            raise self._unanswered() from error
        if smtp.sock:
            smtp.sock.settimeout(TIMEOUT_S)
        self._judge(code, reply, address)

    def close(self) -> None:
        """Say goodbye."""
        if self._smtp:
            with suppress(smtplib.SMTPException, OSError):
                self._smtp.quit()
            self._smtp = None

    def _unanswered(self) -> Unanswered:
        self._drop()
        return Unanswered("the connection was lost after the message had left")

    def _name(self, smtp: smtplib.SMTP, sender: str, address: str) -> None:
        """Say from whom and to whom, up to the server's word to go on."""
        commands = (f"MAIL FROM:<{sender}>", f"RCPT TO:<{address}>", "DATA")
        if smtp.has_extn("pipelining"):  # RFC 2920: one way there and back, not three
            smtp.send("".join(f"{command}\r\n" for command in commands).encode("ascii"))
            answers = [smtp.getreply() for _ in commands]
            if answers[-1][0] == 354 and max(answers)[0] >= 400:
                smtp.send(b".\r\n")  # it takes data for nobody (section 3.1); an empty message ends that
                smtp.getreply()
        else:
            answers = []
            for command in commands:
                answers.append(smtp.docmd(command))
                if answers[-1][0] >= 400:
                    break
        self._judge_sender(*answers[0], address)
        for code, reply in answers[1:]:
            if code >= 400:
                self._judge(code, reply, address)

    def _judge_sender(self, code: int, reply: bytes, address: str) -> None:
        """Raise what the answer to the sender's own name means: it concerns all messages alike."""
        if code < 400:
            return
        if code == 421:  # it has had enough of this connection, not of us
            raise smtplib.SMTPServerDisconnected(_told(code, reply, address))
        self.close()
        if code >= 500:
            raise ConfigError(
                f"The mail server refuses the sender ({_told(code, reply, address)});"
                " correct from, bounces or user in [mail]."
            )
        raise ChannelDown(
            f"The mail server takes nothing for now ({_told(code, reply, address)});"
            " run the same command again later."
        )

    def _judge(self, code: int, reply: bytes, address: str) -> None:
        """Raise what an answer means for the message, unless it was taken; leave the connection usable."""
        if 200 <= code < 300:
            return
        if code == 421:
            self._drop()
        elif self._smtp:
            with suppress(*_LOST):
                self._smtp.rset()
        told = _told(code, reply, address)
        status = match[1] if (match := _ENHANCED.search(told)) else ""
        if 400 <= code < 500:
            raise Deferred(told, status)
        raise Refused(told, status)

    def _connected(self) -> smtplib.SMTP:
        if self._smtp is None:
            self._smtp = _connect(self._settings)
        return self._smtp

    def _drop(self) -> None:
        if self._smtp:
            self._smtp.close()
            self._smtp = None


def _connect(settings: MailSettings) -> smtplib.SMTP:
    name = f"{settings.host}:{settings.smtp_port}"
    try:
        return _opened(settings)
    except ssl.SSLCertVerificationError as error:
        raise ConfigError(
            f"The certificate of {name} is not to be trusted ({error.verify_message}); correct host, or"
            " name the server's own certificate with ca_file in [mail]."
        ) from error
    except smtplib.SMTPNotSupportedError as error:
        raise ConfigError(
            f"{name} offers no {'STARTTLS' if settings.security == 'starttls' else 'login'};"
            " correct port, security or user in [mail]."
        ) from error
    except smtplib.SMTPAuthenticationError as error:
        raise ConfigError(
            f"{name} refuses the user or the password ({error.smtp_code});"
            " correct user in [mail], or BROADSHEET_MAIL_PASSWORD."
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise ChannelDown(
            f"The mail server at {name} cannot be reached ({_safe(str(error), '')});"
            " check host, port and security in [mail], or run the same command again later."
        ) from error


def _opened(settings: MailSettings) -> smtplib.SMTP:
    """Connect, encrypt and log in; what goes wrong closes the connection."""
    host, port = settings.host, settings.smtp_port
    if settings.security == "tls":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=_trust(settings))
    else:
        smtp = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    try:
        if smtp.sock:
            # The full stop leaves on its own. Nagle's algorithm would hold it back until the other side has
            # acknowledged the body, which it delays by 40 ms: 18 messages a second instead of hundreds.
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if settings.security == "starttls":
            smtp.starttls(context=_trust(settings))
        smtp.ehlo_or_helo_if_needed()
        if settings.user:
            smtp.login(settings.user, settings.password())
    except BaseException:
        smtp.close()
        raise
    return smtp


def _trust(settings: MailSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
    except OSError as error:
        raise ConfigError(f"{settings.ca_file} holds no certificate; correct ca_file in [mail].") from error


def _told(code: int, reply: bytes, address: str) -> str:
    return f"{code} {_safe(reply.decode(errors='replace'), address)}"


def _safe(text: str, address: str) -> str:
    """Return words of a server in one line, without any address, which no log or message may show."""
    text = text.replace(address, "<address>") if address else text
    return " ".join(_ADDRESS.sub("<address>", text).split())[:300]
