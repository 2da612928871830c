"""What editors ask of an edition before it is published, and what they put right in it afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.edition import Announced, Correction, Edition
from broadsheet.errors import UserError
from broadsheet.store.overview import EditionKey
from broadsheet.store.rows import decodes_rows

ABOUT_ALL = ""
"""The paper of a correction that is about its edition as a whole."""
_NEXT_PIN = "SELECT coalesce(max(pin), 0) + 1 FROM edits WHERE (newsletter, day) = (:newsletter, :day)"


class Edit(NamedTuple):
    """What an editor asks for one paper.

    Attributes:
        paper_id: The paper.
        pin: Its place among the pinned papers, from 1, or None.
        is_hidden: Whether the newsletter leaves it out.
        note: The editor's own words, or empty.
    """

    paper_id: str
    pin: int | None = None
    is_hidden: bool = False
    note: str = ""


class Edits:
    """Queries and updates of edits and corrections. Each method is one transaction or belongs into one."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of(self, key: EditionKey) -> dict[str, Edit]:
        """Return the edits of an edition by paper, the pinned ones first, in the order of their pins."""
        rows = self._db.execute(
            """SELECT paper_id, pin, is_hidden, note FROM edits WHERE (newsletter, day) = (?, ?)
               ORDER BY pin IS NULL, pin, paper_id""",
            [key.newsletter, key.day.isoformat()],
        )
        return {id_: Edit(id_, pin, bool(hidden), note) for id_, pin, hidden, note in rows}

    def pin(self, key: EditionKey, paper_id: str) -> None:
        """Put a paper before all others, after those that were pinned before it."""
        self._set(key, paper_id, f"pin = coalesce(pin, ({_NEXT_PIN}))")

    def unpin(self, key: EditionKey, paper_id: str) -> None:
        """Let a paper stand where the rule puts it."""
        self._set(key, paper_id, "pin = NULL")

    def hide(self, key: EditionKey, paper_id: str) -> None:
        """Leave a paper out of this edition and of all others of the newsletter."""
        self._set(key, paper_id, "is_hidden = 1")

    def unhide(self, key: EditionKey, paper_id: str) -> None:
        """Let a paper in again, into whichever edition of the newsletter it is new to."""
        self._set(key, paper_id, "is_hidden = 0")
        self._db.execute(
            """UPDATE editions SET mark = min(mark, (SELECT rowid - 1 FROM papers WHERE id = :paper))
               WHERE newsletter = :newsletter AND EXISTS (SELECT 1 FROM papers WHERE id = :paper)""",
            {"paper": paper_id, "newsletter": key.newsletter},
        )

    def note(self, key: EditionKey, paper_id: str, words: str) -> None:
        """Set the editor's own words about a paper; empty words take them away."""
        self._set(key, paper_id, "note = :words", words=words)

    def correct(self, key: EditionKey, day: date, words: str, paper_id: str = ABOUT_ALL) -> None:
        """Add a correction to an edition.

        Args:
            key: The edition.
            day: When it is put right.
            words: What was wrong and what is right.
            paper_id: The paper that it is about; by default, the edition as a whole.
        """
        self._db.execute(
            """INSERT INTO corrections (edition_id, paper_id, day, words)
               SELECT id, ?, ?, ? FROM editions WHERE (newsletter, day) = (?, ?)""",
            [paper_id, day.isoformat(), words, key.newsletter, key.day.isoformat()],
        )

    @decodes_rows
    def published_with(self, paper_id: str) -> list[EditionKey]:
        """Return the published editions that have a card of a paper, oldest first."""
        rows = self._db.execute(
            """SELECT newsletter, day FROM editions JOIN edition_papers e ON e.edition_id = editions.id
               WHERE e.paper_id = ? AND NOT e.is_outside AND published_at IS NOT NULL
               ORDER BY day, newsletter""",
            [paper_id],
        )
        return [EditionKey(name, date.fromisoformat(day)) for name, day in rows]

    @decodes_rows
    def with_corrections(self, edition: Edition) -> Edition:
        """Return an edition with what was put right in it since."""
        rows = self._db.execute(
            """SELECT paper_id, corrections.day, words FROM corrections
               JOIN editions ON editions.id = edition_id
               WHERE (newsletter, editions.day) = (?, ?) ORDER BY corrections.id""",
            [edition.newsletter, edition.day.isoformat()],
        ).fetchall()
        if not rows:
            return edition
        found: dict[str, tuple[Correction, ...]] = {}
        for paper_id, day, words in rows:
            made = Correction(day=date.fromisoformat(day), words=words)
            found[paper_id] = (*found.get(paper_id, ()), made)
        sections = tuple(
            section.model_copy(
                update={
                    "cards": tuple(
                        card.model_copy(update={"corrections": found.pop(card.record.id, ())})
                        for card in section.cards
                    )
                }
            )
            for section in edition.sections
        )
        # A paper that was merged into another since has its card under its former id no more.
        about_all = tuple(each for others in found.values() for each in others)
        return edition.model_copy(update={"sections": sections, "corrections": about_all})

    def to_announce(self, key: EditionKey) -> list[Announced]:
        """Return the corrections of a newsletter's earlier editions that no other has told, in order."""
        return [announced for _, announced in self._untold(key)]

    def announce(self, key: EditionKey) -> None:
        """Note that an edition tells these corrections, so that the next one does not."""
        ids = [id_ for id_, _ in self._untold(key)]
        self._db.conn.executemany(
            """UPDATE corrections SET announced_id =
                   (SELECT id FROM editions WHERE (newsletter, day) = (?, ?)) WHERE id = ?""",
            [(key.newsletter, key.day.isoformat(), id_) for id_ in ids],
        )

    @decodes_rows
    def _untold(self, key: EditionKey) -> Iterator[tuple[int, Announced]]:
        rows = self._db.execute(
            """SELECT c.id, c.day, c.words, wrong.day, coalesce(papers.title, '') FROM corrections c
               JOIN editions wrong ON wrong.id = c.edition_id LEFT JOIN papers ON papers.id = c.paper_id
               WHERE wrong.newsletter = :newsletter AND wrong.day < :day
                   AND (c.announced_id IS NULL OR c.announced_id = (
                       SELECT id FROM editions WHERE (newsletter, day) = (:newsletter, :day)))
               ORDER BY c.id""",
            {"newsletter": key.newsletter, "day": key.day.isoformat()},
        )
        for id_, day, words, edition, title in rows.fetchall():
            yield (
                id_,
                Announced(
                    day=date.fromisoformat(day),
                    words=words,
                    edition=date.fromisoformat(edition),
                    title=title,
                ),
            )

    @decodes_rows
    def corrections_of(self, ids: Sequence[str]) -> dict[str, list[Correction]]:
        """Return what was put right in published editions about these papers, by paper id, oldest first."""
        marks = ", ".join("?" * len(ids))
        rows = self._db.execute(
            f"SELECT paper_id, day, words FROM corrections WHERE paper_id IN ({marks}) ORDER BY id",  # noqa: S608 - marks
            list(ids),
        )
        found: dict[str, list[Correction]] = {}
        for paper_id, day, words in rows:
            made = Correction(day=date.fromisoformat(day), words=words)
            if made not in found.setdefault(paper_id, []):
                found[paper_id].append(made)
        return found

    def _set(self, key: EditionKey, paper_id: str, change: str, **values: Any) -> None:
        """Change the edit of a paper; one that asks for nothing any more is deleted.

        Raises:
            UserError: The edition is published.
        """
        given = {"newsletter": key.newsletter, "day": key.day.isoformat(), "paper": paper_id}
        if self._db.execute(
            """SELECT 1 FROM editions WHERE (newsletter, day) = (:newsletter, :day)
               AND published_at IS NOT NULL""",
            given,
        ).fetchone():
            raise UserError(
                f"The edition of {key.day} is published; put it right with: broadsheet edit {key.day}"
                ' --correction "…"'
            )
        self._db.execute(
            "INSERT OR IGNORE INTO edits (newsletter, day, paper_id) VALUES (:newsletter, :day, :paper)",
            given,
        )
        where = "WHERE (newsletter, day, paper_id) = (:newsletter, :day, :paper)"
        self._db.execute(f"UPDATE edits SET {change} {where}", {**given, **values})  # noqa: S608 - ours
        self._db.execute(
            f"DELETE FROM edits {where} AND pin IS NULL AND NOT is_hidden AND note = ''",  # noqa: S608 - ours
            given,
        )
