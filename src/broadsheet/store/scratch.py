"""A copy of a cache to try things in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from broadsheet.store.connection import copy


@contextmanager
def scratch_copy(path: Path) -> Iterator[Path]:
    """Yield where a copy of a cache is, or where one can be made if there is none; remove it afterwards."""
    with TemporaryDirectory() as folder:
        scratch = Path(folder) / "broadsheet.db"
        if path.exists():
            copy(path, scratch)
        yield scratch
