"""A disk that is full, stood in for by a bound on the size of files: one sentence, and nothing half written."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import broadsheet

SOURCE = Path(broadsheet.__file__).parents[1]


def is_sound(path: Path) -> bool:
    """Tell whether SQLite finds nothing wrong with a database."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def bounded(size: int, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process whose files cannot grow beyond so many bytes."""

    def bound() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return subprocess.run(
        [sys.executable, "-m", "broadsheet", *words],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        preexec_fn=bound,  # noqa: PLW1509 - no thread runs here
    )


@pytest.mark.parametrize("size", [0, 4_096, 100_000, 400_000])
def test_a_disk_that_is_full_ends_in_one_sentence_and_the_cache_stays_sound(
    size: int, tmp_path: Path
) -> None:
    cache = tmp_path / "cache.db"
    ended = bounded(
        size, "run", "sample", "--db", cache, "--out", tmp_path / "out", "--date", "2026-01-05", "-q"
    )
    assert ended.returncode in {1, 2}, ended.stderr
    assert "Traceback" not in ended.stderr
    assert sum(line.startswith("broadsheet: ") for line in ended.stderr.splitlines()) == 1, ended.stderr
    assert not cache.exists() or not cache.stat().st_size or is_sound(cache)


def test_a_temporary_folder_without_room_ends_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "no-folder").write_text("")
    ended = bounded(
        10**9,
        "fetch",
        "-",
        "--db",
        tmp_path / "cache.db",
        TMPDIR=str(tmp_path / "no-folder"),
        SQLITE_TMPDIR="/none",
    )
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
