"""Subscribing, confirming, changing, leaving: what a reader can do, with no word of HTTP or of a terminal.

Nothing here tells a stranger whether an address is subscribed.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from broadsheet.errors import UserError
from broadsheet.filters import Filter
from broadsheet.reader_tokens import Clock, found_by, new_token, utc_now
from broadsheet.store import Store
from broadsheet.store.subscribers import RHYTHMS, Rhythm, Subscriber

CONFIRMATION_PAUSE = timedelta(minutes=15)
"""The shortest time between two confirmations to one address, so that nobody can flood another's inbox."""
_LIFTED_BY_CONFIRMING = {"unsubscribed", "erased"}


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What is to be mailed to somebody who wants to subscribe.

    Attributes:
        address: To whom.
        newsletter: To what.
        token: The token of the link; it is stored nowhere.
    """

    address: str
    newsletter: str
    token: str


def address_of(text: str) -> str:
    """Return a mail address in its normal form, the domain in ASCII.

    Raises:
        UserError: It is none, or needs SMTPUTF8, which many servers do not take.
    """
    from email_validator import EmailNotValidError, validate_email  # loaded when an address is taken in

    try:
        found = validate_email(
            text.strip(), check_deliverability=False, allow_smtputf8=False, allow_quoted_local=False
        )
    except EmailNotValidError as error:
        raise UserError("That is no mail address that can be written to; correct it.") from error
    assert found.ascii_email is not None  # noqa: S101 - narrows the type: SMTPUTF8 is not allowed
    return found.ascii_email


def address_hash(address: str) -> bytes:
    """Return the SHA-256 by which an address is found, whatever its letter case."""
    return hashlib.sha256(b"broadsheet address\0" + address.casefold().encode()).digest()


def subscribe(
    store: Store,
    address: str,
    newsletter: str,
    where: Filter,
    rhythm: Rhythm = "daily",
    *,
    now: Clock = utc_now,
) -> Confirmation | None:
    """Note that somebody wants to subscribe; nothing is sent to the address but one confirmation.

    A subscription that stands is not changed before the reader confirms: a stranger can ask for anything.

    Returns:
        What to mail; None where nothing is to be mailed. Say the same in either case.

    Raises:
        UserError: The address is none.
    """
    address = address_of(address)
    digest, moment = address_hash(address), now()
    with store.transaction():
        suppressed = store.subscribers.suppression(digest)
        if suppressed and suppressed.reason not in _LIFTED_BY_CONFIRMING:
            return None
        known = store.subscribers.find(digest, newsletter)
        subscriber_id = known[0].id if known else _add(store, address, newsletter, where, rhythm)
        latest = next(iter(store.subscribers.tokens_of(subscriber_id, "confirm")), None)
        if latest and datetime.fromisoformat(latest.created_at) > moment - CONFIRMATION_PAUSE:
            return None
        wanted = json.dumps({"filter": where.model_dump(mode="json"), "rhythm": rhythm})
        token = new_token(store, subscriber_id, "confirm", wanted, now=now)
    return Confirmation(address, newsletter, token)


def _add(
    store: Store,
    address: str,
    newsletter: str,
    where: Filter,
    rhythm: Rhythm,
    consent: Mapping[str, str] | None = None,
    **more: Any,
) -> int:
    row = {
        "uid": secrets.token_hex(16),
        "address": address,
        "address_hash": address_hash(address),
        "newsletter": newsletter,
        "rhythm": rhythm,
        "state": "pending",
        **more,
    }
    return store.subscribers.add(row, where, consent or {})


def awaiting(store: Store, token: str, *, now: Clock = utc_now) -> Subscriber | None:
    """Return who can confirm with a token, and change nothing: what a page shows on GET."""
    found = found_by(store, token, "confirm", now())
    return found[0] if found else None


def confirm(store: Store, token: str, *, now: Clock = utc_now) -> Subscriber | None:
    """Confirm a subscription; None if the token is wrong or older than 48 hours. Twice is as good as once."""
    moment = now()
    with store.transaction():
        found = found_by(store, token, "confirm", moment)
        if found is None:
            return None
        subscriber, kept = found
        digest = address_hash(subscriber.address)
        suppressed = store.subscribers.suppression(digest)
        if suppressed and suppressed.reason not in _LIFTED_BY_CONFIRMING:
            return None
        store.subscribers.unsuppress(digest)
        wanted = json.loads(kept.wanted)
        consent = {"how": "double opt-in", "asked": kept.created_at, "when": moment.isoformat()}
        if subscriber.state != "confirmed" or subscriber.consent.get("asked") != kept.created_at:
            store.subscribers.change(
                subscriber.id,
                state="confirmed",
                filter=Filter.model_validate(wanted["filter"]),
                rhythm=wanted["rhythm"],
                consent=consent,
                confirmed_at=moment.isoformat(),
                ended_at=None,
            )
        return store.subscribers.by_id(subscriber.id)


def reader(store: Store, token: str, *, now: Clock = utc_now) -> Subscriber | None:
    """Return whose message a token stands in, and change nothing: what a page shows on GET."""
    found = found_by(store, token, "reader", now())
    return found[0] if found else None


def unsubscribe(store: Store, token: str, *, now: Clock = utc_now) -> bool:
    """End the subscription that a message belongs to; tell whether the token is one. Twice is no error."""
    with store.transaction():
        found = found_by(store, token, "reader", now())
        if found is None:
            return False
        end(store, found[0], now=now)
    return True


def end(store: Store, subscriber: Subscriber, *, now: Clock = utc_now) -> None:
    """End a subscription; what is on its way is cancelled by the next send. Call it inside a transaction."""
    if subscriber.state in {"confirmed", "pending"}:
        store.subscribers.change(subscriber.id, state="unsubscribed", ended_at=now().isoformat())
    store.subscribers.drop_tokens(subscriber.id, "confirm")


def change(
    store: Store,
    token: str,
    *,
    where: Filter | None = None,
    rhythm: Rhythm | None = None,
    now: Clock = utc_now,
) -> Subscriber | None:
    """Change what a reader gets; None if the token is wrong or the subscription has ended."""
    with store.transaction():
        found = found_by(store, token, "reader", now())
        if found is None or found[0].state != "confirmed":
            return None
        columns: dict[str, Any] = {"filter": where, "rhythm": rhythm}
        given = {name: value for name, value in columns.items() if value is not None}
        if given:
            store.subscribers.change(found[0].id, **given)
        return store.subscribers.by_id(found[0].id)


def add_with_consent(
    store: Store,
    address: str,
    newsletter: str,
    where: Filter,
    rhythm: Rhythm,
    consent: Mapping[str, str],
) -> str:
    """Add a reader who agreed elsewhere, with the proof; call it inside a transaction.

    Returns:
        ``added``, ``known`` for who is subscribed already, or ``suppressed`` for who is not to be written to.

    Raises:
        UserError: The address is none, or the proof lacks how or when.
    """
    address = address_of(address)
    if not consent.get("how", "").strip():
        raise UserError("It does not say how the reader agreed; add that proof of consent.")
    try:
        when = datetime.fromisoformat(consent.get("when", "").strip())
    except ValueError as error:
        raise UserError("It does not say when the reader agreed; write it as 2026-01-31.") from error
    if when.replace(tzinfo=when.tzinfo or UTC) > utc_now() + timedelta(days=1):
        raise UserError("The consent is dated in the future; correct it.")
    digest = address_hash(address)
    if store.subscribers.suppression(digest):
        return "suppressed"
    known = store.subscribers.find(digest, newsletter)
    if known and known[0].state != "pending":
        return "known" if known[0].state == "confirmed" else "suppressed"
    if known:
        store.subscribers.remove(known[0].id)
    _add(
        store,
        address,
        newsletter,
        where,
        rhythm,
        consent,
        state="confirmed",
        confirmed_at=utc_now().isoformat(),
    )
    return "added"


def rhythm_of(text: str) -> Rhythm:
    """Return the rhythm of that name.

    Raises:
        UserError: There is none.
    """
    for rhythm in RHYTHMS:
        if text == rhythm:
            return rhythm
    raise UserError(f"A rhythm is {', '.join(RHYTHMS[:-1])} or {RHYTHMS[-1]}, not {text[:40]!r}.")


def all_about(store: Store, address: str) -> list[dict[str, Any]]:
    """Return all that is kept of an address, one entry a subscription, as JSON values; no token is in it."""
    found = []
    for each in store.subscribers.find(address_hash(address_of(address))):
        row = {name: getattr(each, name) for name in each.__slots__ if name not in {"id", "uid", "filter"}}
        where = each.filter.model_dump(mode="json", exclude_defaults=True)
        found.append(
            {**row, "consent": dict(each.consent), "filter": where, **store.subscribers.about(each.id)}
        )
    return found


def erase(store: Store, address: str) -> int:
    """Erase all that is kept of an address; only its hash stays, so that no import brings it back.

    Returns:
        How many subscriptions there were.
    """
    digest = address_hash(address_of(address))
    with store.transaction():
        found = store.subscribers.find(digest)
        for each in found:
            store.subscribers.remove(each.id)
        store.subscribers.suppress(digest, "erased")
    return len(found)


def suppress(store: Store, address: str, reason: str, words: str = "") -> None:
    """Never write to an address again, whoever asks for it."""
    digest = address_hash(address_of(address))
    with store.transaction():
        for each in store.subscribers.find(digest):
            if each.state in {"confirmed", "pending"}:
                store.subscribers.change(each.id, state="suppressed", ended_at=utc_now().isoformat())
            store.subscribers.drop_tokens(each.id, "confirm")
        store.subscribers.unsuppress(digest)
        store.subscribers.suppress(digest, reason, words)


def allow(store: Store, address: str) -> bool:
    """Let an address subscribe again; tell whether it was suppressed."""
    with store.transaction():
        return store.subscribers.unsuppress(address_hash(address_of(address)))
