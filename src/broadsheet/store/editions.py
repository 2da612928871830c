"""Stores composed editions and the papers in each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.edition import Edition
from broadsheet.store.fields import Fields
from broadsheet.store.rows import decodes_rows, now


class Editions:
    """Queries and updates of editions."""

    def __init__(self, db: Database, fields: Fields) -> None:
        self._db = db
        self._fields = fields

    @decodes_rows
    def get(self, day: date) -> Edition | None:
        """Return the edition of a day as it was composed, or None if there is none."""
        row = self._db.execute("SELECT edition FROM editions WHERE day = ?", [day.isoformat()]).fetchone()
        context = {"annotation": self._fields.model}
        return Edition.model_validate_json(row[0], context=context) if row else None

    def is_published(self, day: date) -> bool:
        """Tell whether the edition of a day has been published; if so, it can no longer change."""
        row = self._db.execute(
            "SELECT 1 FROM editions WHERE day = ? AND published_at IS NOT NULL", [day.isoformat()]
        ).fetchone()
        return row is not None

    def publish(self, day: date) -> None:
        """Mark the edition of a day as published; publishing again keeps the first publication time."""
        self._db.execute(
            "UPDATE editions SET published_at = coalesce(published_at, ?) WHERE day = ?",
            [now(), day.isoformat()],
        )

    @decodes_rows
    def days(self) -> list[date]:
        """Return the days that have an edition, latest first."""
        return [
            date.fromisoformat(row[0])
            for row in self._db.execute("SELECT day FROM editions ORDER BY day DESC")
        ]

    def candidates(self, day: date) -> list[str]:
        """Return the ids of papers first seen on or before a day that are in no other day's edition.

        They come latest first-seen day first, and within a day in the order in which they were admitted.
        """
        rows = self._db.execute(
            """SELECT id FROM papers WHERE (edition_day IS NULL OR edition_day = :day) AND first_seen <= :day
               ORDER BY first_seen DESC, rowid""",
            {"day": day.isoformat()},
        )
        return [row[0] for row in rows]

    def keep(self, edition: Edition, paper_ids: Sequence[str]) -> bool:
        """Store an edition and the ids of its papers; return whether anything changed."""
        before = self._db.execute(
            "SELECT edition FROM editions WHERE day = ?", [edition.day.isoformat()]
        ).fetchone()
        composed = edition.model_dump_json()
        if before and before[0] == composed:
            return False
        self._db.execute(
            """INSERT INTO editions (day, edition, composed_at) VALUES (?, ?, ?)
               ON CONFLICT (day) DO UPDATE
               SET edition = excluded.edition, composed_at = excluded.composed_at""",
            [edition.day.isoformat(), composed, now()],
        )
        day = {"day": edition.day.isoformat()}
        self._db.execute("UPDATE papers SET edition_day = NULL WHERE edition_day = :day", day)
        self._db.execute(
            "UPDATE papers SET edition_day = :day WHERE id IN (SELECT value FROM json_each(:ids))",
            {**day, "ids": json.dumps(paper_ids)},
        )
        return True

    def withdraw(self, paper_id: str) -> date | None:
        """Remove the edition that has a paper, so that it can be composed anew; return its day.

        Return None if no edition has the paper, or only one that has been published, which stays as it is.
        """
        row = self._db.execute(
            """SELECT day FROM editions JOIN papers ON edition_day = day
               WHERE papers.id = ? AND published_at IS NULL""",
            [paper_id],
        ).fetchone()
        if row is None:
            return None
        self._db.execute("UPDATE papers SET edition_day = NULL WHERE edition_day = ?", [row[0]])
        self._db.execute("DELETE FROM editions WHERE day = ?", [row[0]])
        return date.fromisoformat(row[0])
