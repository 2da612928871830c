"""Set-ups that cannot work: configuration, options, names, folders, locale; each ends in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import broadsheet.cli.lookup as lookup
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
WORDS: dict[str, tuple[str, ...]] = {
    "a database in memory": ("fetch", "sample", "--db", ":memory:"),
    "a database of a user that does not exist": ("list", "--db", "~nosuchuser/x.db"),
    "a database with a name too long": ("list", "--db", LONG),
    "a folder with a name too long": ("run", "sample", "--out", LONG, *DAY),
    "a folder that is a file": ("run", "sample", "--out", "file", *DAY),
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


def one_sentence(command: Command, code: int) -> None:
    """Assert how a command ends that cannot work."""
    assert code == 2, command.err
    assert "\x1b" not in command.err
    sentences = [line for line in command.err.splitlines() if line.startswith(("broadsheet: ", "Error: "))]
    assert len(sentences) == 1, command.err


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
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cache: Path) -> Command:
    """The command in this process, in a folder with a file and a cache."""
    Path("file").touch()
    Path("broadsheet.db").write_bytes(cache.read_bytes())
    return Command(monkeypatch, capsys)


@pytest.mark.parametrize("what", TOML)
def test_a_wrong_file_of_settings_is_named_in_one_sentence(what: str, command: Command) -> None:
    Path("broadsheet.toml").write_bytes(TOML[what])
    one_sentence(command, command("stats"))
    assert "broadsheet.toml" in command.err


def test_a_folder_in_place_of_the_settings_is_said(command: Command) -> None:
    Path("broadsheet.toml").mkdir()
    one_sentence(command, command("stats"))


def test_a_pipe_in_place_of_the_settings_is_not_waited_for(command: Command) -> None:
    os.mkfifo("broadsheet.toml")
    one_sentence(command, command("stats"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_settings_that_may_not_be_read_are_said(command: Command) -> None:
    Path("broadsheet.toml").touch(mode=0)
    one_sentence(command, command("stats"))


def test_settings_with_a_byte_order_mark_are_read(command: Command) -> None:
    Path("broadsheet.toml").write_bytes(b'\xef\xbb\xbfdb = "other.db"\n')
    assert command("fetch", "sample", *DAY) == 0
    assert Path("other.db").exists()


def test_a_tilde_is_the_home_folder(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("home").mkdir()
    monkeypatch.setenv("HOME", str(Path("home").absolute()))
    Path("broadsheet.toml").write_text('db = "~/papers.db"\n')
    assert command("fetch", "sample", *DAY) == 0
    assert Path("home/papers.db").exists()


@pytest.mark.parametrize("what", WORDS)
def test_words_that_cannot_work_end_in_one_sentence(what: str, command: Command) -> None:
    one_sentence(command, command(*WORDS[what]))


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
        timeout=60,
        check=False,
    )
    assert ended.returncode == status, ended.stderr
    assert b"Traceback" not in ended.stderr
    assert Path(os.fsdecode(strange)).exists()
