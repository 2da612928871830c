"""The cache as text that git stores well: one row a line, by table and day, only ever appended to.

    DIR/broadsheet-backup.json          the format, and the tables' last migration
    DIR/papers/2026-01-05.jsonl         what became new or changed of the papers, as of that day's backup
    DIR/papers/2026-01-05.2.jsonl       the same, where the day's file would have grown too large

A line is ``{"key": […], "row": {…}}``: the key of a row, and those of its columns that have changed; a column
is NULL until it is told. ``"row": null`` says that the row is gone. The last word on each column counts.
"""

from __future__ import annotations

from broadsheet.backup.reading import MANIFEST, rebuild
from broadsheet.backup.writing import BackupReport, back_up

__all__ = ["MANIFEST", "BackupReport", "back_up", "rebuild"]
