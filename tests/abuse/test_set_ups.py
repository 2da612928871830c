"""Set-ups that cannot work: configuration, options, names, folders, locale; each ends in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import broadsheet.cli.lookup as lookup
from abuse.conftest import KEY
from abuse.running import Ran, Running
from broadsheet.cli.last_door import EXIT_INTERNAL
from in_process import Command
from terminals import environment

DAY = ("--date", "2026-01-05")
TOML = {
    "bytes that are no UTF-8": b'model = "\xff"\n',
    "values nested too deep": b"a = " + b"[" * 100_000,
    "half a table": b"[broadsheet\n",
    "a table where a value belongs": b"[db]\nname = 1\n",
    "a user that does not exist": b'db = "~nosuchuser/x.db"\n',
    "a NUL in a path": b'out = "a\\u0000b"\n',
    "an unknown key": b'modle = "x"\n',
    "a day count beyond the calendar": b"look_back_days = 99999999999\n",
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00",
    "an escape sequence for an engine": b'engine = "\\u001b[31mred"\n',
}
LONG = "a" * 300
RULES = ("--engine", "extractive", *DAY)
pytestmark = pytest.mark.usefixtures("filled")
WORDS: dict[str, tuple[str, ...]] = {
    "a database in memory": ("fetch", "sample", "--db", ":memory:"),
    "a database of a user that does not exist": ("list", "--db", "~nosuchuser/x.db"),
    "a database with a name too long": ("list", "--db", LONG),
    "a folder with a name too long": ("run", "sample", "--out", LONG, *RULES),
    "a folder that is a file": ("run", "sample", "--out", "file", *RULES),
    "a look-back beyond the calendar": ("fetch", "sample", "--look-back", "9999999999"),
    "a day before all newspapers": ("fetch", "sample", "--date", "0001-01-01"),
    "a day at the end of the calendar": ("fetch", "sample", "--date", "9999-12-31"),
    "a day that is none": ("fetch", "sample", "--date", "2026-02-30"),
    "a limit beyond SQLite's integers": ("list", "--limit", "9" * 30),
    "a file that cannot be written": ("export", "--output", "/proc/nowhere/papers.csv"),
    "an option with an escape sequence": ("list", "--\x1b[31mred"),
    "a command with an escape sequence": ("\x1b[31mred",),
    "a tag with an escape sequence": ("list", "--tag", "\x1b[31mred"),
    "a tag that is no UTF-8": ("list", "--tag", os.fsdecode(b"\xff")),
    "a summary that is no UTF-8": ("correct", "TideCache", "--tldr", os.fsdecode(b"\xff")),
}


def refused(running: Running, *words: str) -> Ran:
    """Run a command that cannot work; it says so in one sentence, and the cache stays as it is."""
    before = Path("broadsheet.db").read_bytes()
    ran = running(*words, secrets=[KEY])
    assert ran.code == 2, ran.err
    assert len(ran.sentences) == 1, ran.err
    assert Path("broadsheet.db").read_bytes() == before
    return ran


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the sample's papers."""
    from in_process import broadsheet

    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert broadsheet("run", "sample", *DAY, "-q")[0] == 0
    return folder / "broadsheet.db"


@pytest.fixture
def filled(cache: Path, nobody_asked: None) -> None:
    """The folder that a test starts in has a file and a cache."""
    Path("file").touch()
    Path("broadsheet.db").write_bytes(cache.read_bytes())


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], filled: None) -> Command:
    """The command in this process, in which a test can break it."""
    return Command(monkeypatch, capsys)


@pytest.mark.parametrize("what", TOML)
def test_a_wrong_file_of_settings_is_named_in_one_sentence(what: str, running: Running) -> None:
    Path("broadsheet.toml").write_bytes(TOML[what])
    assert "broadsheet.toml" in refused(running, "stats").err


NESTED = b"a = " + b"[" * 100_000
JSON_NESTED = b"[" * 100_000
PROMPTS = {"BROADSHEET_PROMPTS": "own"}
FILES: dict[str, tuple[str, bytes, dict[str, str], tuple[str, ...]]] = {
    "fields nested too deep": ("own/fields.toml", NESTED, PROMPTS, ("tags",)),
    "a taxonomy nested too deep": ("own/taxonomy.toml", NESTED, PROMPTS, ("tags",)),
    "prices nested too deep": (
        "own/prices.toml",
        NESTED,
        {"BROADSHEET_PRICES": "own/prices.toml"},
        ("annotate",),
    ),
    "a script nested too deep": (
        *("own/s.jsonl", JSON_NESTED, {"BROADSHEET_SCRIPT": "own/s.jsonl"}),
        ("annotate", "--engine", "scripted"),
    ),
    "a reference nested too deep": ("own/r.jsonl", JSON_NESTED, {}, ("evaluate", "own/r.jsonl")),
    "a backup nested too deep": (
        "own/broadsheet-backup.json",
        JSON_NESTED,
        {},
        ("rebuild", "own", "--db", "n.db"),
    ),
    "a site nested too deep": ("site/.broadsheet-site.json", JSON_NESTED, {}, ("site",)),
}


@pytest.mark.parametrize("what", FILES)
def test_a_wrong_file_that_is_asked_for_is_named_in_one_sentence(
    what: str, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, content, variables, words = FILES[what]
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_bytes(content)
    (sentence,) = refused(running, *words).err.splitlines()
    assert Path(name).name in sentence


def test_a_folder_in_place_of_the_settings_is_said(running: Running) -> None:
    Path("broadsheet.toml").mkdir()
    refused(running, "stats")


def test_a_pipe_in_place_of_the_settings_is_not_waited_for(running: Running) -> None:
    os.mkfifo("broadsheet.toml")
    refused(running, "stats")


def test_settings_that_may_not_be_read_are_said(running: Running) -> None:
    Path("broadsheet.toml").touch(mode=0)
    ran = running("stats", prepared=["abuse.hurried:no_rights_of_root"])
    assert (ran.code, len(ran.sentences)) == (2, 1), ran.err
    assert "broadsheet.toml" in ran.err


def test_settings_with_a_byte_order_mark_are_read(running: Running) -> None:
    Path("broadsheet.toml").write_bytes(b'\xef\xbb\xbfdb = "other.db"\n')
    assert running("fetch", "sample", *DAY).code == 0
    assert Path("other.db").exists()


def test_declared_fields_with_a_byte_order_mark_are_read(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("own").mkdir()
    Path("own/fields.toml").write_bytes(b'\xef\xbb\xbf[audience]\ntype = "text"\ndescription = "Who"\n')
    monkeypatch.setenv("BROADSHEET_PROMPTS", "own")
    assert running("tags").code == 0


def test_a_tilde_is_the_home_folder(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("home").mkdir()
    monkeypatch.setenv("HOME", str(Path("home").absolute()))
    Path("broadsheet.toml").write_text('db = "~/papers.db"\n')
    assert running("fetch", "sample", *DAY).code == 0
    assert Path("home/papers.db").exists()


@pytest.mark.parametrize("what", WORDS)
def test_words_that_cannot_work_end_in_one_sentence(what: str, running: Running) -> None:
    refused(running, *WORDS[what])


def test_there_are_twenty_bad_set_ups() -> None:
    assert len({**TOML, **WORDS}) >= 20


def test_what_nobody_foresaw_ends_in_a_sentence_with_a_number_and_a_file_without_secrets(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-test-123\n")
    monkeypatch.setenv("TMPDIR", str(Path.cwd()))
    monkeypatch.setattr("tempfile.tempdir", None)

    def broken(*_: object) -> str:
        raise RuntimeError(
            "no card for \x1b[31mred with sk-of-the-test-123 at http://me:secret-word@localhost/"
        )

    monkeypatch.setattr(lookup, "_card", broken)
    assert command("show", "TideCache") == EXIT_INTERNAL
    assert command.err.count("\n") == 1
    assert "Traceback" not in command.err
    (report,) = Path().glob("broadsheet-E-*.txt")
    assert report.name in command.err
    written = report.read_text()
    assert "RuntimeError" in written
    assert "sk-of-the-test-123" not in written
    assert "secret-word" not in written
    assert report.stat().st_mode & 0o077 == 0


def test_the_same_fault_has_the_same_number(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError(f"something else each time {os.urandom(4).hex()}")

    monkeypatch.setenv("TMPDIR", str(Path.cwd()))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(lookup, "_card", broken)
    numbers = set()
    for _ in range(2):
        command("show", "TideCache")
        numbers.add(command.err.split("number ")[1].split(";")[0])
    assert len(numbers) == 1


@pytest.mark.parametrize(
    ("what", "status"), [("fetch", 0), ("list", 0), ("show", 2)], ids=["fetch", "list", "show"]
)
def test_names_that_are_no_utf8_work_in_a_locale_without_utf8(what: str, status: int, cache: Path) -> None:
    strange = b"papers-\xff.db"
    if what != "fetch":
        Path(os.fsdecode(strange)).write_bytes(cache.read_bytes())
    words = {
        "fetch": [b"sample", b"--date", b"2026-01-05"],
        "list": [],
        "show": [b"no-\xff-such-name"],
    }
    ended = subprocess.run(
        [os.fsencode(sys.executable), b"-m", b"broadsheet", what.encode(), *words[what], b"--db", strange],
        env=environment(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == status, ended.stderr
    assert b"Traceback" not in ended.stderr
    assert Path(os.fsdecode(strange)).exists()
