"""Databases that were cut off, overwritten, changed by others or taken away, read by the real command."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import broadsheet.store.connection as connection
from abuse.running import Running
from in_process import broadsheet
from servers.openai_server import OpenAIServer

READ = (
    *(("list",), ("stats",), ("tags",), ("show", "TideCache"), ("list", "--search", "tide"), ("export",)),
    *(
        ("lookup", "names"),
        ("related", "TideCache"),
        ("replies",),
        ("subscribers", "list"),
        ("backup", "archive"),
    ),
)
WRITE = (
    ("fetch", "sample"),
    ("render",),
    ("annotate",),
    ("site",),
    ("edit", "2026-01-05", "--pin", "TideCache"),
    ("compose",),
)
PAGE = connection.PAGE_BYTES
KEY = "sk-lantern-0123456789abcdef"
UNLOCKED = ["abuse.hurried:no_locks"]
MOST_CALLS = 29
"""One about each paper: what is annotated by rules, and what is not yet."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that a run has filled, in one file, with two papers that nobody has annotated."""
    folder = tmp_path_factory.mktemp("sound")
    cache = folder / "sound.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert broadsheet("run", "sample", "--db", cache, "--date", "2026-01-05", "-q")[0] == 0
        Path("two.jsonl").write_text(
            '{"title": "Reeds", "abstract": "r"}\n{"title": "Tugs", "abstract": "t"}\n'
        )
        assert broadsheet("fetch", "two.jsonl", "--db", cache, "-q")[0] == 0
    return cache


def change(path: Path, *statements: str) -> None:
    """Change a database as another program could."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            db.execute(statement)


def overwrite(path: Path, start: int, content: bytes) -> None:
    """Write bytes over those of a file."""
    with path.open("r+b") as file:
        file.seek(start if start >= 0 else path.stat().st_size + start)
        file.write(content)


def root_page(path: Path, name: str) -> int:
    """Where a table or an index begins, in bytes."""
    with closing(sqlite3.connect(path)) as db:
        row = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", [name]).fetchone()
    return int((row[0] - 1) * PAGE)


def truncated(share: float) -> Callable[[Path], None]:
    return lambda path: os.truncate(path, int(path.stat().st_size * share))


def zeroed(table: str) -> Callable[[Path], None]:
    return lambda path: overwrite(path, root_page(path, table), bytes(PAGE))


def garbled(table: str) -> Callable[[Path], None]:
    return lambda path: overwrite(path, root_page(path, table), b"\xff" * PAGE)


def changed(*statements: str) -> Callable[[Path], None]:
    return lambda path: change(path, *statements)


def schema_bytes(path: Path) -> None:
    content = path.read_bytes()
    where = content.index(b'CREATE TABLE "papers"')
    overwrite(path, where + len(b'CREATE TABLE "'), b"\xff\xfe\xfdrs")


def name_bytes(path: Path) -> None:
    content = path.read_bytes()
    overwrite(path, content.index(b"tablefindingsfindings"), b"table\xff\xfendings\xff\xfendings")


def value_bytes(path: Path) -> None:
    change(path, "UPDATE papers SET title = CAST(x'fffe4142' AS TEXT)")


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE bookmarks (url TEXT)")


def replaced(content: bytes) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        path.write_bytes(content)

    return replace


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/null")


def wrong_journal(path: Path) -> None:
    """A rollback journal of another database, left beside this one."""
    Path(f"{path}-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\xff" * 2000)


def wrong_wal(path: Path) -> None:
    Path(f"{path}-wal").write_bytes(b"\x37\x7f\x06\x82" + b"\xff" * 5000)


BROKEN: dict[str, Callable[[Path], None]] = {
    "a header alone": truncated(0.0005),
    "one page": lambda path: os.truncate(path, PAGE),
    "a third of it": truncated(0.33),
    "all but the last page": lambda path: os.truncate(path, path.stat().st_size - PAGE),
    "a first page of zeros": lambda path: overwrite(path, 0, bytes(PAGE)),
    "a page of zeros for the papers": zeroed("papers"),
    "a page of zeros for the annotations": zeroed("annotations"),
    "a page of zeros for the schema of migrations": zeroed("_sqlite_migrations"),
    "garbage for the papers": garbled("papers"),
    "garbage for an index": garbled("papers_first_seen"),
    "an index of zeros": zeroed("papers_first_seen"),
    "a search index of zeros": zeroed("papers_fts_data"),
    "bytes that are no text in the schema": schema_bytes,
    "bytes that are no text in a table's name": name_bytes,
    "bytes that are no text in a title": value_bytes,
    "a page size that is none": lambda path: overwrite(path, 16, b"\x00\x03"),
    "a file format of the future": lambda path: overwrite(path, 18, b"\x09\x09"),
    "a text encoding that is none": lambda path: overwrite(path, 56, b"\x00\x00\x00\x09"),
    "no table of papers": changed("DELETE FROM sqlite_schema WHERE name = 'papers'"),
    "no column for titles": changed("UPDATE sqlite_schema SET sql = replace(sql, 'title TEXT', 'name TEXT')"),
    "a search index that is gone": changed("DROP TABLE papers_fts"),
    "authors that are no JSON": changed("UPDATE papers SET authors = '[[[['"),
    "authors that are nested without end": changed(f"UPDATE papers SET authors = '{'[' * 100_000}'"),
    "authors that are a number": changed("UPDATE papers SET authors = '7'"),
    "a day that is none": changed("UPDATE papers SET first_seen = 'yesterday', published = 'soon'"),
    "editions that are no JSON": changed("UPDATE editions SET edition = '{'"),
    "topics that are no JSON": changed("UPDATE annotations SET topics = '[[[['"),
    "topics that are a number": changed("UPDATE annotations SET topics = '7'"),
    "sightings in words of nobody": changed("UPDATE sightings SET words = '[', day = 'soon'"),
    "editions of no day": changed("UPDATE editions SET day = 'soon'"),
    "keywords that are no JSON": changed("UPDATE annotations SET keywords = 'herons'"),
    "bytes that are no text in an annotation": changed(
        "UPDATE annotations SET tldr = CAST(x'fffe41' AS TEXT)"
    ),
    "bytes that are no text in a tag": changed(
        "UPDATE tags SET tag = CAST(x'ff' AS TEXT) WHERE (paper_id, tag)"
        " = (SELECT paper_id, tag FROM tags LIMIT 1)"
    ),
    "a time that is none": changed("UPDATE annotations SET annotated_at = 'yesterday'"),
    "a schema that is no SQL": changed(
        "UPDATE sqlite_schema SET sql = 'CREATE NONSENSE' WHERE name = 'papers'"
    ),
    "another program's tables": foreign,
    "migrations of a later version": changed(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
        " VALUES ('broadsheet', 'm999_later', '2030-01-01')"
    ),
    "a picture": replaced(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40),
    "text": replaced(b"title,abstract\nHerons,We count herons.\n" * 40),
    "a folder": folder,
    "a named pipe": fifo,
    "a link to itself": loop,
    "a device": device,
    "a journal of another database": wrong_journal,
    "a log of another database": wrong_wal,
}
HARMLESS = {"a journal of another database", "a log of another database", "a text encoding that is none"}
"""What SQLite passes over, or what no command needs."""


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_database_ends_in_one_sentence_and_is_left_as_it_is(
    what: str, sound: Path, running: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    codes = set()
    Path("names").write_text("TideCache\n")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with OpenAIServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        for words in (*READ, *WRITE):
            cache = tmp_path / "cache.db"
            shutil.rmtree(cache) if cache.is_dir() else cache.unlink(missing_ok=True)
            for beside in tmp_path.glob("cache.db-*"):
                beside.unlink()
            shutil.copy(sound, cache)
            BROKEN[what](cache)
            before = digest(cache)
            ran = running(*words, "--db", cache, secrets=[KEY], prepared=UNLOCKED, raw=words == ("export",))
            assert ran.code in {0, 2} or words[0] == "lookup", (words, ran.err)
            codes.add(ran.code)
            if ran.code == 2:
                assert len(ran.sentences) == 1, (words, ran.err)
                # An answer that was paid for is kept even where the row it leads to cannot be, and what an
                # editor asks for where the edition cannot be composed: the next one goes by it.
                assert digest(cache) == before or words[0] in {"annotate", "edit"}, words
    assert (2 in codes) == (what not in HARMLESS)
    assert len(server.seen) <= MOST_CALLS


def test_there_are_thirty_broken_databases() -> None:
    assert len(BROKEN) >= 30


@pytest.mark.parametrize("how", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_cache_that_another_program_locks_can_be_read_and_what_writes_says_so(
    how: str, sound: Path, running: Running, tmp_path: Path
) -> None:
    cache = tmp_path / "cache.db"
    shutil.copy(sound, cache)
    with closing(sqlite3.connect(cache, isolation_level=None)) as other:
        other.execute(f"BEGIN {how}")
        assert running("list", "--db", cache).code == 0
        for words in (
            ("fetch", "sample"),
            ("remove", "TideCache", "--yes"),
            ("correct", "TideCache", "--code", "none"),
        ):
            ran = running(*words, "--db", cache, prepared=UNLOCKED)
            assert ran.code == 2, (words, ran.err)
            (sentence,) = ran.sentences
            assert "locked by another program; try again" in sentence
        other.execute("ROLLBACK")
    assert running("fetch", "sample", "--db", cache).code == 0


def digest(path: Path) -> str:
    """What stands in a file; of another thing, that it is still there."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else str(path.lstat().st_mode)
