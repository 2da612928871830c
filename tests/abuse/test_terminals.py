"""What reaches a terminal: nothing that it obeys, nothing that turns a line round, and every letter."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import unicodedata
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.store import Store
from broadsheet.visible import printable, printable_json
from builders import add, annotate, paper
from commands import ended, start
from in_process import Command
from terminals import Terminal

HOSTILE = "Tides \x1b]0;owned\x07\x1b[31m\u202egnp.\u2066exe\u200b\U000e0041 of \x9b31mAttention"
FORBIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def harmless(text: str) -> bool:
    """Tell whether no character is one that a terminal obeys or hides."""
    return all(unicodedata.category(each) not in FORBIDDEN for each in text if each not in "\n\t")


@pytest.fixture
def cache() -> Path:
    """A cache whose one paper was written to by an attacker."""
    ours = paper("Tides of Attention", abstract=f"We count tides. {HOSTILE}")
    with Store.open("broadsheet.db") as store:
        add(store, ours)
        annotate(store, ours)
    with closing(sqlite3.connect("broadsheet.db", isolation_level=None)) as db:
        db.execute("UPDATE papers SET title = ?, authors = ?", [HOSTILE, json.dumps([HOSTILE])])
        db.execute("UPDATE annotations SET tldr = ?", [HOSTILE])
    return Path("broadsheet.db")


@given(st.text())
def test_nothing_is_left_that_a_terminal_obeys(text: str) -> None:
    assert harmless(printable(text))


@given(st.text(st.characters(codec="utf-8")))
def test_json_says_the_same_and_shows_nothing_that_a_terminal_obeys(text: str) -> None:
    written = printable_json(json.dumps({"title": text}, ensure_ascii=False, indent=2))
    assert json.loads(written) == {"title": text}
    assert harmless(written)


@given(
    st.text(
        st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="\u3164\u115f\u1160\uffa0")
    )
)
def test_letters_of_every_script_are_kept(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    "words", [("list",), ("show", "Tides"), ("list", "--json"), ("show", "Tides", "--json")]
)
def test_a_hostile_title_is_harmless_in_a_pipe_too(
    words: tuple[str, ...], cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Command(monkeypatch, capsys)
    assert command(*words) == 0
    assert harmless(command.out)
    assert "Attention" in command.out


def test_an_error_that_quotes_a_title_is_harmless(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Command(monkeypatch, capsys)
    with Store.open(cache) as store:
        add(store, paper("Tides again", abstract="We count them again."))
    assert command("show", "Tides") == 2
    assert harmless(command.err)
    assert command.err.count("Tides") >= 2


@pytest.mark.parametrize("words", [("list", f"--{HOSTILE}"), (HOSTILE,)])
def test_what_the_option_parser_says_is_harmless_though_it_does_not_print_through_us(
    words: tuple[str, ...],
) -> None:
    code, out, err = ended(start(*words))
    assert code == 2
    assert "Attention" in err
    assert harmless(out + err)


@pytest.mark.parametrize("form", ["csv", "jsonl", "bibtex"])
def test_an_export_to_a_terminal_is_harmless(form: str, cache: Path) -> None:
    with Terminal("-m", "broadsheet", "export", "--format", form) as terminal:
        assert terminal.end() == 0
    assert harmless(terminal.raw.replace("\r\n", "\n"))
    assert "Attention" in terminal.raw


def test_an_export_to_a_file_keeps_every_character(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Command(monkeypatch, capsys)
    assert command("export", "--format", "csv", "--output", "papers.csv") == 0
    rows = list(csv.DictReader(io.StringIO(Path("papers.csv").read_text(encoding="utf-8"))))
    assert rows[0]["title"] == HOSTILE


def test_an_unknown_command_is_quoted_harmlessly_at_a_terminal() -> None:
    with Terminal("-m", "broadsheet", "\x1b[31mred\u202e") as terminal:
        assert terminal.end() == 2
    assert harmless(terminal.raw.replace("\r\n", "\n"))
