"""``rebuild``: makes from a backup the same cache that it was made from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from broadsheet.backup.folder import MANIFEST, read_manifest, settle
from broadsheet.backup.lines import standing
from broadsheet.errors import ConfigError
from broadsheet.replacing import replacing
from broadsheet.store import Store
from broadsheet.store.refilling import Keyed, refill
from broadsheet.store.tables import KEPT

__all__ = ["MANIFEST", "rebuild"]


def rebuild(folder: Path, db: Path) -> int:
    """Make a cache from a backup, whole or not at all.

    Args:
        folder: The backup.
        db: The new file.

    Returns:
        How many rows it has.

    Raises:
        ConfigError: There is no backup, a line of it is damaged, or the file exists already.
        StoreError: A newer Broadsheet made the backup, or its rows do not belong together.
        OSError: The file cannot be written.
    """
    migration = read_manifest(folder)
    if migration is None:
        raise ConfigError(f"There is no backup in {folder}; make one with: broadsheet backup {folder}")
    if db.exists():
        raise ConfigError(f"{db} exists already; move it away or name another file with --db.")
    if not db.absolute().parent.is_dir():
        raise ConfigError(f"{db} cannot be made: there is no folder {db.parent}; make it first.")
    settle(folder)
    with replacing(db) as new:
        count = refill(new, migration, {name: _rows(folder, name) for name in KEPT})
        Store.open(new).close()  # it has the columns of declared fields, and opens as any other
        for suffix in ("-wal", "-shm"):
            new.with_name(new.name + suffix).unlink(missing_ok=True)
    return count


def _rows(folder: Path, table: str) -> Iterator[Keyed]:
    found = standing(folder, table, lambda value: value)
    for key in list(found):
        yield json.loads(key), found.pop(key)
