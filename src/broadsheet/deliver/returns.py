"""What comes back: refusals at the door and reports of failed delivery (DSN, RFC 3464), and what they mean.

An address that does not exist (5.1.1) is never written to again. Other permanent failures end a subscription
after three, and temporary ones after three in 30 days. A refusal for what the sender did (5.7.x: policy, no
authentication; 5.3.4, 5.6.x: the message) is not held against the reader.
"""

from __future__ import annotations

import mailbox
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from pathlib import Path

from broadsheet.errors import UserError
from broadsheet.hashing import short_hash
from broadsheet.store import Store
from broadsheet.subscribers import address_hash

MOST_BOUNCES = 3
SOFT_BOUNCES_COUNT = timedelta(days=30)
_NO_SUCH_MAILBOX = "5.1.1"
_OUR_OWN_FAULT = re.compile(r"5\.(?:7\.\d+|6\.\d+|3\.4)")
_KEY = re.compile(r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])")
_STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")
_ADDRESS = re.compile(r"<?[^\s<>@;]+@[^\s<>@;]+>?")


@dataclass(frozen=True, slots=True)
class Returned:
    """One failure that a report tells of.

    Attributes:
        key: The key of the delivery.
        status: Enhanced status code, such as 5.1.1.
        words: What the server said, without any address.
        digest: What tells this report from another.
    """

    key: str
    status: str
    words: str
    digest: str


@dataclass(slots=True)
class BounceReport:
    """What reading reports came to: messages, failures of ours, new ones, and readers suppressed."""

    messages: int = 0
    failures: int = 0
    new: int = 0
    suppressed: int = 0
    strangers: int = 0


def count_refusal(
    store: Store, subscriber_id: int, kind: str, status: str, words: str, source: str
) -> tuple[bool, bool]:
    """Write down a refusal, and suppress the reader if it is one too many; call it inside a transaction.

    Args:
        store: The cache.
        subscriber_id: The reader's row.
        kind: ``hard`` or ``soft``.
        status: Enhanced status code, or empty.
        words: What the server said, without any address.
        source: What tells this refusal from another, so that none counts twice.

    Returns:
        Whether it is new, and whether the reader was suppressed.
    """
    if _OUR_OWN_FAULT.fullmatch(status):
        return False, False
    if not store.subscribers.add_bounce(subscriber_id, kind, status, words, source):
        return False, False
    since = (datetime.now(UTC) - SOFT_BOUNCES_COUNT).isoformat() if kind == "soft" else ""
    too_many = store.subscribers.bounces(subscriber_id, kind, since) >= MOST_BOUNCES
    subscriber = store.subscribers.by_id(subscriber_id)
    if subscriber is None or not (status == _NO_SUCH_MAILBOX or too_many):
        return True, False
    digest = address_hash(subscriber.address)
    store.subscribers.suppress(digest, "bounced", f"{status} {words}".strip())
    for each in store.subscribers.find(digest):
        if each.state in {"confirmed", "pending"}:
            ended = datetime.now(UTC).isoformat()
            store.subscribers.change(each.id, state="suppressed", ended_at=ended)
    return True, True


def read_bounces(store: Store, messages: Iterator[bytes]) -> BounceReport:
    """Read reports of failed delivery and act on those about our own messages; others are only counted."""
    report = BounceReport()
    for raw in messages:
        report.messages += 1
        for returned in failures(raw):
            report.failures += 1
            with store.transaction():
                found = store.deliveries.by_key(returned.key)
                if found is None or found[1] is None:
                    report.strangers += 1
                    continue
                kind = "soft" if returned.status.startswith("4") else "hard"
                new, suppressed = count_refusal(
                    store, found[1], kind, returned.status, returned.words, returned.digest
                )
                report.new += new
                report.suppressed += suppressed
                if new and kind == "hard":
                    store.deliveries.settle(found[0], "refused", returned.words)
    return report


def failures(raw: bytes) -> Iterator[Returned]:
    """Yield the failures that a message reports; nothing for one that is no report or names none of ours.

    The delivery is found by its key in the address that the report came to (VERP), or in the Message-ID of
    the message that it returns.
    """
    message = message_from_bytes(raw, policy=policy.compat32)
    if message.get_content_type() != "multipart/report":
        return
    parts = list(message.walk())
    blocks = [
        block
        for part in parts
        if part.get_content_type() == "message/delivery-status"
        for block in part.get_payload()
        if isinstance(block, Message)
    ]
    key = _key(message, parts)
    for block in blocks:
        status = _STATUS.search(str(block.get("Status", "")))
        if key and status and str(block.get("Action", "")).strip().lower() in {"failed", ""}:
            words = _ADDRESS.sub("<address>", str(block.get("Diagnostic-Code", "")))
            words = " ".join("".join(filter(str.isprintable, words.replace("\n", " "))).split())[:300]
            yield Returned(key, status[0], words, short_hash(key, status[0], digits=24))


def _key(message: Message | EmailMessage, parts: list[Message]) -> str:
    headers = [
        str(value)
        for name in ("To", "Delivered-To", "X-Original-To", "Envelope-To")
        for value in message.get_all(name, [])
    ]
    for each in parts:
        part = each
        if part.get_content_type() == "text/rfc822-headers":
            raw = part.get_payload(decode=True)
            part = message_from_bytes(raw if isinstance(raw, bytes) else b"", policy=policy.compat32)
        if part is not message:  # `walk` also yields the returned message itself
            headers.append(str(part.get("Message-ID", "")))
    return next((match[0] for header in headers if (match := _KEY.search(header))), "")


def messages_in(path: Path) -> Iterator[bytes]:
    """Yield the raw messages of a maildir, an mbox or a file with one message.

    Raises:
        UserError: It cannot be read.
    """
    try:
        if path.is_dir():
            if not (path / "cur").is_dir():
                raise UserError(f"{path} is no maildir; name one, an mbox or a file with one message.")
            box = mailbox.Maildir(path, create=False)
            yield from (box.get_bytes(key) for key in box.iterkeys())
            return
        raw = path.read_bytes()
        if raw.startswith(b"From "):
            mbox = mailbox.mbox(path, create=False)
            yield from (mbox.get_bytes(key) for key in mbox.iterkeys())
        else:
            yield raw
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); name another file.") from error
