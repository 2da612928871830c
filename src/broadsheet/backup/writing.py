"""``backup``: appends what is new or has changed since the last backup, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from broadsheet.backup.folder import (
    append,
    manifest,
    part_path,
    parts,
    put_in_place,
    read_manifest,
    settle,
)
from broadsheet.backup.lines import dumped, line_of, sealed, standing
from broadsheet.errors import ConfigError
from broadsheet.store.lock import StageLock
from broadsheet.store.tables import Tables, reading_tables

LARGEST_BYTES = 32 * 1024 * 1024
"""From this size on a day's file is continued in another; GitHub refuses files above 100 MB."""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup came to.

    Attributes:
        rows: Rows that the cache has, of the tables that are kept.
        lines: Lines that were appended.
        files: Files that were written.
    """

    rows: int
    lines: int
    files: int


def back_up(db: Path, folder: Path, *, today: date | None = None) -> BackupReport:
    """Bring a backup up to date with a cache.

    It reads what the backup says so far and appends the difference, so it needs no memory of its own:
    whatever was lost or changed is told anew.

    Args:
        db: The cache.
        folder: The backup's folder, made if need be.
        today: The day in UTC; a day before the latest file's counts as that, since order is what counts.

    Raises:
        StoreError: The cache cannot be read, or another process is backing it up.
        ConfigError: The folder holds something else, or a file of it is damaged.
        OSError: The folder cannot be written.
    """
    _check(folder)
    with StageLock(db, "backing up this cache", ".backup.lock").held():
        with reading_tables(db) as tables:
            folder.mkdir(parents=True, exist_ok=True)
            read_manifest(folder)
            settle(folder)
            names = tables.names()
            latest = [each[-1].day for name in names if (each := parts(folder, name))]
            day = max([today or datetime.now(UTC).date(), *latest])
            written: list[Path] = []
            rows = lines = 0
            for name in names:
                changes = _Changes(folder, name, tables)
                written += _append(folder, name, day, changes)
                rows, lines = rows + changes.rows, lines + changes.lines
            migration = tables.migration
        put_in_place(folder, [*written, *manifest(folder, migration)])
    return BackupReport(rows, lines, len(written))


def _check(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; name a folder for the backup.")


class _Changes:
    """The lines that a table's backup lacks.

    Attributes:
        rows: Rows of the table, once the lines are read.
        lines: Lines, once they are read.
    """

    def __init__(self, folder: Path, table: str, tables: Tables) -> None:
        self._folder, self._table, self._tables = folder, table, tables
        self.rows = self.lines = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._all():
            self.lines += 1
            yield line

    def _all(self) -> Iterator[bytes]:
        known = standing(self._folder, self._table, sealed)
        for values, row in self._tables.rows(self._table):
            self.rows += 1
            key = dumped(values)
            before = known.pop(key, None)
            told = before or {}
            changed = {name: value for name, value in row.items() if sealed(value) != told.get(name)}
            if before is None or changed:
                yield line_of(key, changed)
        for key in known:
            yield line_of(key, None)


def _append(folder: Path, table: str, day: date, changes: _Changes) -> list[Path]:
    """Write the lines to a table's files of a day, beside those in place; return which files."""
    written: list[Path] = []
    waiting = iter(changes)
    line = next(waiting, None)
    today = [part for part in parts(folder, table) if part.day == day]
    number = today[-1].number if today else 1
    while line is not None:
        path = part_path(folder, table, day, number)
        room = LARGEST_BYTES - (path.stat().st_size if path.exists() else 0)

        def lines_that_fit() -> Iterator[bytes]:
            nonlocal line, room
            while line is not None and room > 0:
                room -= len(line)
                yield line
                line = next(waiting, None)

        if room > 0:
            append(path, lines_that_fit())
            written.append(path)
        number += 1
    return written
