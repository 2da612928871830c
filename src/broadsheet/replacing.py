"""Writes a file whole or not at all: whatever stops the writing, the old file stays as it was."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to; at the end of the body, that file takes the place of ``path`` in one step.

    If the body fails, the disk is full or Ctrl-C comes, nothing is left of it. A link keeps pointing at the
    file that is replaced, which keeps its permissions. A pipe or a device such as ``/dev/null`` is written
    directly.

    Raises:
        OSError: The folder or its disk cannot be written.
    """
    path = path.resolve()
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        yield path
        return
    unfinished = path.with_name(f".broadsheet-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        unfinished.touch(exist_ok=False)
        if mode is not None:
            unfinished.chmod(stat.S_IMODE(mode))
        yield unfinished
        with unfinished.open("rb+") as written:
            os.fsync(written.fileno())  # a delayed write may still find the disk full
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
