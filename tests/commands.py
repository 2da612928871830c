"""The real command in processes of its own, with the engine's server on loopback."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import broadsheet
import warm_start
from broadsheet.store import Store
from papers import papers
from servers.openai_server import OpenAIServer

_SOURCE = Path(broadsheet.__file__).parents[1]
_COMMAND = """
import os, signal, sys
import broadsheet.store.connection as connection
from broadsheet.cli import main

class Mortal(connection._Connection):
    left = {statements}

    def execute(self, *args):
        if Mortal.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        Mortal.left -= 1
        return super().execute(*args)

connection._Connection = Mortal
connection.BUSY_TIMEOUT_S = {busy_timeout_s}
main()
"""


def start(
    *words: str | Path,
    server: OpenAIServer | None = None,
    busy_timeout_s: float = 30.0,
    killed_after: int = -1,
    within: Sequence[str] = (),
    cold: bool = False,
    **environment: str,
) -> subprocess.Popen[str]:
    """Start ``broadsheet`` with these words.

    Args:
        words: Command and options.
        server: What the openai engine asks; the extractive engine answers without one.
        busy_timeout_s: How long a locked database is waited for.
        killed_after: It dies by SIGKILL when it has sent so many statements to the database; below 0, never.
        within: A command that runs it, with its options.
        cold: It is to begin with nothing loaded.
        environment: Variables.
    """
    environment = {**os.environ, "PYTHONPATH": str(_SOURCE)} | environment
    if server:
        environment |= {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "key-of-the-test"}
    command = _COMMAND.format(busy_timeout_s=busy_timeout_s, statements=killed_after)
    opened = subprocess.Popen if within or cold else warm_start.Popen
    return opened(
        [*within, sys.executable, "-c", command, *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error once it has ended, which is never with a traceback."""
    with process:
        out, err = process.communicate()
    assert "Traceback" not in err, err
    assert "Exception" not in err, err
    return process.returncode, out, err


def new_cache(path: Path, count: int) -> Path:
    """A cache with so many invented papers that nobody has annotated."""
    with Store.open(path) as store, store.transaction():
        for paper in papers(count):
            store.papers.add(paper, date(2026, 1, 5))
    return path


def annotated(path: Path) -> set[str]:
    """Titles of the annotated papers; the file is sound."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not connection.execute("PRAGMA foreign_key_check").fetchall()
        found = connection.execute("SELECT title FROM papers JOIN annotations ON key = current_key")
        return {row[0] for row in found}
    finally:
        connection.close()
