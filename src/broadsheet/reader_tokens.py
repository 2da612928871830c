"""Tokens of readers: 192 random bits in a reader's own message, of which only the SHA-256 is stored.

So a copy of the database confirms and unsubscribes nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from broadsheet.store import Store
from broadsheet.store.subscribers import StoredToken, Subscriber

CONFIRMATION_LASTS = timedelta(hours=48)
READER_TOKEN_LASTS = timedelta(days=400)
"""How long the links in a sent message work: longer than the 30 days that the CAN-SPAM act asks for."""
TOKEN_BYTES = 24
TOKEN_LENGTH = 32

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def token_hash(token: str) -> bytes:
    """Return the SHA-256 of a token."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


def new_token(
    store: Store, subscriber_id: int, purpose: str, wanted: str = "", *, now: Clock = utc_now
) -> str:
    """Make a token, keep its hash, and return it; call it inside a transaction."""
    token = random_token()
    keep_token(store, token, subscriber_id, purpose, wanted, now=now)
    return token


def random_token() -> str:
    """Return 192 random bits as 32 letters, digits, hyphens and underlines."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def keep_token(
    store: Store, token: str, subscriber_id: int, purpose: str, wanted: str = "", *, now: Clock = utc_now
) -> None:
    """Keep the hash of a token that is about to be sent; call it inside a transaction."""
    moment = now()
    lasts = CONFIRMATION_LASTS if purpose == "confirm" else READER_TOKEN_LASTS
    store.subscribers.add_token(
        StoredToken(
            hash=token_hash(token),
            subscriber_id=subscriber_id,
            purpose=purpose,
            wanted=wanted,
            created_at=moment.isoformat(),
            expires_at=(moment + lasts).isoformat(),
        )
    )


def found_by(
    store: Store, token: str, purpose: str, moment: datetime
) -> tuple[Subscriber, StoredToken] | None:
    """Return whom a token of a purpose belongs to, or None if it is wrong or has expired."""
    digest = token_hash(token)
    kept = store.subscribers.token(digest)
    if kept is None or not hmac.compare_digest(kept.hash, digest):
        return None
    if kept.purpose != purpose or datetime.fromisoformat(kept.expires_at) <= moment:
        return None
    subscriber = store.subscribers.by_id(kept.subscriber_id)
    return (subscriber, kept) if subscriber else None
