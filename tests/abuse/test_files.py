"""Bad files through the real command: each is read or named, in bounded memory, without a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import pytest

from abuse.bad_files import BadFile, bad_files
from abuse.conftest import KEY
from abuse.running import Ran, Running
from broadsheet import Store
from broadsheet.record import Maker

BAD = list(bad_files())
MOST_BYTES = 600 << 20
pytestmark = pytest.mark.usefixtures("nobody_asked")


def papers() -> int:
    with Store.open("broadsheet.db") as store:
        return store.count()


def assert_plain(words: str) -> None:
    assert "Traceback" not in words
    assert all(line.startswith(("broadsheet: ", "Reading papers: ")) for line in words.splitlines()), words


def fetched(running: Running, source: object, **options: object) -> Ran:
    """Fetch; whatever is said is a sentence a line."""
    ran = running("fetch", source, secrets=[KEY], **options)  # type: ignore[arg-type]
    assert_plain(ran.err)
    return ran


def test_there_are_sixty_and_the_same_each_time() -> None:
    assert len(BAD) >= 60
    assert list(bad_files()) == BAD


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_each_line_of_a_bad_file_is_read_or_named(bad: BadFile, running: Running) -> None:
    Path("bad").write_bytes(bad.content)
    ran = fetched(running, "bad", most_bytes=MOST_BYTES)
    assert ran.code == bad.status, ran.err
    assert bad.says in ran.err
    assert papers() == bad.papers
    assert len(ran.sentences) <= 25


def test_a_line_of_500_mb_costs_itself_and_little_memory(running: Running) -> None:
    with Path("long.jsonl").open("wb") as stream:
        stream.write(b'{"title": "A", "abstract": "b"}\n{"title": "')
        for _ in range(50):
            stream.write(b"y" * 10_000_000)
        stream.write(b'"}\n{"title": "C", "abstract": "d"}\n')
    ran = fetched(running, "long.jsonl")
    Path("long.jsonl").unlink()
    assert (ran.code, papers()) == (1, 2), ran.err
    assert "line 2 is skipped: it has more than 32 MiB" in ran.err


BOMBS = ["dictionary", "rows", "page"]


def write_bomb(path: Path, kind: str, column: str, described: bytes = b"{}") -> None:
    """Write a Parquet file of a few kilobytes that unpacks to gigabytes."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {
        "dictionary": lambda: pa.DictionaryArray.from_arrays(
            pa.array([0] * 90_000, pa.int32()), ["x" * 900_000]
        ),
        "rows": lambda: pa.nulls(20_000_000, pa.string()),
        "page": lambda: ["z" * 200_000_000],
    }
    table = pa.table({column: columns[kind]()}).replace_schema_metadata({"broadsheet": described})
    parquet.write_table(table, path, compression="zstd")
    assert path.stat().st_size < 100_000


@pytest.mark.parametrize("kind", BOMBS)
def test_a_parquet_file_of_a_few_kilobytes_that_unpacks_to_gigabytes_is_refused(
    kind: str, running: Running
) -> None:
    write_bomb(Path("bomb.parquet"), kind, "title")
    ran = fetched(running, "bomb.parquet", most_bytes=MOST_BYTES)
    assert ran.code == 1, ran.err
    assert "bomb.parquet cannot be read after row" in ran.err


@pytest.mark.parametrize("kind", BOMBS)
def test_a_part_of_a_few_kilobytes_that_unpacks_to_gigabytes_is_refused(kind: str, running: Running) -> None:
    described = {"version": 1, "maker": asdict(Maker("openai", "m", "p", "s")), "fields": []}
    for name in ("papers", "annotations"):
        Path("parts", name).mkdir(parents=True)
        write_bomb(Path("parts", name, "bomb.parquet"), kind, "id", json.dumps(described).encode())
    ran = running("import", "parts", most_bytes=MOST_BYTES)
    assert ran.code == 2, ran.err
    assert "bomb.parquet is no part that broadsheet backfill wrote (it " in ran.err


def test_days_beyond_the_calendar_in_parquet_cost_themselves_only(running: Running) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    days = pa.array([2**62, 0, 5], pa.timestamp("us"))
    parquet.write_table(pa.table({"title": ["A", "B", "C"], "published": days}), "days.parquet")
    ran = fetched(running, "days.parquet")
    assert (ran.code, papers()) == (0, 3)
    assert "left out 1 published beyond the calendar" in ran.err


LINES = "".join(
    f'{{"title": "Heron {n}", "abstract": "We count {n} herons by the weir."}}\n' for n in range(1000)
)


@pytest.mark.parametrize("source", ["-", "/dev/stdin", "/dev/fd/0"])
def test_a_pipe_is_read_whole_by_whatever_name(source: str, running: Running) -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_text(LINES))
    writer.start()
    ran = fetched(running, source, given="pipe")
    writer.join()
    assert (ran.code, papers()) == (0, 1000), ran.err


def test_a_fifo_is_opened_once_and_read_whole(running: Running) -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_text(LINES))
    writer.start()
    assert fetched(running, "pipe").code == 0
    writer.join()
    assert papers() == 1000


@pytest.mark.parametrize(
    ("source", "status", "says"),
    [
        ("", 2, "has an empty name"),
        (" ", 2, "has an empty name"),
        ("x" * 300, 2, "cannot be read (File name too long)"),
        ("~nosuchuser/papers", 2, "cannot be read"),
        ("loop", 2, "cannot be read (Too many levels of symbolic links)"),
        ("socket", 2, "is a socket"),
        ("/dev/null", 1, "is empty"),
        ("/dev/zero", 1, "is neither text"),
        ("folder", 2, "has no files to read"),
    ],
)
def test_a_source_that_is_no_file_gets_one_sentence(
    source: str, status: int, says: str, running: Running
) -> None:
    import socket

    Path("loop").symlink_to("loop")
    (Path("folder") / "inner").mkdir(parents=True)
    (Path("folder") / "inner" / "up").symlink_to("..")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        ran = fetched(running, source)
    assert ran.code == status
    assert says in ran.err


@pytest.mark.parametrize("locale", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_a_name_that_is_no_utf_8_is_read_and_shown(locale: dict[str, str]) -> None:
    name = b"\xff-\xe9.jsonl"
    Path(os.fsdecode(name)).write_text(LINES.splitlines()[0])
    source = str(Path(__file__).parents[2] / "src")
    ran = subprocess.run(
        [sys.executable, "-m", "broadsheet", "fetch", name, b"no-\xff"],
        capture_output=True, check=False, env={**os.environ, "PYTHONPATH": source, **locale},
    )  # fmt: skip
    assert ran.returncode == 1, ran.stderr
    assert_plain(ran.stderr.decode(errors="replace"))
    assert papers() == 1
