"""One annotate and one send at a time on a cache: locks that the system frees when their process dies.

Two that annotate would ask about the same papers and share one key's limits without knowing it; two that send
could not tell the other's unfinished deliveries from those of a process that died. filelock holds the lock
(`flock` on Unix, a locked byte on Windows): it is small, typed and maintained by the tox project.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from broadsheet.errors import StoreError

if TYPE_CHECKING:
    from filelock import FileLock

log = logging.getLogger(__name__)

_POLL_S = 0.2


class StageLock:
    """The lock of one stage on one cache, in a file beside it.

    Args:
        db: The cache.
        doing: What who holds it does, such as ``annotating this cache``.
        suffix: What the file's name ends with.
        hint: What to add to a command that is to wait, if it can.
    """

    def __init__(self, db: Path, doing: str, suffix: str, hint: str = "") -> None:
        self._path = db.with_name(f"{db.name}{suffix}")
        self._doing, self._hint = doing, hint
        self._lock: FileLock | None = None

    @contextmanager
    def held(self, *, wait: bool = False) -> Iterator[None]:
        """Hold the lock; it may be entered more than once.

        Raises:
            StoreError: Another process holds it, or its file cannot be made.
        """
        from filelock import FileLock, Timeout  # loaded by who annotates, not by who looks a summary up

        if self._lock is None:
            self._lock = FileLock(self._path)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            if not wait:
                raise StoreError(
                    f"{self._holder()} is {self._doing}; try again when it has ended{self._hint}."
                ) from None
            log.warning("Waiting: %s is %s.", self._holder(), self._doing)
            self._lock.acquire(poll_interval=_POLL_S)
        except OSError as error:
            raise StoreError(
                f"{self._path} cannot be made ({error.strerror}); correct its folder or name another --db."
            ) from error
        try:
            with suppress(OSError):
                self._path.write_text(f"process {os.getpid()}, since {time.strftime('%H:%M')}", "utf-8")
            yield
        finally:
            self._lock.release()

    def _holder(self) -> str:
        """Return who holds the lock, as that process wrote it into the file."""
        with suppress(OSError, UnicodeDecodeError):
            if words := self._path.read_text("utf-8").strip():
                return f"Another broadsheet ({words})"
        return "Another broadsheet"
