"""Looking many papers up at once, and finding what is like one, as a shell does."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from broadsheet import Store
from builders import add, paper
from in_process import Command

TIDE = paper("Tides of the North", arxiv_id="2601.00001", url="https://example.org/tide")
EBB = paper("Ebb and flow", doi="10.9999/ebb", abstract="Tides of the north ebb.")
TWINS = tuple(paper("Twin papers", id=name, abstract=f"{name} tells of gulls.") for name in ("one", "two"))


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command beside a cache of four papers."""
    monkeypatch.chdir(tmp_path)
    with Store.open("broadsheet.db") as store:
        add(store, TIDE, EBB, *TWINS)
    return Command(monkeypatch, capsys)


def ids(command: Command) -> list[str]:
    return [json.loads(line)["id"] for line in command.out.splitlines()]


def test_each_name_in_a_file_is_answered_in_its_order(command: Command, tmp_path: Path) -> None:
    names = (
        "10.9999/EBB",
        "",
        "https://arxiv.org/abs/2601.00001v3",
        "tides OF the north",
        "example.org/tide",
    )
    (tmp_path / "names.txt").write_text("\r\n".join(names), encoding="utf-8-sig")
    assert command("lookup", "names.txt") == 0
    assert ids(command) == [EBB.id, TIDE.id, TIDE.id, TIDE.id]
    assert command.err == ""


def test_what_is_missing_or_not_just_one_is_named_beside_the_answers(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = b"2601.00001\nTwin papers\nTides\n\xff\xfe\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    assert command("lookup") == 1
    assert ids(command) == [TIDE.id]
    several, part, bytes_ = command.err.splitlines()
    assert "several papers do: one, two" in several
    assert "'Tides'" in part
    assert "No single paper" in bytes_


def test_thousands_of_names_are_answered(command: Command, tmp_path: Path) -> None:
    (tmp_path / "names").write_text("2601.00001\n10.9999/ebb\n" * 1_500, encoding="utf-8")
    assert command("lookup", "names") == 0
    assert ids(command) == [TIDE.id, EBB.id] * 1_500


def test_a_list_that_cannot_be_read_is_one_sentence(command: Command) -> None:
    assert command("lookup", "absent.txt") == 2
    assert len(command.err.splitlines()) == 1


def test_related_papers_are_listed_for_readers_and_for_scripts(command: Command) -> None:
    assert command("related", "tides of", "--json") == 0
    assert ids(command)[0] == EBB.id
    assert command("related", "2601.00001", "--limit", "1") == 0
    assert command.out.splitlines()[0] == f"{EBB.id}  {EBB.title}"
    assert command("related", "no such paper") == 2


def test_a_search_without_vectors_says_that_only_words_are_compared(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broadsheet.store.vectors.installed", lambda: None)
    assert command("list", "--search", "ebb", "--json") == 0
    assert ids(command) == [EBB.id]
    assert "broadsheet[search]" in command.err
