"""The fields that users have declared, so that the cache can be read without their prompts folder."""

from __future__ import annotations

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.annotation import Annotation
from broadsheet.fields import UserField, annotation_model, dump, load
from broadsheet.migrations import ensure_annotation_columns


class Fields:
    """The declared fields; what was declared once stays readable.

    Attributes:
        model: The class of annotations with all of them.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        rows = db.execute("SELECT declaration FROM fields ORDER BY rowid")
        self._declared = load(row[0] for row in rows)
        self.model: type[Annotation] = annotation_model(self._declared)
        ensure_annotation_columns(db, self.model)

    def has(self, fields: tuple[UserField, ...]) -> bool:
        """Tell whether all of these are declared, as they are."""
        return set(fields) <= set(self._declared)

    def adopt(self, model: type[Annotation]) -> None:
        """Take annotations of another cache's class, with the fields that are declared there."""
        ensure_annotation_columns(self._db, model)
        self.model = model

    def declare(self, fields: tuple[UserField, ...]) -> None:
        """Add fields, or change those of the same name; call it inside a transaction."""
        for name, declaration in dump(fields):
            self._db.execute(
                """INSERT INTO fields (name, declaration) VALUES (?, ?)
                   ON CONFLICT (name) DO UPDATE SET declaration = excluded.declaration""",
                [name, declaration],
            )
        known = {field.name: field for field in self._declared} | {field.name: field for field in fields}
        declared = tuple(known.values())
        ensure_annotation_columns(self._db, annotation_model(declared))
        self._declared, self.model = declared, annotation_model(declared)
