"""The ledger of deliveries: who is to get which issue, and how far each message came.

A delivery is reserved before anything leaves, marked ``handing-over`` just before the step after which the
other side may have it, and settled by the answer. So whatever a killed process leaves reserved was not sent,
and only what it left half handed over is unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.filters import Filter
from broadsheet.hashing import short_hash
from broadsheet.store.rows import decodes_rows, now

Brought = Mapping[str, Mapping[int, Collection[str]]]
"""Ids of papers by the issue and the row of the content that brought them."""
Outcome = Literal["reserved", "handing-over", "sent", "deferred", "refused", "failed", "unknown", "cancelled"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One issue on its way to one reader.

    Attributes:
        id: Its row.
        recipient: A subscriber's row as text, or the name of a room or folder.
        subscriber_id: The subscriber's row, for mail.
        key: Hexadecimal digits that name the message for good, whatever is tried again.
        content_id: The row of what the message holds.
        tries: How often it was handed over before.
    """

    id: int
    recipient: str
    subscriber_id: int | None
    key: str
    content_id: int
    tries: int


@dataclass(frozen=True, slots=True)
class Due:
    """A reader to whom an issue is to go."""

    recipient: str
    key: str
    subscriber_id: int | None = None


class Deliveries:
    """Queries and updates of the ledger; updates are called inside a transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def content(self, newsletter: str, issue: str, where: str, paper_ids: Collection[str]) -> int:
        """Return the row of a message's content, made anew if need be.

        Args:
            newsletter: The newsletter's name.
            issue: The issue's name.
            where: The filter that the message says it was made by, as JSON.
            paper_ids: The papers in it.
        """
        given = [newsletter, issue, where, short_hash(*sorted(paper_ids), digits=32)]
        row = self._db.execute(
            "SELECT id FROM contents WHERE newsletter = ? AND issue = ? AND filter = ? AND papers_hash = ?",
            given,
        ).fetchone()
        if row:
            return int(row[0])
        cursor = self._db.execute(
            "INSERT INTO contents (newsletter, issue, filter, papers_hash) VALUES (?, ?, ?, ?)", given
        )
        content_id = int(cursor.lastrowid or 0)
        self._db.conn.executemany(
            "INSERT INTO content_papers (paper_id, newsletter, issue, content_id) VALUES (?, ?, ?, ?)",
            [(paper_id, newsletter, issue, content_id) for paper_id in paper_ids],
        )
        return content_id

    def papers(self, content_id: int) -> frozenset[str]:
        """Return the ids of the papers in a content."""
        rows = self._db.execute("SELECT paper_id FROM content_papers WHERE content_id = ?", [content_id])
        return frozenset(row[0] for row in rows)

    def due(self, newsletter: str, issue: str, rhythm: str, where: str, after: int) -> list[tuple[int, str]]:
        """Return the next 500 confirmed readers with a filter for whom the issue has no delivery by mail.

        Args:
            newsletter: The newsletter's name.
            issue: The issue's name.
            rhythm: The readers' rhythm.
            where: The filter as JSON, as it is stored.
            after: The row of the last reader seen, or 0.

        Returns:
            The row and the uid of each.
        """
        rows = self._db.execute(
            """SELECT s.id, s.uid FROM subscribers s
               WHERE s.newsletter = :newsletter AND s.state = 'confirmed' AND s.rhythm = :rhythm
                   AND s.filter = :where AND s.id > :after
                   AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.channel = 'mail'
                       AND d.recipient = CAST(s.id AS TEXT) AND d.newsletter = :newsletter
                       AND d.issue = :issue)
               ORDER BY s.id LIMIT 500""",
            {"newsletter": newsletter, "issue": issue, "rhythm": rhythm, "where": where, "after": after},
        )
        return [(row[0], row[1]) for row in rows.fetchall()]

    @decodes_rows
    def filters_due(self, newsletter: str, issue: str, rhythm: str) -> list[Filter]:
        """Return the filters of confirmed readers of a rhythm for whom an issue has no delivery by mail."""
        rows = self._db.execute(
            """SELECT DISTINCT s.filter FROM subscribers s
               WHERE s.newsletter = :newsletter AND s.state = 'confirmed' AND s.rhythm = :rhythm
                   AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.channel = 'mail'
                       AND d.recipient = CAST(s.id AS TEXT) AND d.newsletter = :newsletter
                       AND d.issue = :issue)
               ORDER BY s.filter""",
            {"newsletter": newsletter, "issue": issue, "rhythm": rhythm},
        )
        return [Filter.model_validate_json(row[0]) for row in rows.fetchall()]

    def brought(self, newsletter: str, issue: str, paper_ids: Iterable[str]) -> Brought:
        """Return which of the papers stand in which contents of other issues, by issue and content."""
        found: dict[str, dict[int, set[str]]] = {}
        for paper_id in paper_ids:
            rows = self._db.execute(
                """SELECT issue, content_id FROM content_papers
                   WHERE paper_id = ? AND newsletter = ? AND issue != ?""",
                [paper_id, newsletter, issue],
            )
            for row in rows.fetchall():
                found.setdefault(row[0], {}).setdefault(row[1], set()).add(paper_id)
        return found

    def had(self, channel: str, newsletter: str, recipient: str, brought: Brought) -> frozenset[str]:
        """Return which of the papers that were brought by other issues a recipient has a delivery of.

        Args:
            channel: The channel's name.
            newsletter: The newsletter's name.
            recipient: Who.
            brought: What `brought` returned.
        """
        if not brought:
            return frozenset()
        marks = ", ".join("?" * len(brought))
        rows = self._db.execute(
            f"""SELECT issue, content_id FROM deliveries
                WHERE channel = ? AND recipient = ? AND newsletter = ? AND issue IN ({marks})""",  # noqa: S608 - marks
            [channel, recipient, newsletter, *brought],
        )
        return frozenset().union(*(brought[row[0]].get(row[1], ()) for row in rows.fetchall()))

    def reserve(
        self, channel: str, newsletter: str, issue: str, content_id: int, readers: Iterable[Due]
    ) -> None:
        """Reserve a delivery for each reader; one that is there already stays as it is."""
        self._db.conn.executemany(
            """INSERT INTO deliveries (channel, recipient, subscriber_id, newsletter, issue, content_id, key,
                   state, changed_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, 'reserved', ?)
               ON CONFLICT (channel, recipient, newsletter, issue) DO NOTHING""",
            [
                (channel, each.recipient, each.subscriber_id, newsletter, issue, content_id, each.key, now())
                for each in readers
            ],
        )

    def ready(self, channel: str, content_id: int, after: int) -> list[Delivery]:
        """Return the next 500 deliveries of a content that can leave now: reserved, or deferred and due."""
        rows = self._db.execute(
            """SELECT id, recipient, subscriber_id, key, content_id, tries FROM deliveries
               WHERE content_id = ? AND channel = ? AND id > ?
                   AND (state = 'reserved' OR (state = 'deferred' AND next_try_at <= ?))
               ORDER BY id LIMIT 500""",
            [content_id, channel, after, now()],
        )
        return [Delivery(*row) for row in rows.fetchall()]

    @decodes_rows
    def open_contents(self, channel: str, newsletter: str) -> list[tuple[int, str, Filter]]:
        """Return row, issue and filter of each content of which something can leave now."""
        rows = self._db.execute(
            """SELECT DISTINCT c.id, c.issue, c.filter
               FROM deliveries d JOIN contents c ON c.id = d.content_id
               WHERE d.state IN ('reserved', 'deferred') AND d.channel = ? AND d.newsletter = ?
                   AND (d.state = 'reserved' OR d.next_try_at <= ?) ORDER BY c.issue, c.id""",
            [channel, newsletter, now()],
        )
        return [(row[0], row[1], Filter.model_validate_json(row[2])) for row in rows.fetchall()]

    def handing_over(self, delivery_id: int) -> None:
        """Mark a delivery as about to leave: from here on, only an answer says whether it arrived."""
        self._db.execute(
            "UPDATE deliveries SET state = 'handing-over', tries = tries + 1, changed_at = ? WHERE id = ?",
            [now(), delivery_id],
        )

    def settle(
        self, delivery_id: int, state: Outcome, reply: str = "", next_try_at: str | None = None
    ) -> None:
        """Write down what became of a delivery."""
        self._db.execute(
            "UPDATE deliveries SET state = ?, reply = ?, changed_at = ?, next_try_at = ? WHERE id = ?",
            [state, reply, now(), next_try_at, delivery_id],
        )

    def count_try(self, delivery_id: int) -> None:
        """Count a try that the other side turned away before the message left."""
        self._db.execute("UPDATE deliveries SET tries = tries + 1 WHERE id = ?", [delivery_id])

    def release_unfinished(self) -> int:
        """Call unknown what an earlier process left half handed over; return how many there are.

        Only the process that holds the cache's place for sending may ask.
        """
        return self._db.execute(
            """UPDATE deliveries SET state = 'unknown', reply = 'the process ended before the answer came'
               WHERE state = 'handing-over'"""
        ).rowcount

    def resend_unknown(self, channel: str, newsletter: str) -> int:
        """Reserve again what has an unknown outcome; return how many there are."""
        return self._db.execute(
            """UPDATE deliveries SET state = 'reserved'
               WHERE state = 'unknown' AND channel = ? AND newsletter = ?""",
            [channel, newsletter],
        ).rowcount

    def cancel_ended(self, newsletter: str) -> int:
        """Cancel what is on its way to readers who have left since; return how many there are."""
        return self._db.execute(
            """UPDATE deliveries SET state = 'cancelled'
               WHERE state IN ('reserved', 'deferred') AND newsletter = ? AND subscriber_id IN
                   (SELECT id FROM subscribers WHERE newsletter = ? AND state != 'confirmed')""",
            [newsletter, newsletter],
        ).rowcount

    def states(self, newsletter: str, channel: str, issue: str | None = None) -> Mapping[str, int]:
        """Return how many deliveries stand in each state, of one issue or of all."""
        rows = self._db.execute(
            """SELECT state, count(*) FROM deliveries WHERE newsletter = ? AND channel = ?
               AND (? IS NULL OR issue = ?) GROUP BY state ORDER BY state""",
            [newsletter, channel, issue, issue],
        )
        return dict(rows.fetchall())

    def in_state(self, state: Outcome, newsletter: str, channel: str) -> Sequence[tuple[str, str, str]]:
        """Return issue, recipient and answer of up to 100 deliveries in a state, latest first."""
        rows = self._db.execute(
            """SELECT issue, recipient, reply FROM deliveries WHERE state = ? AND newsletter = ?
               AND channel = ? ORDER BY id DESC LIMIT 100""",
            [state, newsletter, channel],
        )
        return [(row[0], row[1], row[2]) for row in rows.fetchall()]

    def by_key(self, key: str) -> tuple[int, int | None] | None:
        """Return the row of a delivery and of its subscriber, by its key."""
        row = self._db.execute("SELECT id, subscriber_id FROM deliveries WHERE key = ?", [key]).fetchone()
        return (row[0], row[1]) if row else None
