"""A backup in text: what it keeps, what never enters it, and that the same cache comes out of it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from broadsheet.annotation import Finding
from broadsheet.backup import MANIFEST, back_up, rebuild
from broadsheet.backup import writing as backup_writing
from broadsheet.backup.lines import Line, line_of, loaded, sealed
from broadsheet.compose import compose
from broadsheet.errors import ConfigError, StoreError
from broadsheet.fields import UserField
from broadsheet.migrations import migrations
from broadsheet.render import render
from broadsheet.store import Store
from broadsheet.store.overview import EditionKey
from broadsheet.store.tables import KEPT, LEFT_OUT, PACKED, Tables, table_names
from builders import DAY, add, annotate, annotation, keep_reply, maker, paper, rows, sighting
from editions import TAXONOMY, small_edition
from in_process import broadsheet
from readers import add_reader, mail_settings, send
from servers.smtp import MailServer

NEXT = DAY + timedelta(days=1)
READER = "reader.of.papers@example.org"
AUDIENCE = UserField(name="audience", type="text", description="Who can use it")


def live(store: Store) -> None:
    """Let a cache see a revision, a correction, a merge, a removal, posts, mail and a second day."""
    store.declare((AUDIENCE,))
    tide = store.get("SandLoom: Tidal Flats").paper
    with MailServer() as server:
        add_reader(store, READER)
        send(store, mail_settings(server))
    revised = tide.model_copy(update={"abstract": f"{tide.abstract} Revised.", "version": 2})
    doubt = Finding(field="tldr", kind="number-not-in-abstract", detail="17%", severity="note")
    with store.transaction():
        reply = keep_reply(store, {"P1": tide})
        store.papers.revise(revised)
        store.annotations.keep(revised, maker(), annotation(), [doubt], reply)
        store.annotations.keep(revised, maker("editor", "editor"), annotation(tldr="The editor's own words."))
    buoys, twin = store.get("Drift of Buoys").paper, paper("Kelp", sighting=sighting(NEXT, origin="b.jsonl"))
    kelp = paper("Kelp Grows at Noon", sighting=sighting(NEXT, votes=3))
    add(store, twin, kelp, day=NEXT)
    annotate(store, kelp, said=store.annotation(**annotation().model_dump(), audience="divers"))
    with store.transaction():
        store.papers.merge(buoys.id, twin.id)
        store.papers.remove(store.get("Salt Lines").id)
        second, first = EditionKey("daily", NEXT), EditionKey("daily", DAY)
        store.edits.pin(second, kelp.id)
        store.edits.note(second, kelp.id, "Dive and look.")
        store.edits.correct(first, NEXT, "It halves the error on eight estuaries.", tide.id)
    compose(store, NEXT, taxonomy=TAXONOMY)
    with store.transaction():
        content = store.deliveries.content("daily", "2026-01-05", "{}", [tide.id])
        store._db.execute(
            """INSERT INTO deliveries (channel, recipient, newsletter, issue, content_id, key, state,
                   changed_at)
               VALUES ('webhook', 'slack', 'daily', '2026-01-05', ?, 'k1', 'sent', '2026-01-05')""",
            [content],
        )
        store.worker_days.settle(DAY, "done")


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that has seen one of everything, and its backup in ``backup`` beside it."""
    folder = tmp_path_factory.mktemp("lived-in")
    before = Path.cwd()
    os.chdir(folder)
    try:
        store, _ = small_edition(folder / "cache.db")
        with store:
            back_up(folder / "cache.db", folder / "backup", today=DAY)
            live(store)
        back_up(folder / "cache.db", folder / "backup", today=NEXT)
    finally:
        os.chdir(before)
    return folder


def kept(path: Path) -> dict[str, list[Any]]:
    """All rows of the kept tables, with their numbers."""
    with Store.open(path) as store:
        tables = Tables(store._db)
        return {name: list(tables.rows(name)) for name in tables.names()}


def indexed(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("INSERT INTO papers_fts (papers_fts, rank) VALUES ('integrity-check', 1)")
        return {"papers_fts": plain.execute("SELECT rowid, * FROM papers_fts ORDER BY rowid").fetchall()}


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def pages(path: Path) -> list[Any]:
    with Store.open(path) as store:
        return [
            render(store.edits.with_corrections(edition), TAXONOMY, "en")
            for day in store.editions.days()
            if (edition := store.editions.get(day))
        ]


def test_a_backup_tells_packed_texts_as_texts_and_they_are_packed_again(
    lived_in: Path, tmp_path: Path
) -> None:
    for table, column in PACKED.items():
        lines = [
            json.loads(line)
            for part in sorted((lived_in / "backup").rglob("*.jsonl"))
            if table in part.relative_to(lived_in).parts or part.stem.startswith(table)
            for line in part.read_text(encoding="utf-8").splitlines()
        ]
        told = [line["row"][column] for line in lines if line["row"] and column in line["row"]]
        assert told
        assert all(isinstance(text, str) and text.startswith("{") for text in told)
    rebuild(lived_in / "backup", tmp_path / "new.db")
    with Store.open(tmp_path / "new.db") as store:
        for table, column in PACKED.items():
            assert rows(store, f"SELECT DISTINCT typeof({column}) FROM {table}") == [("blob",)]


def test_every_table_is_kept_or_left_out_for_a_reason() -> None:
    with Store.in_memory() as store:
        present = set(table_names(store._db))
    assert present - KEPT.keys() - LEFT_OUT.keys() == set(), "a line in store/tables.py is missing"
    assert (KEPT.keys() | LEFT_OUT.keys()) - present == set()
    assert not KEPT.keys() & LEFT_OUT.keys()


def test_the_cache_that_the_claims_below_are_about_has_rows_in_nearly_every_kept_table(
    lived_in: Path,
) -> None:
    empty = {name for name, found in kept(lived_in / "cache.db").items() if not found}
    assert empty == {
        *("links", "runs"),
        *("batch_jobs", "batch_requests", "batch_papers", "dialects", "endpoint_limits"),
    }


def test_a_rebuilt_cache_is_the_same_table_by_table_and_index_by_index(lived_in: Path) -> None:
    rebuild(lived_in / "backup", Path("new.db"))
    assert kept(Path("new.db")) == kept(lived_in / "cache.db")
    assert indexed(Path("new.db")) == indexed(lived_in / "cache.db")
    with Store.open("new.db") as store:
        assert store._db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert not store._db.execute("PRAGMA foreign_key_check").fetchall()
        assert all(
            not store._db.execute(f"SELECT 1 FROM {name}").fetchall() for name in ("tokens", "bounces")
        )


def test_every_table_comes_back_with_its_declaration(lived_in: Path) -> None:
    rebuild(lived_in / "backup", Path("new.db"))

    def schema(path: Path) -> set[tuple[str, str]]:
        with closing(sqlite3.connect(path)) as plain:
            return set(plain.execute("SELECT name, sql FROM sqlite_master WHERE type != 'table'"))

    assert schema(Path("new.db")) == schema(lived_in / "cache.db")


def test_editions_of_a_rebuilt_cache_render_byte_for_byte(lived_in: Path) -> None:
    rebuild(lived_in / "backup", Path("new.db"))
    assert len(pages(Path("new.db"))) == 2
    assert pages(Path("new.db")) == pages(lived_in / "cache.db")


def test_a_rebuilt_cache_goes_on_like_the_one_that_was_lost(lived_in: Path) -> None:
    shutil.copy(lived_in / "cache.db", "old.db")
    rebuild(lived_in / "backup", Path("new.db"))
    for name in ("old.db", "new.db"):
        with Store.open(name) as store:
            third = NEXT + timedelta(days=1)
            add(store, paper("Mud Remembers", sighting=sighting(third)))
            compose(store, third, taxonomy=TAXONOMY)
            assert [card.title for card in store.search('"mud"')] == ["Mud Remembers"]
    assert pages(Path("old.db"))[0] == pages(Path("new.db"))[0]


def test_no_address_token_or_delivery_of_a_reader_is_in_it(lived_in: Path) -> None:
    found = files(lived_in / "backup")
    assert not [name for name, content in found.items() if READER.encode() in content]
    assert not {"subscribers", "tokens", "suppressions", "bounces"} & {name.split("/")[0] for name in found}
    posted = [json.loads(line)["row"] for line in found[f"deliveries/{NEXT}.jsonl"].splitlines()]
    assert [(row["channel"], "subscriber_id" in row) for row in posted] == [("webhook", False)]
    with Store.open(lived_in / "cache.db") as store:
        assert sum(store.deliveries.states("daily", "mail").values()) == 1


def test_a_second_backup_on_the_next_day_only_adds_that_days_files(lived_in: Path) -> None:
    first = Path("first")
    shutil.copytree(lived_in / "backup", first)
    for path in first.glob(f"*/{NEXT}.jsonl"):
        path.unlink()
    grown = files(lived_in / "backup")
    assert {name: grown[name] for name in files(first)} == files(first)
    assert all(NEXT.isoformat() in name for name in grown.keys() - files(first).keys())
    told = [json.loads(line) for line in grown[f"papers/{NEXT}.jsonl"].splitlines()]
    changed = next(each["row"] for each in told if each["row"] and "abstract" in each["row"])
    assert "authors" not in changed  # what has not changed is not told again


def test_a_backup_of_what_has_not_changed_writes_nothing(lived_in: Path) -> None:
    shutil.copytree(lived_in / "backup", "backup")
    before = files(Path("backup"))
    report = back_up(lived_in / "cache.db", Path("backup"), today=NEXT + timedelta(days=9))
    assert (report.lines, report.files) == (0, 0)
    assert files(Path("backup")) == before


def test_two_backups_of_one_day_append_to_the_same_files() -> None:
    with Store.open("cache.db") as store:
        add(store, paper())
        back_up(Path("cache.db"), Path("backup"), today=DAY)
        before = files(Path("backup"))
        add(store, paper("Mud Remembers"))
    back_up(Path("cache.db"), Path("backup"), today=DAY)
    after = files(Path("backup"))
    assert after.keys() == before.keys()
    assert all(after[name].startswith(content) for name, content in before.items())


def test_a_clock_that_was_set_back_does_not_turn_the_order_round() -> None:
    with Store.open("cache.db") as store:
        add(store, paper(sighting=sighting(votes=1)))
        back_up(Path("cache.db"), Path("backup"), today=NEXT)
        with store.transaction():
            store.papers.sight(paper().id, sighting(votes=2))
    back_up(Path("cache.db"), Path("backup"), today=DAY)
    rebuild(Path("backup"), Path("new.db"))
    with Store.open("new.db") as store:
        assert store.get("SandLoom").votes == 2


def test_a_large_day_goes_on_in_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_writing, "LARGEST_BYTES", 3_000)
    with Store.open("cache.db") as store:
        add(store, *(paper(f"Tide Number {number}") for number in range(60)))
        back_up(Path("cache.db"), Path("backup"), today=DAY)
        add(store, paper("Mud Remembers"))
    back_up(Path("cache.db"), Path("backup"), today=DAY)
    names = [path.name for path in Path("backup", "papers").iterdir()]
    assert {f"{DAY}.jsonl", f"{DAY}.2.jsonl", f"{DAY}.10.jsonl"} <= set(names)
    assert all(path.stat().st_size < 5_000 for path in Path("backup", "papers").iterdir())
    rebuild(Path("backup"), Path("new.db"))
    assert kept(Path("new.db")) == kept(Path("cache.db"))


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("last", range(12))
def test_whoever_is_killed_leaves_the_old_backup_or_the_new_one(
    last: int, lived_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = Path("old"), files(lived_in / "backup")
    shutil.copytree(lived_in / "backup", old)
    for path in old.glob(f"*/{NEXT}.jsonl"):
        path.unlink()
    before, steps = files(old), 0
    replace = Path.replace

    def mortal(self: Path, target: Path) -> Path:
        nonlocal steps
        steps += 1
        if steps > last:
            raise Killed
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", mortal)
        with pytest.raises(Killed):
            back_up(lived_in / "cache.db", old, today=NEXT)
    rebuild(old, Path("new.db"))  # whatever was listed is put in place first
    assert files(old) == (before if last == 0 else new)
    if last:
        assert kept(Path("new.db")) == kept(lived_in / "cache.db")
    back_up(lived_in / "cache.db", old, today=NEXT)
    assert files(old) == new


@pytest.mark.parametrize(
    "line",
    [
        b'{"key": ["a"], "row": {"title": {"bytes": "x"}}}',
        b'{"key": ["a"], "row": {"title": {"base64": "x"}}}',
        b'{"key": ["a"], "row": {"title": {"base64": 7}}}',
        b'{"key": ["a"], "row": {"title": ' + b"[" * 100_000,
        b'{"key": 7}',
        b"\xff",
    ],
)
def test_a_line_that_no_backup_wrote_is_told_of(line: bytes, lived_in: Path) -> None:
    shutil.copytree(lived_in / "backup", "backup")
    path = Path("backup", "papers", f"{NEXT}.9.jsonl")
    path.write_bytes(line)
    with pytest.raises(ConfigError, match=r"Line 1 of backup/papers/.*\.9\.jsonl cannot be read"):
        rebuild(Path("backup"), Path("new.db"))
    assert not Path("new.db").exists()


def test_a_file_of_a_day_that_is_none_is_left_alone(lived_in: Path) -> None:
    shutil.copytree(lived_in / "backup", "backup")
    Path("backup/papers/2026-13-45.jsonl").write_text("no line")
    rebuild(Path("backup"), Path("new.db"))
    assert kept(Path("new.db")) == kept(lived_in / "cache.db")


def test_a_half_written_file_is_told_of_with_its_line(lived_in: Path) -> None:
    shutil.copytree(lived_in / "backup", "backup")
    path = Path("backup", "papers", f"{DAY}.jsonl")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ConfigError, match=rf"Line 8 of backup/papers/{DAY}\.jsonl cannot be read"):
        rebuild(Path("backup"), Path("new.db"))
    assert [each.name for each in Path().iterdir()] == ["backup"]


def test_a_backup_that_lacks_a_file_makes_no_cache(lived_in: Path) -> None:
    shutil.copytree(lived_in / "backup", "backup")
    Path("backup", "papers", f"{DAY}.jsonl").unlink()
    with pytest.raises(StoreError, match="not whole"):
        rebuild(Path("backup"), Path("new.db"))
    assert [each.name for each in Path().iterdir()] == ["backup"]


def test_what_cannot_be_rebuilt_is_said_in_one_sentence(lived_in: Path) -> None:
    with pytest.raises(ConfigError, match="There is no backup in nowhere"):
        rebuild(Path("nowhere"), Path("new.db"))
    Path("here.db").touch()
    with pytest.raises(ConfigError, match="exists already"):
        rebuild(lived_in / "backup", Path("here.db"))
    shutil.copytree(lived_in / "backup", "later")
    Path("later", MANIFEST).write_text('{"format": 1, "migration": "m999_newer"}')
    with pytest.raises(StoreError, match="newer Broadsheet"):
        rebuild(Path("later"), Path("new.db"))
    Path("later", MANIFEST).write_text('{"format": 2, "migration": "m001_papers"}')
    with pytest.raises(ConfigError, match="newer Broadsheet"):
        back_up(lived_in / "cache.db", Path("later"))


def test_a_backup_of_an_older_version_becomes_a_cache_of_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [migration.name for migration in migrations.pending(Database(memory=True))]
    older = names[: names.index("m018_subscribers_and_deliveries")]
    with Store.open("cache.db") as store:
        add(store, paper())
    back_up(Path("cache.db"), Path("backup"), today=DAY)
    shutil.rmtree(Path("backup", "worker_days"), ignore_errors=True)
    Path("backup", MANIFEST).write_text(json.dumps({"format": 1, "migration": older[-1]}))
    rebuild(Path("backup"), Path("new.db"))
    assert kept(Path("new.db")) == kept(Path("cache.db"))
    with Store.open("new.db") as store:
        assert [card.title for card in store.search("soundings")] == [paper().title]


VALUES = st.none() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary()
VALUES |= st.floats(allow_nan=False, allow_infinity=False)


@given(VALUES, VALUES)
def test_a_value_comes_back_from_its_line_and_is_told_from_any_other(one: Any, other: Any) -> None:
    line = line_of("[1]", {"value": one})
    assert line.count(b"\n") == 1
    row = Line.model_validate_json(line).row
    assert row is not None
    back = loaded(row["value"])
    assert (type(back), back) == (type(one), one)
    assert sealed(back) == sealed(one)
    if (type(one), one) != (type(other), other):
        assert sealed(one) != sealed(other)


def test_the_commands_say_what_they_did() -> None:
    broadsheet("run", "sample", "--quiet")
    code, out = broadsheet("backup", "archive", "--json")
    told = json.loads(out)
    assert (code, told["lines"]) == (0, told["rows"])
    assert (
        broadsheet("backup", "archive")[1]
        == f"{told['rows']} rows in archive: 0 lines appended to 0 files.\n"
    )
    code, out = broadsheet("rebuild", "archive", "--database", "new.db", "--json")
    assert (code, json.loads(out)) == (0, {"database": "new.db", "rows": told["rows"]})
    assert broadsheet("list", "--db", "new.db") == broadsheet("list")
    assert broadsheet("rebuild", "archive")[0] == 2  # broadsheet.db is there
