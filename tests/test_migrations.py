"""Opening a database: of every earlier version, of a newer one, of another program, or none at all."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlite_utils import Database

import warm_start
from broadsheet import Filter, Store, StoreError
from broadsheet.llm import Fault
from broadsheet.llm.openai_batch.stored import from_text
from broadsheet.migrations import migrations, upgrade
from broadsheet.record import Maker
from broadsheet.store import connection, write_ahead
from builders import ABSTRACT, DAY, add, annotate, paper, rows

NAMES = [migration.name for migration in migrations.pending(Database(memory=True))]


@pytest.fixture(autouse=True)
def _migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """New databases are made by the migrations, as nowhere else in these tests."""
    monkeypatch.setattr(connection, "upgrade", upgrade)


def one_sentence(error: pytest.ExceptionInfo[StoreError]) -> str:
    said = str(error.value)
    assert "\n" not in said
    assert said.endswith((".", "sample"))
    return said


def made_at(path: Path, last: str) -> None:
    """A database as it was when this migration was the last, with a paper in it."""
    later = NAMES[NAMES.index(last) + 1 :]
    with closing(sqlite3.connect(path)) as plain:
        migrations.apply(Database(plain, execute_plugins=False), stop_before=later)
        plain.execute(
            """INSERT INTO papers (id, title, title_key, abstract, source, first_seen, admitted_at,
                   content_hash)
               VALUES ('old-1', 'Old Tides', 'old tides', ?, 'jsonl', '2025-01-01', '2025-01-01', 'h')""",
            [ABSTRACT],
        )
        columns = "rowid, title, abstract"
        if NAMES.index(last) >= NAMES.index("m017_one_search_index"):
            columns += ", tldr, keywords, tags, authors"
        plain.execute(
            f"INSERT INTO papers_fts ({columns}) VALUES (last_insert_rowid(), 'Old Tides', ?"
            + ", ''" * (columns.count(",") - 2)
            + ")",
            [ABSTRACT],
        )
        plain.commit()


@pytest.mark.parametrize("last", NAMES)
def test_a_database_made_at_any_earlier_migration_opens_keeps_its_rows_and_can_be_written(last: str) -> None:
    made_at(Path("old.db"), last)
    with Store.open("old.db") as store:
        assert store.get("old tides").paper.abstract == ABSTRACT
        assert [record.id for record in store.search("soundings")] == ["old-1"]
        add(store, paper())
        annotate(store, paper())
        assert store.count() == 2
        assert [row[0] for row in rows(store, "SELECT name FROM _sqlite_migrations ORDER BY id")] == NAMES


def test_opening_again_changes_nothing() -> None:
    with Store.open("b.db") as store:
        add(store, paper())
    with Store.open("b.db") as store:
        assert rows(store, "SELECT total_changes()") == [(0,)]


def test_a_store_is_in_wal_mode_with_foreign_keys() -> None:
    with Store.open("b.db") as store:
        assert rows(store, "PRAGMA journal_mode") == [("wal",)]
        assert rows(store, "PRAGMA foreign_keys") == [(1,)]


def test_a_database_of_a_newer_version_is_refused_and_left_alone() -> None:
    Store.open("b.db").close()
    with closing(sqlite3.connect("b.db")) as plain:
        plain.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('broadsheet', 'm999_newer', 'x')"
        )
        plain.commit()
    before = Path("b.db").read_bytes()
    with pytest.raises(StoreError, match="newer Broadsheet") as caught:
        Store.open("b.db")
    one_sentence(caught)
    assert Path("b.db").read_bytes() == before


def test_a_database_of_another_program_is_refused_and_left_alone() -> None:
    with closing(sqlite3.connect("b.db")) as plain:
        plain.execute("CREATE TABLE bookmarks (url TEXT)")
        plain.commit()
    before = Path("b.db").read_bytes()
    with pytest.raises(StoreError, match="another program") as caught:
        Store.open("b.db")
    one_sentence(caught)
    assert Path("b.db").read_bytes() == before
    assert not Path("b.db-wal").exists()


def test_an_empty_file_becomes_a_database() -> None:
    Path("b.db").touch()
    with Store.open("b.db", create=False) as store:
        assert store.count() == 0


@pytest.mark.parametrize(
    "content", [b"Title,Abstract\n" * 100, b"\0\xff" * 2_000, b"SQLite format 3\0" + b"x" * 4_000]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(content: bytes) -> None:
    Path("b.db").write_bytes(content)
    with pytest.raises(StoreError, match=r"b\.db") as caught:
        Store.open("b.db")
    assert "--db" in one_sentence(caught)
    assert Path("b.db").read_bytes() == content


def test_a_missing_database_is_refused_where_only_reading_is_meant_and_none_is_made() -> None:
    with pytest.raises(StoreError, match="broadsheet run sample"):
        Store.open("b.db", create=False)
    assert not Path("b.db").exists()


@pytest.mark.parametrize("path", ["", ".", "absent/b.db", "/proc/x.db", "x" * 300, "file/b.db", "/dev/null"])
def test_a_place_where_no_database_can_be_is_told_of_in_one_sentence(path: str) -> None:
    Path("file").touch()
    with pytest.raises(StoreError) as caught:
        Store.open(path)
    one_sentence(caught)


@contextmanager
def locking(path: str) -> Iterator[None]:
    """Another process has the write lock."""
    script = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None);"
        " db.execute('BEGIN EXCLUSIVE'); print('locked', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    try:
        yield
    finally:
        process.communicate()


def test_a_store_can_be_read_while_another_process_writes() -> None:
    with Store.open("b.db") as store:
        add(store, paper())
    with locking("b.db"), Store.open("b.db") as store:
        assert store.get("sandloom").id == paper().id


def test_a_write_beside_another_process_that_does_not_finish_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Store.open("b.db").close()
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0.05)
    with locking("b.db"), Store.open("b.db") as store:
        with pytest.raises(StoreError, match="locked by another program") as caught:
            add(store, paper())
        one_sentence(caught)


def test_a_new_file_that_another_process_holds_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0.05)
    with locking("b.db"), pytest.raises(StoreError, match="locked by another program"):
        Store.open("b.db")


def test_several_processes_may_open_the_same_new_file_at_once() -> None:
    script = "from broadsheet import Store; Store.open('b.db').close()"
    processes = [
        warm_start.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert [process.communicate()[1] for process in processes] == ["", "", ""]


def test_a_file_without_a_log_that_another_process_writes_to_for_a_moment_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Store.open("b.db").close()
    with closing(sqlite3.connect("b.db", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN IMMEDIATE")
        clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: other.execute("COMMIT"))
        monkeypatch.setattr(write_ahead, "time", clock)
        with Store.open("b.db") as store:
            assert store._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert not other.in_transaction


def batched_pages(content: bytes, size: int = connection.PAGE_BYTES) -> list[bytes]:
    """The pages of a database file."""
    return [content[start : start + size] for start in range(0, len(content), size)]


def test_damage_that_shows_itself_while_rows_are_read_is_told_of() -> None:
    with Store.open("b.db") as store, store.transaction():
        for number in range(400):
            store.papers.add(paper(f"Paper {number}", sighting=None), DAY)
    pages = [bytearray(page) for page in batched_pages(Path("b.db").read_bytes())]
    for page in pages:
        if b"Paper 39" in page:
            page[:8] = b"\xff" * 8  # the header of a page of rows
    Path("b.db").write_bytes(b"".join(pages))
    with Store.open("b.db") as store:
        cursor = store._db.execute("SELECT * FROM papers")
        assert next(cursor)["title"] == "Paper 0"
        for read in (lambda: list(cursor), store._db.execute("SELECT * FROM papers").fetchall):
            with pytest.raises(StoreError, match="damaged") as caught:
                read()
            one_sentence(caught)


def test_words_that_are_no_utf8_are_damage() -> None:
    with Store.open("b.db") as store:
        store.papers.add(paper("A lantern that nobody lit"), DAY)
    Path("b.db").write_bytes(Path("b.db").read_bytes().replace(b"lantern that", b"lan\xff\xfern that"))
    with Store.open("b.db") as store, pytest.raises(StoreError, match="damaged") as caught:
        list(store._db.execute("SELECT title FROM papers"))
    one_sentence(caught)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_file_and_a_read_only_folder_are_told_of_in_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "fixed"
    folder.mkdir()
    with Store.open(folder / "b.db") as store:
        add(store, paper())
    folder.chmod(0o555)
    try:
        with pytest.raises(StoreError, match=r"new\.db") as caught:
            Store.open(folder / "new.db")
        one_sentence(caught)
        (folder / "b.db").chmod(0o444)
        with pytest.raises(StoreError, match=r"b\.db") as caught, Store.open(folder / "b.db") as store:
            add(store, paper("Other"))
        one_sentence(caught)
    finally:
        folder.chmod(0o755)


def test_a_request_that_an_older_version_left_with_the_batch_api_is_read_with_its_faults_and_its_prompt() -> (
    None
):
    made_at(Path("old.db"), "m010_waste_by_paper")
    told = paper()
    fault = {"record": {"tldr": "x"}, "problems": ["tldr: too short"], "reply_id": 7}
    memo = {"prompt": "old prompt", "schema": "old schema", "again": 1, "faults": [fault]}
    request = {
        "papers": {"P1": told.model_dump(mode="json")},
        "turns": [["system", "Annotate."]],
        "schema": {},
        "input_tokens": 900,
        "max_output_tokens": 240,
        "purpose": "repair",
        "memo": json.dumps(memo),
    }
    with closing(sqlite3.connect("old.db")) as plain:
        plain.execute(
            """INSERT INTO batch_requests (id, endpoint, model, request)
                VALUES ('r1', 'here', 'gpt-5-mini', ?)""",
            [json.dumps(request)],
        )
        plain.commit()
    with Store.open("old.db") as store:
        (kept,) = store.batch_jobs("here", "gpt-5-mini").open_requests()
    read = from_text(kept.id, kept.text)
    assert read.papers == {"P1": told}
    assert read.maker == Maker("openai-batch", "gpt-5-mini", "old prompt", "old schema")
    assert (read.purpose, read.times) == ("repair", 1)
    assert read.faults == {"P1": Fault({"tldr": "x"}, ("tldr: too short",), 7)}


def test_what_a_search_index_had_wrong_is_put_right_and_every_paper_keeps_its_row(tmp_path: Path) -> None:
    made_at(Path("old.db"), "m016_editions_by_newsletter")
    with closing(sqlite3.connect("old.db")) as plain:
        plain.execute("UPDATE papers SET rowid = 7")
        plain.execute("INSERT INTO papers_fts (rowid, title) VALUES (8, 'A paper that is gone')")
        plain.execute("INSERT INTO versions VALUES ('old-1', 'h', 1, 'Old Tides', 'Now.', '', '2025-01-01')")
        plain.execute("INSERT INTO versions VALUES ('old-1', 'g', 1, 'Old Tides', 'Then.', '', '2024-12-01')")
        plain.commit()
    with Store.open("old.db") as store:
        assert rows(store, "SELECT rowid FROM papers") == [(7,)]
        assert not list(store.search("gone"))
        assert [record.id for record in store.search("soundings")] == ["old-1"]
        assert rows(store, "SELECT abstract FROM versions") == [("Then.",)]
        assert [version.abstract for version in store.overview.versions(["old-1"])["old-1"]] == [
            "Then.",
            ABSTRACT,
        ]


def test_the_words_of_a_readers_filter_must_all_stand_as_before() -> None:
    made_at(Path("old.db"), "m018_subscribers_and_deliveries")
    where = '{"tags":["graphs"],"match":"any","search":"tidal “flats”"}'
    with closing(sqlite3.connect("old.db")) as plain:
        plain.execute(
            """INSERT INTO subscribers (id, uid, address, address_hash, newsletter, filter, rhythm, state,
                   created_at)
               VALUES (1, 'u', 'a@example.org', x'00', 'daily', ?, 'daily', 'confirmed', '')""",
            [where],
        )
        plain.execute(
            "INSERT INTO tokens VALUES (x'01', 1, 'confirm', ?, '', '')",
            [f'{{"filter": {where}, "rhythm": "daily"}}'],
        )
        plain.execute("INSERT INTO tokens VALUES (x'02', 1, 'reader', '', '', '')")
        plain.commit()
    with Store.open("old.db") as store:
        (reader,) = store.subscribers.each()
        assert (reader.filter.words, reader.filter.search) == ("tidal “flats”", "")
        wanted = json.loads(store.subscribers.token(b"\x01").wanted)
        assert Filter.model_validate(wanted["filter"]) == reader.filter


KILLED = """
import os, signal
from broadsheet import Store
from broadsheet.migrations import one_search_index
one_search_index._rename_words_of_filters = lambda db: os.kill(os.getpid(), signal.SIGKILL)
Store.open("old.db")
"""


def test_an_upgrade_that_is_killed_has_changed_nothing_and_can_be_done_again() -> None:
    made_at(Path("old.db"), "m018_subscribers_and_deliveries")
    with closing(sqlite3.connect("old.db")) as plain:
        plain.execute("PRAGMA journal_mode = WAL")  # as a cache that is in use
    killed = warm_start.Popen([sys.executable, "-c", KILLED])
    assert killed.wait() == -signal.SIGKILL
    with closing(sqlite3.connect("old.db")) as plain:
        assert plain.execute("SELECT count(*) FROM annotations_fts").fetchone() == (0,)
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with Store.open("old.db") as store:
        assert [record.id for record in store.search("soundings")] == ["old-1"]


def made_with_long_texts(path: Path) -> tuple[str, str]:
    """A database of before texts were packed, with a reply and an edition; returns their texts."""
    made_at(path, "m023_vectors")
    reply, edition = "What the “model” said. " * 40, '{"day":"2025-01-01","newsletter":"daily","sections":[]}'
    with closing(sqlite3.connect(path)) as plain:
        plain.execute(
            """INSERT INTO replies (request_id, engine, model, prompt, schema, purpose, papers, text,
                   finish_reason, refusal, answered_by, input_tokens, cached_tokens, output_tokens, latency_s,
                   received_at)
               VALUES ('r', 'openai', 'm', 'p', 's', 'annotate', '{}', ?, 'stop', '', 'm', 1, 0, 1, 1, '')""",
            [reply],
        )
        plain.execute(
            """INSERT INTO editions (newsletter, day, edition, composed_at)
               VALUES ('daily', '2025-01-01', ?, '')""",
            [edition],
        )
        plain.commit()
    return reply, edition


LONG_TEXTS = "SELECT text FROM replies UNION ALL SELECT edition FROM editions"


def test_replies_and_editions_of_an_older_cache_are_packed_and_read_word_for_word() -> None:
    reply, edition = made_with_long_texts(Path("old.db"))
    with Store.open("old.db") as store:
        assert [each.text for each in store.annotations.replies()] == [reply]
        assert rows(store, "SELECT unpack(edition) FROM editions") == [(edition,)]
        assert all(isinstance(stored, bytes) for (stored,) in rows(store, LONG_TEXTS))
        with pytest.raises(sqlite3.DatabaseError, match="append-only"):
            rows(store, "UPDATE replies SET text = ''")


PACKING_KILLED = """
import os, signal
from broadsheet import Store
from broadsheet.migrations import packed_texts

def teach(connection):
    packed = []
    def pack(text):
        packed.append(text)
        if len(packed) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return b"packed"
    connection.create_function("pack", 1, pack)

packed_texts.teach = teach
Store.open("old.db")
"""


def test_a_packing_that_is_killed_has_changed_nothing_and_can_be_done_again() -> None:
    texts = made_with_long_texts(Path("old.db"))
    killed = subprocess.run([sys.executable, "-c", PACKING_KILLED], check=False)
    assert killed.returncode == -signal.SIGKILL
    with closing(sqlite3.connect("old.db")) as plain:
        assert [text for (text,) in plain.execute(LONG_TEXTS)] == list(texts)
    with Store.open("old.db") as store:
        assert [each.text for each in store.annotations.replies()] == [texts[0]]


def test_packed_bytes_that_are_damaged_are_told_of() -> None:
    made_with_long_texts(Path("old.db"))
    with Store.open("old.db") as store:
        rows(store, "UPDATE editions SET edition = x'00'")
        with pytest.raises(StoreError, match="damaged") as caught:
            store.editions.get(date(2025, 1, 1))
    one_sentence(caught)


def page_bytes(path: str) -> int:
    with closing(sqlite3.connect(path)) as plain:
        size: int = plain.execute("PRAGMA page_size").fetchone()[0]
        return size


def test_an_upgrade_gives_pages_their_new_size_unless_another_process_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_S", 0.05)
    for name in ("alone.db", "read.db"):
        made_with_long_texts(Path(name))
        with closing(sqlite3.connect(name)) as plain:
            plain.execute("PRAGMA journal_mode = WAL")
    Store.open("alone.db").close()
    with closing(sqlite3.connect("read.db")) as reader:
        reader.execute("SELECT 1 FROM papers").fetchone()
        Store.open("read.db").close()
    Store.open("new.db").close()
    sizes = [page_bytes(name) for name in ("new.db", "alone.db", "read.db")]
    assert sizes == [connection.PAGE_BYTES, connection.PAGE_BYTES, 4096]
    with Store.open("read.db") as store:
        assert store.count() == 1
        assert rows(store, "PRAGMA journal_mode") == [("wal",)]


def test_an_upgrade_writes_to_the_file_and_to_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    made_at(Path("old.db"), "m023_vectors")
    with closing(sqlite3.connect("old.db")) as plain:
        plain.execute("PRAGMA journal_mode = WAL")
    apply, seen = migrations.apply, []

    def watched(db: Database) -> None:
        seen.append(db.execute("PRAGMA journal_mode").fetchone()[0])
        apply(db)

    monkeypatch.setattr(migrations, "apply", watched)
    for _ in range(2):
        with Store.open("old.db") as store:
            assert rows(store, "PRAGMA journal_mode") == [("wal",)]
    assert seen == ["delete"]


def test_an_upgrade_gives_the_room_back_that_it_has_freed() -> None:
    made_at(Path("old.db"), "m018_subscribers_and_deliveries")
    with closing(sqlite3.connect("old.db")) as plain:
        for number in range(3_000):
            plain.execute(
                "INSERT INTO versions VALUES ('old-1', 'h', ?, 'Old Tides', ?, '', '2025-01-01')"
                " ON CONFLICT DO UPDATE SET abstract = abstract || excluded.abstract",
                [number, ABSTRACT],
            )
        plain.commit()
    before = Path("old.db").stat().st_size
    with Store.open("old.db") as store:
        assert rows(store, "PRAGMA freelist_count") == [(0,)]
    assert Path("old.db").stat().st_size < before


def test_vectors_of_the_model_before_are_removed_and_those_of_an_endpoint_kept() -> None:
    made_at(Path("old.db"), "m025_vector_signs")
    with closing(sqlite3.connect("old.db")) as plain:
        plain.executemany(
            "INSERT INTO vectors (model, content_hash, vector) VALUES (?, 'h', x'00')",
            [("wordllama-256",), ("text-embedding-3-small",)],
        )
        plain.execute("INSERT INTO vector_signs VALUES ('wordllama-256', 1, 'old-1', '', x'00', x'00')")
        plain.commit()
    with Store.open("old.db") as store:
        assert rows(store, "SELECT model FROM vectors") == [("text-embedding-3-small",)]
        assert rows(store, "SELECT count(*) FROM vector_signs") == [(0,)]
