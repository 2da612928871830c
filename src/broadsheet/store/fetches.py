"""Stores requests to live sources, their reusable replies, and when each source may be asked again."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.store.rows import insert, now

# No run looks back further than this, so older replies are never requested again.
_KEPT = timedelta(days=30)
# A slot further ahead than this was claimed while the system clock was wrong.
_FARTHEST_SLOT_S = 3600.0


@dataclass(frozen=True, slots=True)
class CachedBody:
    """A complete reply with the validators for a conditional request (RFC 9110, section 13).

    Attributes:
        etag: The ``ETag`` header, or empty.
        last_modified: The ``Last-Modified`` header as the server wrote it, or empty.
        body: The body.
    """

    etag: str
    last_modified: str
    body: bytes


class Fetches:
    """Queries and updates of requests to live sources."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def claim_slot(self, pace: str, interval_s: float, present_s: float) -> float:
        """Claim the next time at which a source may be asked, across all processes that use the database.

        Args:
            pace: Name of the rate limit; hosts that share a limit share a name.
            interval_s: Seconds between two requests.
            present_s: The current Unix time.

        Returns:
            The claimed Unix time, not before ``present_s``.
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
        """Return the last complete reply from a URL, or None if none with a validator is stored."""
        row = self._db.execute("SELECT * FROM validators WHERE url = ?", [url]).fetchone()
        return CachedBody(row["etag"], row["last_modified"], zlib.decompress(row["body"])) if row else None

    def keep(self, url: str, reply: CachedBody) -> None:
        """Store a complete reply, and delete replies older than 30 days."""
        oldest = (datetime.now(UTC) - _KEPT).isoformat()
        self._db.execute("DELETE FROM validators WHERE kept_at < ?", [oldest])
        row = asdict(reply) | {"url": url, "body": zlib.compress(reply.body), "kept_at": now()}
        insert(self._db, "validators", row, "INSERT OR REPLACE")

    def add(
        self, source: str, url: str, *, status: int | None, error: str, size: int, latency_s: float
    ) -> None:
        """Record a request; ``status`` is None if there was no answer."""
        row = {"source": source, "url": url, "status": status, "error": error, "bytes": size}
        insert(self._db, "fetches", row | {"latency_s": latency_s, "fetched_at": now()})
