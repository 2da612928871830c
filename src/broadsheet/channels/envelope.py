"""A mail message: headers that no library folds into nonsense, and a body encoded once for all readers.

Python's policies turn an address of more than 77 characters in angle brackets into encoded words
(https://github.com/python/cpython/issues/85725), and no mail program shows the unsubscribe button then; and
Python 3.11 and 3.12 lose spaces where they fold a long Subject. So this policy writes such headers itself.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, formataddr
from typing import Any

from broadsheet.channels.message import PLACEHOLDER, Content, Message
from broadsheet.delivery_settings import MailSettings
from broadsheet.reader_tokens import TOKEN_LENGTH

_LONGEST_LINE = 990
"""RFC 5322 allows 998 characters in a line."""
_WORD_BYTES = 39
"""How many bytes of UTF-8 an encoded word takes: RFC 2047 allows it 75 characters."""
UNFOLDED = frozenset({"list-unsubscribe", "list-unsubscribe-post", "list-id", "message-id", "to", "date"})
SIGNED = (
    *("from", "to", "subject", "date", "message-id", "mime-version", "content-type", "auto-submitted"),
    *("list-id", "list-unsubscribe", "list-unsubscribe-post"),
)
"""What DKIM covers; RFC 8058 section 4 asks for both unsubscribe headers."""


class ListPolicy(EmailPolicy):
    """Writes list headers in one line, and a Subject as encoded words of at most 75 characters."""

    def fold(self, name: str, value: Any) -> str:
        """Return a header as it is sent."""
        if name.lower() in UNFOLDED:
            return self._in_one_line(name, str(value))
        if name.lower() == "subject":
            return self._subject(name, str(value))
        folded: str = super().fold(name, value)
        return folded

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Return a header as it is sent."""
        if name.lower() in UNFOLDED or name.lower() == "subject":
            return self.fold(name, value).encode("ascii")
        folded: bytes = super().fold_binary(name, value)
        return folded

    def _in_one_line(self, name: str, value: str) -> str:
        if not (value.isascii() and value.isprintable()) or len(name) + len(value) > _LONGEST_LINE:
            raise ValueError(f"{name} cannot be written in one line")
        return f"{name}: {value}{self.linesep}"

    def _subject(self, name: str, value: str) -> str:
        if not value.isprintable():
            raise ValueError(f"{name} has characters that cannot be printed")
        plain = value.isascii() and "=?" not in value and len(name) + len(value) <= 76
        words = [value] if plain else _encoded_words(value)
        return f"{name}: " + f"{self.linesep} ".join(words) + self.linesep


def _encoded_words(text: str) -> list[str]:
    """Return RFC 2047 encoded words that together say the text; none splits a character."""
    chunks = [b""]
    for character in text:
        encoded = character.encode()
        if len(chunks[-1]) + len(encoded) > _WORD_BYTES:
            chunks.append(b"")
        chunks[-1] += encoded
    return [f"=?utf-8?b?{base64.b64encode(chunk).decode()}?=" for chunk in chunks]


POLICY = ListPolicy(linesep="\r\n")


@dataclass(frozen=True, slots=True)
class Links:
    """The addresses in a message that belong to one reader."""

    settings: MailSettings

    def unsubscribe(self, token: str) -> str:
        """Return where the reader leaves."""
        return f"{self.settings.url}/unsubscribe/{token}"

    def preferences(self, token: str) -> str:
        """Return where the reader changes filter and rhythm."""
        return f"{self.settings.url}/preferences/{token}"

    def confirm(self, token: str) -> str:
        """Return where a new reader confirms."""
        return f"{self.settings.url}/confirm/{token}"


@dataclass(slots=True)
class Envelope:
    """Makes the messages of one sender.

    A body is encoded once for each content; then only the token is put in, which leaves every line as long
    as it was.
    """

    settings: MailSettings
    _bodies: dict[int, tuple[Content, _Body]] = field(default_factory=dict)

    def message(self, message: Message, sent_at: datetime | None = None) -> bytes:
        """Return a newsletter as it goes over the wire.

        Raises:
            ValueError: A header would not be what it says, such as one with a line break.
        """
        body = self._body(message.content)
        leave = Links(self.settings).unsubscribe(message.token)
        mailbox = self.settings.unsubscribe or self.settings.sender
        own = {
            "To": message.address,
            "Date": format_datetime(sent_at or datetime.now(UTC)),
            "Message-ID": f"<{message.key}@{self.settings.domain}>",
            "List-Unsubscribe": f"<{leave}>, <mailto:{mailbox}?subject=unsubscribe%20{message.token}>",
        }
        return body.head + _written(own) + b"\r\n" + body.with_token(message.token)

    def _shared_headers(self, content: Content, boundary: str) -> EmailMessage:
        """Return the headers that are the same for all readers of a content."""
        headers = self._headers(content.subject, self.settings.sender)
        name = re.sub(r"[^A-Za-z0-9 ]", "", content.title) or content.newsletter
        domain = self.settings.list_domain or self.settings.domain
        headers["List-ID"] = f"{name} <{content.newsletter}.{domain}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        headers["Content-Type"] = f'multipart/alternative; boundary="{boundary}"'
        return headers

    def confirmation(self, address: str, title: str, text: str, key: str) -> bytes:
        """Return the message that asks to confirm: account mail, so without the headers of a list."""
        settings = self.settings
        sender = settings.account_from or settings.sender
        headers = self._headers(f"Please confirm: {title}"[:60], sender)
        headers["To"] = address
        headers["Date"] = format_datetime(datetime.now(UTC))
        headers["Message-ID"] = f"<{key}@{settings.domain}>"
        headers["Content-Type"] = 'text/plain; charset="utf-8"'
        headers["Content-Transfer-Encoding"] = "quoted-printable"
        return _written(dict(headers.raw_items())) + b"\r\n" + _quoted_printable(text)

    def sender_of(self, key: str) -> str:
        """Return the envelope sender, which names the delivery if bounces have an address of their own."""
        if not self.settings.bounces:
            return self.settings.sender
        local, _, domain = self.settings.bounces.rpartition("@")
        return f"{local}+{key}@{domain}"

    def _headers(self, subject: str, sender: str) -> EmailMessage:
        headers = EmailMessage(policy=POLICY)
        headers["From"] = formataddr((self.settings.name, sender))
        headers["Subject"] = subject
        headers["Auto-Submitted"] = "auto-generated"
        headers["MIME-Version"] = "1.0"
        return headers

    def _body(self, content: Content) -> _Body:
        held = self._bodies.get(id(content))
        if held is None or held[0] is not content:
            self._bodies.clear()  # contents come one after the other; more than one would only fill memory
            boundary = "b-" + hashlib.sha256((content.text + content.html).encode()).hexdigest()[:32]
            head = _written(dict(self._shared_headers(content, boundary).raw_items()))
            held = self._bodies[id(content)] = (content, _Body.of(content, boundary, head))
        return held[1]


@dataclass(frozen=True, slots=True)
class _Body:
    """Headers that all readers share, and a body in pieces: bytes, and where parts of the token go."""

    head: bytes
    pieces: tuple[bytes | slice, ...]

    @classmethod
    def of(cls, content: Content, boundary: str, head: bytes) -> _Body:
        parts = [
            f"--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
            f"Content-Transfer-Encoding: quoted-printable\r\n\r\n".encode()
            + _quoted_printable(text)
            + b"\r\n"
            for subtype, text in (("plain", content.text), ("html", content.html))
        ]
        return cls(head, tuple(_pieces(b"".join(parts) + f"--{boundary}--\r\n".encode())))

    def with_token(self, token: str) -> bytes:
        encoded = token.encode("ascii")
        if len(encoded) != TOKEN_LENGTH or not re.fullmatch(rb"[A-Za-z0-9_-]+", encoded):
            raise ValueError("a reader's token has 32 letters, digits, hyphens and underlines")
        return b"".join(encoded[piece] if isinstance(piece, slice) else piece for piece in self.pieces)


def _written(headers: Mapping[str, Any]) -> bytes:
    """Return headers as they are sent; `as_bytes` of a multipart message would add an empty body."""
    return b"".join(POLICY.fold_binary(name, value) for name, value in headers.items())


def _pieces(body: bytes) -> list[bytes | slice]:
    """Cut a body at each placeholder; a soft line break may stand inside one."""
    letters = [re.escape(bytes([byte])) for byte in PLACEHOLDER.encode()]
    pieces: list[bytes | slice] = []
    end = 0
    for match in re.finditer(rb"(?:=\r\n)?".join(letters), body):
        pieces.append(body[end : match.start()])
        place = 0
        for part in match[0].split(b"=\r\n"):
            pieces += [b"=\r\n"] * (place > 0) + [slice(place, place + len(part))]
            place += len(part)
        end = match.end()
    return [*pieces, body[end:]]


def _quoted_printable(text: str) -> bytes:
    lines = "\n".join(text.splitlines()) + "\n"
    return binascii.b2a_qp(lines.encode(), istext=True).replace(b"\n", b"\r\n")
