"""Migration 24: replies and editions are packed; never edited once released."""

from __future__ import annotations

from sqlite_utils import Database  # noqa: TID251 - this room owns the tables

from broadsheet.migrations import vectors  # noqa: F401 - its step comes before this one
from broadsheet.migrations.steps import migrations
from broadsheet.packing import teach


@migrations()
def m024_packed_texts(db: Database) -> None:
    """A reply and an edition are read one at a time and repeat their names: a sixth of a cache.

    Replies may still not be changed; this is the one time, and not a word of them differs.
    """
    teach(db.conn)
    guard = db.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'replies_are_never_changed'"
    ).fetchone()
    db.execute("DROP TRIGGER IF EXISTS replies_are_never_changed")
    db.execute("UPDATE replies SET text = pack(text) WHERE typeof(text) = 'text'")
    db.execute("UPDATE editions SET edition = pack(edition) WHERE typeof(edition) = 'text'")
    if guard:
        db.execute(guard[0])
