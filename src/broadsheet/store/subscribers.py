"""Stores subscribers, the hashes of their tokens, the addresses never to write to, and what bounced."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.filters import Filter
from broadsheet.store.rows import decodes_rows, insert, now

State = Literal["pending", "confirmed", "unsubscribed", "suppressed"]
Rhythm = Literal["daily", "weekly", "monthly"]
RHYTHMS: tuple[Rhythm, ...] = ("daily", "weekly", "monthly")


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A reader of one newsletter.

    Attributes:
        id: Its row.
        uid: 32 random hexadecimal digits, from which the names of the reader's messages follow.
        address: The mail address, as it is written to.
        newsletter: The newsletter's name.
        filter: Which of its papers the reader wants.
        rhythm: How often.
        state: ``pending`` until confirmed, ``confirmed``, ``unsubscribed``, or ``suppressed`` after bounces.
        consent: How and when the reader agreed.
        created_at: When the reader first asked, in ISO 8601.
        confirmed_at: When the reader confirmed, or None.
        ended_at: When the subscription ended, or None.
    """

    id: int
    uid: str
    address: str
    newsletter: str
    filter: Filter
    rhythm: Rhythm
    state: State
    consent: Mapping[str, str]
    created_at: str
    confirmed_at: str | None
    ended_at: str | None


@dataclass(frozen=True, slots=True)
class StoredToken:
    """What is kept of a token: its SHA-256, never itself."""

    hash: bytes
    subscriber_id: int
    purpose: str
    wanted: str
    created_at: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why an address is never written to, and since when."""

    reason: str
    words: str
    since: str


class Subscribers:
    """Queries and updates of subscribers; updates are called inside a transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, subscriber: Mapping[str, Any], where: Filter, consent: Mapping[str, str]) -> int:
        """Insert a subscriber, given by column, and return its row."""
        row = {**subscriber, "filter": where.unranked().model_dump_json(), "consent": json.dumps(consent)}
        return insert(self._db, "subscribers", {"created_at": now(), **row})

    def change(self, subscriber_id: int, **columns: Any) -> None:
        """Set columns of a subscriber; ``filter`` and ``consent`` are given as values."""
        if "filter" in columns:
            columns["filter"] = columns["filter"].unranked().model_dump_json()
        if "consent" in columns:
            columns["consent"] = json.dumps(columns["consent"])
        names = ", ".join(f"{name} = :{name}" for name in columns)
        self._db.execute(
            f"UPDATE subscribers SET {names} WHERE id = :id",  # noqa: S608 - columns are named in this program
            {**columns, "id": subscriber_id},
        )

    def by_id(self, subscriber_id: int) -> Subscriber | None:
        """Return the subscriber of a row, or None."""
        row = self._db.execute("SELECT * FROM subscribers WHERE id = ?", [subscriber_id]).fetchone()
        return _subscriber(row) if row else None

    def address_of(self, subscriber_id: int) -> str:
        """Return where a confirmed subscriber's mail goes, or nothing for who has left."""
        row = self._db.execute(
            "SELECT address FROM subscribers WHERE id = ? AND state = 'confirmed'", [subscriber_id]
        ).fetchone()
        return str(row[0]) if row else ""

    def find(self, address_hash: bytes, newsletter: str | None = None) -> list[Subscriber]:
        """Return the subscriptions of an address, all or those to one newsletter."""
        rows = self._db.execute(
            "SELECT * FROM subscribers WHERE address_hash = ? AND (? IS NULL OR newsletter = ?) ORDER BY id",
            [address_hash, newsletter, newsletter],
        )
        return [_subscriber(row) for row in rows.fetchall()]

    def each(self, newsletter: str | None = None, state: State | None = None) -> Iterator[Subscriber]:
        """Yield subscribers in the order in which they came, a few hundred in memory at a time."""
        last = 0
        while True:
            rows = self._db.execute(
                """SELECT * FROM subscribers WHERE id > ? AND (? IS NULL OR newsletter = ?)
                   AND (? IS NULL OR state = ?) ORDER BY id LIMIT 500""",
                [last, newsletter, newsletter, state, state],
            ).fetchall()
            if not rows:
                return
            yield from map(_subscriber, rows)
            last = rows[-1]["id"]

    def counts(self) -> dict[tuple[str, str], int]:
        """Return how many subscribers each newsletter has in each state."""
        rows = self._db.execute(
            "SELECT newsletter, state, count(*) FROM subscribers GROUP BY newsletter, state ORDER BY 1, 2"
        )
        return {(row[0], row[1]): row[2] for row in rows}

    def remove(self, subscriber_id: int) -> None:
        """Erase a subscriber with its tokens, deliveries and bounces."""
        self._db.execute("DELETE FROM subscribers WHERE id = ?", [subscriber_id])

    def add_token(self, token: StoredToken) -> None:
        """Keep a token's hash."""
        self._db.execute(
            """INSERT INTO tokens (hash, subscriber_id, purpose, wanted, created_at, expires_at)
               VALUES (?, ?, ?, ?, ?, ?)""",
            [
                token.hash,
                token.subscriber_id,
                token.purpose,
                token.wanted,
                token.created_at,
                token.expires_at,
            ],
        )

    def token(self, digest: bytes) -> StoredToken | None:
        """Return what is kept of the token with this hash, or None."""
        row = self._db.execute("SELECT * FROM tokens WHERE hash = ?", [digest]).fetchone()
        return StoredToken(**dict(row)) if row else None

    def tokens_of(self, subscriber_id: int, purpose: str) -> Sequence[StoredToken]:
        """Return a subscriber's tokens of one purpose, latest first."""
        rows = self._db.execute(
            "SELECT * FROM tokens WHERE subscriber_id = ? AND purpose = ? ORDER BY created_at DESC",
            [subscriber_id, purpose],
        )
        return [StoredToken(**dict(row)) for row in rows.fetchall()]

    def drop_tokens(self, subscriber_id: int, purpose: str) -> None:
        """Forget a subscriber's tokens of one purpose."""
        self._db.execute(
            "DELETE FROM tokens WHERE subscriber_id = ? AND purpose = ?", [subscriber_id, purpose]
        )

    def drop_expired(self, moment: str) -> None:
        """Forget tokens that expired before a moment, and readers who never confirmed and no longer can."""
        self._db.execute("DELETE FROM tokens WHERE expires_at < ?", [moment])
        self._db.execute(
            """DELETE FROM subscribers WHERE state = 'pending'
               AND NOT EXISTS (SELECT 1 FROM tokens WHERE subscriber_id = subscribers.id)"""
        )

    def suppress(self, address_hash: bytes, reason: str, words: str = "") -> None:
        """Never write to an address again; a reason that is there already stays."""
        self._db.execute(
            "INSERT OR IGNORE INTO suppressions (address_hash, reason, words, since) VALUES (?, ?, ?, ?)",
            [address_hash, reason, words, now()],
        )

    def unsuppress(self, address_hash: bytes) -> bool:
        """Write to an address again; tell whether it was suppressed."""
        return bool(
            self._db.execute("DELETE FROM suppressions WHERE address_hash = ?", [address_hash]).rowcount
        )

    def suppression(self, address_hash: bytes) -> Suppression | None:
        """Return why an address is not written to, or None if it may be."""
        row = self._db.execute(
            "SELECT reason, words, since FROM suppressions WHERE address_hash = ?", [address_hash]
        ).fetchone()
        return Suppression(*row) if row else None

    def suppressions(self) -> dict[str, int]:
        """Return how many addresses are suppressed for each reason."""
        rows = self._db.execute("SELECT reason, count(*) FROM suppressions GROUP BY reason ORDER BY reason")
        return dict(rows.fetchall())

    def add_bounce(self, subscriber_id: int, kind: str, status: str, words: str, source: str) -> bool:
        """Record a bounce; tell whether it is new, since a report may be read twice."""
        cursor = self._db.execute(
            """INSERT OR IGNORE INTO bounces (subscriber_id, kind, status, words, source, happened_at)
               VALUES (?, ?, ?, ?, ?, ?)""",
            [subscriber_id, kind, status, words, source, now()],
        )
        return bool(cursor.rowcount)

    def bounces(self, subscriber_id: int, kind: str, since: str = "") -> int:
        """Count a subscriber's bounces of one kind since a moment."""
        row = self._db.execute(
            "SELECT count(*) FROM bounces WHERE subscriber_id = ? AND kind = ? AND happened_at >= ?",
            [subscriber_id, kind, since],
        ).fetchone()
        return int(row[0])

    def about(self, subscriber_id: int) -> dict[str, list[dict[str, Any]]]:
        """Return the rows about a subscriber in other tables, for an export of one's data."""
        deliveries = self._db.execute(
            """SELECT channel, issue, state, tries, reply, changed_at FROM deliveries
               WHERE subscriber_id = ? ORDER BY id""",
            [subscriber_id],
        ).fetchall()
        bounces = self._db.execute(
            "SELECT kind, status, words, happened_at FROM bounces WHERE subscriber_id = ? ORDER BY id",
            [subscriber_id],
        ).fetchall()
        return {"deliveries": [dict(row) for row in deliveries], "bounces": [dict(row) for row in bounces]}


@decodes_rows
def _subscriber(row: Any) -> Subscriber:
    return Subscriber(
        **{name: row[name] for name in ("id", "uid", "address", "newsletter", "rhythm", "state")},
        **{name: row[name] for name in ("created_at", "confirmed_at", "ended_at")},
        filter=Filter.model_validate_json(row["filter"]),
        consent=json.loads(row["consent"]),
    )
