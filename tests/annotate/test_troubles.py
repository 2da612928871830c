"""A full disk, a lock, a missing right or a missing file stops the real command: one sentence, no harm."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from broadsheet.store import Store
from commands import annotated, ended, new_cache, start
from papers import papers
from servers.openai_server import AskedPaper, OpenAIServer, placeholder

PAPERS = 100
IN_FLIGHT = 16
SETTINGS = {"BROADSHEET_BATCH_PAPERS": "1", "BROADSHEET_MAX_IN_FLIGHT": str(IN_FLIGHT)}


def sentence_of(process: subprocess.Popen[str]) -> str:
    """What the command says on its end: one sentence, with the exit code of what the user must put right."""
    code, out, err = ended(process)
    said = [line for line in err.splitlines() if line.startswith("broadsheet: ")]
    assert (code, out, len(said)) == (2, "", 1), err
    return said[0].removeprefix("broadsheet: ")


def annotate(db: Path, server: OpenAIServer, *, busy_timeout_s: float = 30.0) -> subprocess.Popen[str]:
    words = ("annotate", "--db", db, "--quiet")
    return start(*words, server=server, busy_timeout_s=busy_timeout_s, **SETTINGS)


class Midway:
    """Does something once, while the server answers for the n-th paper; counts what each paper was asked."""

    def __init__(self, at: int, then: Callable[[], object]) -> None:
        self.asked: Counter[str] = Counter()
        self._at, self._then = at, then

    def __call__(self, paper: AskedPaper) -> dict[str, Any]:
        self.asked[paper.title] += 1
        if self.asked.total() == self._at:
            self._then()
        return placeholder(paper)

    def asked_again(self) -> int:
        return sum(times > 1 for times in self.asked.values())


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 8 MB: the log of SQLite alone may take 4."""
    folder = Path(tempfile.mkdtemp())
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if not mount or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("mounting a small disk takes root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def fill(disk: Path, *, but: int = 0) -> Path:
    """Fill a disk but for some bytes; returns the file to remove."""
    filler = disk / "filler"
    room = os.statvfs(disk)
    with suppress(OSError):  # another may take some of the room meanwhile; then the disk is full all the same
        filler.write_bytes(b"-" * max(0, room.f_bavail * room.f_frsize - but))
    return filler


def test_a_disk_that_fills_up_midway_stops_annotate_and_the_next_run_pays_only_for_what_was_under_way(
    small_disk,
):
    db = new_cache(small_disk / "cache.db", PAPERS)
    midway = Midway(PAPERS // 2, lambda: fill(small_disk))
    with OpenAIServer(midway) as server:
        assert sentence_of(annotate(db, server)) == (
            f"The disk that holds {db} is full; free some space and run the same command again."
        )
        kept = annotated(db)
        assert 0 < len(kept) < PAPERS
        (small_disk / "filler").unlink()
        assert ended(annotate(db, server))[0] == 0
    assert len(annotated(db)) == PAPERS
    assert not [title for title in kept if midway.asked[title] > 1]
    assert midway.asked_again() <= IN_FLIGHT


def test_a_full_folder_for_temporary_files_is_named_and_not_the_caches(small_disk, tmp_path):
    fill(small_disk)  # SQLite looks for its folder once, when it is loaded
    lines = [json.dumps({"title": paper.title, "abstract": paper.abstract}) for paper in papers(200)]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    words = ("fetch", tmp_path / "in.jsonl", "--db", tmp_path / "cache.db", "--quiet")
    assert sentence_of(start(*words, cold=True, TMPDIR=str(small_disk))) == (
        f"The folder for temporary files, {small_disk}, is full; free some space there, or name another in"
        " TMPDIR, and run the same command again."
    )
    assert ended(start(*words))[0] == 0


@pytest.mark.parametrize("command", ["fetch", "run"])
def test_a_full_disk_stops_the_command_and_room_lets_it_go_on(small_disk, command):
    db, out = small_disk / "cache.db", small_disk / "editions"
    words = (command, "sample", "--date", "2026-01-05", "--db", db, "--quiet")
    words += ("--out", out) if command == "run" else ()
    with Store.open(db):
        pass
    filler = fill(small_disk, but=40_000)
    assert "is full; free some space and run the same command again." in sentence_of(start(*words))
    annotated(db)
    filler.unlink()
    assert ended(start(*words))[0] == 0
    with Store.open(db) as store:
        assert store.count() == 27


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are set on Linux only")
def test_a_limit_on_the_size_of_files_stops_annotate_with_a_sentence(tmp_path):
    db = new_cache(tmp_path / "cache.db", PAPERS)
    room = db.stat().st_size + 100_000
    with OpenAIServer() as server:
        process = annotate(db, server)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room, room))
        assert "cannot be read or written (disk I/O error)" in sentence_of(process)
        kept = annotated(db)
        assert len(kept) < PAPERS
        assert ended(annotate(db, server))[0] == 0
    assert len(annotated(db)) == PAPERS


def test_a_lock_that_lasts_stops_annotate_midway_and_is_waited_for_once(tmp_path):
    db = new_cache(tmp_path / "cache.db", PAPERS)
    other = sqlite3.connect(db, isolation_level=None, check_same_thread=False)
    midway = Midway(PAPERS // 2, lambda: other.execute("BEGIN EXCLUSIVE"))
    with OpenAIServer(midway) as server:
        assert sentence_of(annotate(db, server, busy_timeout_s=0.5)) == (
            f"{db} is locked by another program; try again when that has finished."
        )
        other.execute("ROLLBACK")
        kept = annotated(db)
        assert ended(annotate(db, server))[0] == 0
    other.close()
    assert len(annotated(db)) == PAPERS
    assert not [title for title in kept if midway.asked[title] > 1]
    assert midway.asked_again() <= IN_FLIGHT


@pytest.mark.parametrize("command", ["fetch", "annotate", "run"])
def test_a_lock_from_the_start_stops_every_command_that_writes(tmp_path, command):
    db = new_cache(tmp_path / "cache.db", 3)
    other = sqlite3.connect(db, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    words = (command, "--db", db) if command == "annotate" else (command, "sample", "--db", db)
    assert "is locked by another program" in sentence_of(start(*words, "--quiet", busy_timeout_s=0.1))
    other.execute("ROLLBACK")
    other.close()
    assert ended(start(*words, "--quiet"))[0] == 0


def test_a_database_that_is_removed_midway_stops_annotate_instead_of_losing_its_work_in_silence(tmp_path):
    db = new_cache(tmp_path / "cache.db", PAPERS)
    midway = Midway(PAPERS // 2, db.unlink)
    with OpenAIServer(midway) as server:
        assert "was removed or replaced while in use" in sentence_of(annotate(db, server))
    assert midway.asked.total() <= PAPERS // 2 + 2 * IN_FLIGHT
    new_cache(db, 3)
    assert annotated(db) == set()


def test_a_database_that_is_replaced_midway_is_left_unharmed_and_the_old_one_keeps_its_work(tmp_path):
    db, aside = new_cache(tmp_path / "cache.db", PAPERS), tmp_path / "aside.db"
    newer = new_cache(tmp_path / "newer.db", 5)

    def replace() -> None:
        db.rename(aside)
        newer.rename(db)

    midway = Midway(PAPERS // 2, replace)
    with OpenAIServer(midway) as server:
        assert "was removed or replaced while in use" in sentence_of(annotate(db, server))
    assert annotated(db) == set()
    with Store.open(db) as store:
        assert store.count() == 5
    assert len(annotated(aside)) >= PAPERS // 2 - IN_FLIGHT


@pytest.fixture
def obeying() -> tuple[str, ...]:
    """What runs a command so that permissions bind it; they do not bind root as such."""
    if os.geteuid():
        return ()
    setpriv = shutil.which("setpriv")
    if not setpriv:
        pytest.skip("permissions do not bind root, and setpriv is not installed")
    return (setpriv, "--bounding-set", "-dac_override,-dac_read_search")


@pytest.mark.parametrize("bound", ["file", "folder"])
@pytest.mark.parametrize("command", ["fetch", "annotate", "run"])
def test_a_read_only_database_stops_the_command_and_is_not_changed(tmp_path, obeying, bound, command):
    folder = tmp_path / "kept"
    folder.mkdir()
    db = new_cache(folder / "cache.db", 3)
    before = db.read_bytes()
    (db if bound == "file" else folder).chmod(0o444 if bound == "file" else 0o555)
    words = (command, "--db", db) if command == "annotate" else (command, "sample", "--db", db)
    assert sentence_of(start(*words, "--quiet", within=obeying)) == (
        f"{db} is read-only; make it and its folder writable or name another file with --db."
    )
    assert db.read_bytes() == before
    folder.chmod(0o755)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "is a folder; name a file with --db."),
        ("absent/cache.db", "cannot be opened; check that its folder exists and can be written."),
        ("notes.txt", "is not a Broadsheet database; name another file with --db."),
        ("n" * 300, "cannot be opened (File name too long); name another --db."),
    ],
)
@pytest.mark.parametrize("command", ["fetch", "run"])
def test_a_path_that_cannot_be_a_database_is_named_and_left_alone(tmp_path, command, name, sentence):
    (tmp_path / "notes.txt").write_text("a list of things to buy")
    path = tmp_path / name
    assert sentence_of(start(command, "sample", "--db", path, "--quiet")) == f"{path} {sentence}"
    assert (tmp_path / "notes.txt").read_text() == "a list of things to buy"


def test_annotate_makes_no_database_where_there_is_none(tmp_path):
    assert sentence_of(start("annotate", "--db", tmp_path / "cache.db")).startswith("There is no cache at")
    assert not list(tmp_path.iterdir())
