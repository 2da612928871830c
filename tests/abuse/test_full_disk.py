"""A disk that is full, which a bound on the size of files stands for: one sentence, nothing half written."""

from __future__ import annotations

import json
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


def bounded(size: int, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process whose files cannot grow beyond so many bytes."""

    def bound() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return subprocess.run(
        [sys.executable, "-m", "broadsheet", *words],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        preexec_fn=bound,
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


def test_a_file_too_large_for_the_disk_ends_in_one_sentence_and_the_cache_stays_sound(tmp_path: Path) -> None:
    file, cache = tmp_path / "papers.jsonl", tmp_path / "cache.db"
    lines = [{"title": f"Herons {n}", "abstract": f"We count {n} herons. " * 60} for n in range(1500)]
    file.write_text("\n".join(map(json.dumps, lines)))
    ended = bounded(1_500_000, "fetch", file, "--db", cache, "-q")
    assert ended.returncode == 2, ended.stderr
    (sentence,) = ended.stderr.splitlines()
    assert sentence.startswith("broadsheet: ")
    assert is_sound(cache)
