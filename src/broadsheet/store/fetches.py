"""What live sources were asked, what they last answered in full, and when each may be asked again."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.store.papers import now

# A reply that no request has asked for since is of a day that nobody looks back to.
_KEPT = timedelta(days=30)
# A slot further away than this was claimed by a clock that ran ahead.
_FARTHEST_SLOT_S = 3600.0


@dataclass(frozen=True, slots=True)
class CachedBody:
    """A whole reply, with what its server asks to be reminded of (RFC 9110, section 13).

    Attributes:
        etag: Its entity tag, or empty.
        last_modified: Its date as the server wrote it, or empty.
        body: What it said.
    """

    etag: str
    last_modified: str
    body: bytes


class Fetches:
    """Questions about requests to live sources."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def claim_slot(self, pace: str, interval_s: float, present_s: float) -> float:
        """Claim the next moment at which a source may be asked; all processes on the database share it.

        Args:
            pace: What is paced: hosts that count as one.
            interval_s: Seconds between two requests.
            present_s: The present, as Unix time.

        Returns:
            The moment as Unix time; not before ``present_s``.
        """
        row = self._db.execute(
            """INSERT INTO paces (name, next_at) VALUES (:pace, :present + :interval)
               ON CONFLICT DO UPDATE SET next_at = :interval +
                   CASE WHEN next_at > :present + :farthest THEN :present ELSE max(next_at, :present) END
               RETURNING next_at""",
            {"pace": pace, "interval": interval_s, "present": present_s, "farthest": _FARTHEST_SLOT_S},
        ).fetchone()
        return max(float(row["next_at"]) - interval_s, present_s)

    def kept(self, url: str) -> CachedBody | None:
        """The last whole reply from this URL, where it can be asked for changes."""
        row = self._db.execute("SELECT * FROM validators WHERE url = ?", [url]).fetchone()
        return CachedBody(row["etag"], row["last_modified"], zlib.decompress(row["body"])) if row else None

    def keep(self, url: str, reply: CachedBody) -> None:
        """Keep a whole reply, and drop those that are too old to be asked for again."""
        oldest = (datetime.now(UTC) - _KEPT).isoformat()
        self._db.execute("DELETE FROM validators WHERE kept_at < ?", [oldest])
        self._db.execute(
            """INSERT OR REPLACE INTO validators (url, etag, last_modified, body, kept_at)
               VALUES (?, ?, ?, ?, ?)""",
            [url, reply.etag, reply.last_modified, zlib.compress(reply.body), now()],
        )

    def add(
        self, source: str, url: str, *, status: int | None, error: str, size: int, latency_s: float
    ) -> None:
        """Record a request; ``status`` is None where none was answered."""
        self._db.execute(
            """INSERT INTO fetches (source, url, status, error, bytes, latency_s, fetched_at)
               VALUES (?, ?, ?, ?, ?, ?, ?)""",
            [source, url, status, error, size, latency_s, now()],
        )
