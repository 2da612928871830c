"""Stores composed editions, the papers in each, and what is new for the next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.edition import Edition
from broadsheet.newsletter import DEFAULT, Newsletter
from broadsheet.store.conditions import condition
from broadsheet.store.edition_rows import from_text, to_text
from broadsheet.store.edits import Edits
from broadsheet.store.fields import Fields
from broadsheet.store.overview import EditionKey
from broadsheet.store.rows import decodes_rows, now

_IN_ANOTHER = """EXISTS (SELECT 1 FROM edition_papers e JOIN editions ON editions.id = e.edition_id
    WHERE e.paper_id = papers.id AND NOT e.is_outside AND newsletter = :newsletter AND day != :day)"""
_HIDDEN = "papers.id IN (SELECT paper_id FROM edits WHERE newsletter = :newsletter AND is_hidden)"


class Editions:
    """Queries and updates of editions. Each method is one transaction or belongs into one."""

    def __init__(self, db: Database, fields: Fields, edits: Edits) -> None:
        self._db = db
        self._fields = fields
        self._edits = edits

    @decodes_rows
    def get(self, day: date, newsletter: str = DEFAULT) -> Edition | None:
        """Return a newsletter's edition of a day as it was composed, or None if there is none.

        It comes with the corrections that were made since.
        """
        row = self._db.execute(
            "SELECT unpack(edition) FROM editions WHERE (newsletter, day) = (?, ?)",
            [newsletter, day.isoformat()],
        ).fetchone()
        if row is None:
            return None
        return self._edits.with_corrections(from_text(self._db, row[0], self._fields.model))

    @decodes_rows
    def days(self, newsletter: str = DEFAULT) -> list[date]:
        """Return the days on which a newsletter has an edition, latest first."""
        rows = self._db.execute(
            "SELECT day FROM editions WHERE newsletter = ? ORDER BY day DESC", [newsletter]
        )
        return [date.fromisoformat(row[0]) for row in rows]

    @decodes_rows
    def latest(
        self, newsletter: str = DEFAULT, *, until: date | None = None, before: date | None = None
    ) -> date | None:
        """Return the day of a newsletter's latest edition, until a day or before one, if there is any."""
        row = self._db.execute(
            "SELECT max(day) FROM editions WHERE newsletter = ? AND day <= ? AND day < ?",
            [newsletter, (until or date.max).isoformat(), before.isoformat() if before else "9999-99"],
        ).fetchone()
        return date.fromisoformat(row[0]) if row[0] else None

    def newsletters(self) -> list[str]:
        """Return the names of the newsletters that have editions."""
        return [
            row[0] for row in self._db.execute("SELECT DISTINCT newsletter FROM editions ORDER BY newsletter")
        ]

    def is_published(self, day: date, newsletter: str = DEFAULT) -> bool:
        """Tell whether an edition has been published; if so, it can no longer change."""
        row = self._db.execute(
            """SELECT 1 FROM editions
               WHERE (newsletter, day) = (?, ?) AND published_at IS NOT NULL""",
            [newsletter, day.isoformat()],
        ).fetchone()
        return row is not None

    def publish(self, day: date, newsletter: str = DEFAULT) -> None:
        """Mark an edition as published; publishing again keeps the first publication time."""
        self._db.execute(
            """UPDATE editions SET published_at = coalesce(published_at, ?)
               WHERE (newsletter, day) = (?, ?)""",
            [now(), newsletter, day.isoformat()],
        )

    def drop(self, key: EditionKey) -> bool:
        """Remove an edition unless it is published, as it has no paper now; tell whether there was one."""
        row = self._db.execute(
            """SELECT id FROM editions WHERE (newsletter, day) = (?, ?) AND published_at IS NULL""",
            [key.newsletter, key.day.isoformat()],
        ).fetchone()
        if row:
            self._remove(row["id"], key)
        return row is not None

    def candidates(self, day: date, newsletter: Newsletter | None = None) -> list[str]:
        """Return the ids of the papers that are new for a newsletter on a day.

        A paper is new if it passes the filter, was first seen on or before the day, is in no other edition of
        the newsletter, and no editor has hidden it there. The first edition takes the days of the rhythm,
        later ones look back a fortnight more; the newsletter that takes everything looks at whatever it has
        not printed. So the work is that of the new papers, however many the cache has.

        They come latest first-seen day first, and within a day in the order in which they were admitted.
        """
        newsletter = newsletter or Newsletter()
        chosen, values = condition(newsletter.filter, self._fields.model)
        given: dict[str, Any] = {"newsletter": newsletter.name, "day": day.isoformat()}
        if newsletter.takes_everything:
            recent = "papers NOT INDEXED WHERE papers.rowid > :mark AND first_seen <= :day"
            given["mark"] = self._mark_before(EditionKey(newsletter.name, day))
        else:
            recent = "papers WHERE first_seen BETWEEN :start AND :day"
            given["start"] = self._start(day, newsletter).isoformat()
        rows = self._db.execute(
            f"SELECT id, rowid FROM {recent} AND NOT {_IN_ANOTHER} AND NOT {_HIDDEN}"  # noqa: S608 - ours
            " ORDER BY first_seen DESC, rowid",
            given,
        )
        ids = [row[0] for row in rows]
        if not chosen or not ids:
            return ids
        passing = self._db.execute(
            f"SELECT id FROM papers {chosen} AND id IN (SELECT value FROM json_each(?))",  # noqa: S608 - ours
            [*values, json.dumps(ids)],
        )
        wanted = {row[0] for row in passing}
        return [id_ for id_ in ids if id_ in wanted]

    def revised(self, key: EditionKey) -> list[str]:
        """Return the ids of papers in earlier editions of a newsletter, revised since the latest of those.

        They are at most some hundreds, the latest first.
        """
        rows = self._db.execute(
            """SELECT id FROM papers WHERE revised_at > (
                   SELECT composed_at FROM editions WHERE newsletter = :newsletter AND day < :day
                   ORDER BY day DESC LIMIT 1)
               AND EXISTS (SELECT 1 FROM edition_papers e JOIN editions ON editions.id = e.edition_id
                   WHERE e.paper_id = papers.id AND NOT e.is_outside AND newsletter = :newsletter
                   AND day < :day)
               ORDER BY revised_at DESC, papers.rowid LIMIT 500""",
            {"newsletter": key.newsletter, "day": key.day.isoformat()},
        )
        return [row[0] for row in rows]

    def keep(self, edition: Edition, paper_ids: Sequence[str]) -> bool:
        """Store an edition with its papers, replacing what it had before; tell whether anything changed.

        Args:
            edition: The edition, its records as the cache has them.
            paper_ids: The papers that count as printed with it.
        """
        name, day = edition.newsletter, edition.day.isoformat()
        before = self._db.execute(
            "SELECT id, unpack(edition) AS edition FROM editions WHERE (newsletter, day) = (?, ?)",
            [name, day],
        ).fetchone()
        outside = {
            pick.paper_id for section in edition.sections for pick in section.picks if pick.record
        } - set(paper_ids)
        composed = to_text(edition, self._current_keys([*paper_ids, *outside]))
        if before and before["edition"] == composed and self._papers(before["id"]) == set(paper_ids):
            return False
        if before:
            id_ = before["id"]
            self._db.execute(
                "UPDATE editions SET edition = pack(?), composed_at = ? WHERE id = ?", [composed, now(), id_]
            )
            self._db.execute("DELETE FROM edition_papers WHERE edition_id = ?", [id_])
        else:
            id_ = self._db.execute(
                "INSERT INTO editions (newsletter, day, edition, composed_at) VALUES (?, ?, pack(?), ?)",
                [name, day, composed, now()],
            ).lastrowid
        self._db.conn.executemany(
            "INSERT INTO edition_papers (paper_id, edition_id, is_outside) VALUES (?, ?, ?)",
            [(paper, id_, 0) for paper in paper_ids] + [(paper, id_, 1) for paper in sorted(outside)],
        )
        self._move_mark(EditionKey(name, edition.day))
        return True

    @decodes_rows
    def withdraw(self, paper_id: str) -> list[EditionKey]:
        """Remove the editions that have a paper and are not published, so that they can be composed anew.

        Returns:
            Which they were.
        """
        rows = self._db.execute(
            """SELECT id, newsletter, day FROM editions WHERE published_at IS NULL
               AND id IN (SELECT edition_id FROM edition_papers WHERE paper_id = ?)""",
            [paper_id],
        ).fetchall()
        keys = {row["id"]: EditionKey(row["newsletter"], date.fromisoformat(row["day"])) for row in rows}
        for id_, key in keys.items():
            self._remove(id_, key)
        return list(keys.values())

    def _remove(self, edition_id: int, key: EditionKey) -> None:
        """Remove an edition; its papers are new again to later ones."""
        given = {"id": edition_id, "newsletter": key.newsletter, "day": key.day.isoformat()}
        self._db.execute(
            """UPDATE editions SET mark = min(mark, coalesce((SELECT min(papers.rowid) - 1 FROM papers
                   JOIN edition_papers e ON e.paper_id = papers.id WHERE e.edition_id = :id), mark))
               WHERE newsletter = :newsletter AND day > :day""",
            given,
        )
        self._db.execute("DELETE FROM edition_papers WHERE edition_id = ?", [edition_id])
        self._db.execute("UPDATE corrections SET announced_id = NULL WHERE announced_id = ?", [edition_id])
        self._db.execute("DELETE FROM editions WHERE id = ?", [edition_id])

    @decodes_rows
    def _start(self, day: date, newsletter: Newsletter) -> date:
        """Return the earliest first-seen day of a paper that is still new.

        Days are counted back from the latest on which any paper was seen, so that a page saved long ago makes
        an edition as well.
        """
        seen = self._db.execute(
            "SELECT max(first_seen) FROM papers WHERE first_seen <= ?", [day.isoformat()]
        ).fetchone()[0]
        latest = date.fromisoformat(seen) if seen else day
        first = self._db.execute(
            "SELECT min(day) FROM editions WHERE newsletter = ? AND day < ?",
            [newsletter.name, day.isoformat()],
        ).fetchone()[0]
        window = timedelta(days=newsletter.window_days - 1)
        if first is None:
            return latest - window
        return max(latest - timedelta(days=newsletter.reach_days), date.fromisoformat(first) - window)

    def _mark_before(self, key: EditionKey) -> int:
        """Return the rowid up to which the edition before has left no paper unprinted."""
        row = self._db.execute(
            "SELECT mark FROM editions WHERE newsletter = ? AND day < ? ORDER BY day DESC LIMIT 1",
            [key.newsletter, key.day.isoformat()],
        ).fetchone()
        return int(row[0]) if row else 0

    def _move_mark(self, key: EditionKey) -> None:
        """Set an edition's mark: the next looks only at papers that were admitted after it.

        Papers of later editions count as unprinted, since those look for them when they are composed again.
        """
        self._db.execute(
            f"""UPDATE editions SET mark = coalesce(
                   (SELECT papers.rowid - 1 FROM papers WHERE papers.rowid > :before AND NOT {_HIDDEN}
                    AND NOT EXISTS (
                        SELECT 1 FROM edition_papers e JOIN editions ON editions.id = e.edition_id
                        WHERE e.paper_id = papers.id AND NOT e.is_outside AND newsletter = :newsletter
                        AND day <= :day)
                    ORDER BY papers.rowid LIMIT 1),
                   (SELECT max(rowid) FROM papers), 0)
               WHERE newsletter = :newsletter AND day = :day""",  # noqa: S608 - ours
            {
                "before": self._mark_before(key),
                "newsletter": key.newsletter,
                "day": key.day.isoformat(),
            },
        )

    def _papers(self, edition_id: int) -> set[str]:
        rows = self._db.execute(
            "SELECT paper_id FROM edition_papers WHERE edition_id = ? AND NOT is_outside", [edition_id]
        )
        return {row[0] for row in rows}

    def _current_keys(self, paper_ids: Sequence[str]) -> dict[str, str]:
        rows = self._db.execute(
            """SELECT id, current_key FROM papers
               WHERE current_key IS NOT NULL AND id IN (SELECT value FROM json_each(?))""",
            [json.dumps(paper_ids)],
        )
        return {row[0]: row[1] for row in rows}
