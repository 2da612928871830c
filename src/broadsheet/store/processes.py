"""Names for the processes that share a database, and whether one of them is still alive."""

from __future__ import annotations

import os
import socket
import sys
import uuid
from pathlib import Path

_SESSION = uuid.uuid4().hex


def new_name() -> str:
    """A name for one user of the database in this process; no other ever bears it."""
    return f"{socket.gethostname()}/{os.getpid()}/{_SESSION}.{uuid.uuid4().hex[:8]}"


def is_dead(name: str) -> bool:
    """Whether the process that bore a name is known to be gone.

    WAL databases live on one machine, so that this can mostly be seen at once; of a process on another host
    (a container beside this one) nothing is known.
    """
    host, pid, session = name.rsplit("/", 2)
    if host != socket.gethostname():
        return False
    if int(pid) == os.getpid():  # a container's first process has the same number each time
        return session.partition(".")[0] != _SESSION
    if sys.platform == "win32":  # there, signal 0 is no question
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _is_zombie(pid)


def _is_zombie(pid: str) -> bool:
    """Whether it has ended and only its parent has not asked how, which in a container may never happen."""
    try:
        status = Path("/proc", pid, "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # no Linux
        return False
    return status.rpartition(")")[2].split()[:1] == ["Z"]
