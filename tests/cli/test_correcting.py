"""What the editor puts right by hand, one summary anew, and the commands that show what there is."""

from __future__ import annotations

import json
import re
import sys
from datetime import date
from pathlib import Path

import pytest

from broadsheet import Store
from broadsheet.prompts import Prompts
from builders import DAY, TLDR, add, annotate, maker, paper
from in_process import Command
from papers import papers, record
from terminals import CTRL_C, Terminal

SAND = paper()
BETTER = (
    "SandLoom forecasts the shape of tidal flats from a few soundings, and halves the error of earlier"
    " forecasts on nine estuaries."
)


@pytest.fixture
def cache() -> Path:
    """A cache in this folder with two annotated papers and the edition of their day."""
    with Store.open("broadsheet.db") as store:
        add(store, SAND, paper("Dunes"))
        annotate(store, SAND)
        annotate(store, paper("Dunes"))
    return Path("broadsheet.db")


def shown(broadsheet: Command, name: str = "SandLoom") -> dict:
    assert broadsheet("show", name, "--json") == 0
    return json.loads(broadsheet.out)


def test_a_correction_changes_what_it_names_and_nothing_else(broadsheet: Command, cache: Path) -> None:
    before = shown(broadsheet)
    assert broadsheet("correct", "SandLoom", "--tldr", BETTER, "--topic", "Time series") == 0
    after = shown(broadsheet)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"tldr", "topics", "engine", "model", "prompt", "annotated_at"}
    assert (after["tldr"], after["topics"]) == (BETTER, ["time-series"])
    broadsheet("list", "--tag", "time-series", "--json")
    assert json.loads(broadsheet.out)["id"] == after["id"]
    broadsheet("list", "--words", "forecasts", "--json")
    assert json.loads(broadsheet.out)["id"] == after["id"]
    broadsheet("show", "SandLoom")
    assert "corrected by the editor" in broadsheet.out


def test_no_model_or_rule_overwrites_a_correction(broadsheet: Command, cache: Path) -> None:
    broadsheet("correct", "SandLoom", "--tldr", BETTER)
    with Store.open(cache) as store:
        for made in (maker(model="model-b"), maker("extractive", "rules-10"), maker("scripted", "other")):
            annotate(store, SAND, made)
    assert shown(broadsheet)["tldr"] == BETTER
    assert broadsheet("annotate", "--engine", "extractive", "--json") == 0
    assert (
        json.loads(broadsheet.out)["papers"] == 0
    )  # a model has the other paper; a corrected one is left alone
    assert broadsheet("annotate", "--engine", "extractive", "--stale") == 0
    assert broadsheet("annotate", "--rebuild") == 0
    assert shown(broadsheet)["tldr"] == BETTER
    broadsheet("correct", "SandLoom", "--tldr", TLDR)
    assert shown(broadsheet)["tldr"] == TLDR


def test_a_paper_whose_words_have_changed_is_annotated_anew(broadsheet: Command, cache: Path) -> None:
    broadsheet("correct", "SandLoom", "--tldr", BETTER)
    revised = SAND.model_copy(update={"abstract": SAND.abstract + " We also map two lagoons."})
    with Store.open(cache) as store, store.transaction():
        store.papers.revise(revised)
    broadsheet("annotate", "--engine", "extractive")
    assert shown(broadsheet)["engine"] == "extractive"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "nothing to correct"),
        (["--tldr", "word " * 40], "tldr: it has 40 words; at most 35 are allowed"),
        (["--topic", "knitting"], "no tag “knitting”"),
        (["--topic", "survey"], "topics.0: 'survey' is not a topic of the taxonomy"),
        (["--code", "perhaps"], "--code takes available, announced or none"),
        (["--code", "available", "--evidence", "It is here."], "--evidence takes words of the title"),
        (["--code", "available", "--evidence", ""], "needs the abstract's words as evidence"),
    ],
)
def test_a_correction_that_cannot_be_kept_is_refused(
    broadsheet: Command, cache: Path, options: list[str], says: str
) -> None:
    before = shown(broadsheet)
    assert broadsheet("correct", "SandLoom", *options) == 2
    assert says in broadsheet.err
    assert shown(broadsheet) == before


def test_the_code_status_is_corrected_with_its_evidence(broadsheet: Command, cache: Path) -> None:
    assert broadsheet("correct", "SandLoom", "--code", "none") == 0
    assert shown(broadsheet)["code"] == {"evidence": "", "status": "none", "urls": []}
    words = "Our code is available at https://example.org/sandloom"
    link = ("--evidence", words, "--url", "https://example.org/sandloom")
    assert broadsheet("correct", "SandLoom", "--code", "available", *link) == 0
    assert shown(broadsheet)["code"] == {
        "evidence": words,
        "status": "available",
        "urls": ["https://example.org/sandloom"],
    }


def test_a_paper_without_an_annotation_can_be_given_one_by_hand(broadsheet: Command, cache: Path) -> None:
    with Store.open(cache) as store:
        add(store, paper("Bare"))
    assert broadsheet("correct", "Bare", "--tldr", BETTER) == 2
    assert "topics: it is missing" in broadsheet.err
    said = ["--tldr", BETTER, "--topic", "graphs", "--contribution", "Method", "--keyword", "tidal flats"]
    assert broadsheet("correct", "Bare", *said) == 0
    assert shown(broadsheet, "Bare")["contribution"] == "method"


def test_an_unpublished_edition_shows_the_correction_and_a_published_one_says_it_in_a_dated_line(
    broadsheet: Command, cache: Path
) -> None:
    broadsheet("compose", "--date", DAY)
    broadsheet("correct", "SandLoom", "--tldr", BETTER)
    assert f"broadsheet render --date {DAY}" in broadsheet.err
    broadsheet("render")
    page = Path(f"editions/{DAY}/index.md")
    assert BETTER in page.read_text()
    with Store.open(cache) as store, store.transaction():
        store.editions.publish(DAY)
    broadsheet("correct", "SandLoom", "--tldr", TLDR)
    assert "is published and says so now" in broadsheet.err
    broadsheet("render")
    assert BETTER in page.read_text()
    (said,) = [line for line in page.read_text().splitlines() if line.startswith("*Corrected on ")]
    assert "TL;DR: SandLoom predicts how tidal flats change" in said


def test_the_page_says_what_was_corrected_by_hand(broadsheet: Command, cache: Path) -> None:
    broadsheet("correct", "SandLoom", "--tldr", BETTER)
    broadsheet("compose", "--date", DAY)
    broadsheet("render")
    text = Path(f"editions/{DAY}/index.md").read_text()
    assert "1 written by model-a from the abstract" in text
    assert "1 corrected by the editor" in text
    assert "by the openai engine (model-a, prompt prompt-1) for 1 paper." in text
    assert "The editor corrected by hand what is said of 1 paper." in text
    assert broadsheet("site") == 0
    with Store.open(cache) as store:
        page = Path(f"site/p/{store.get('SandLoom').id}.html").read_text()
    assert re.search(r"Summary corrected by the editor on \d+ \w+ \d{4}\.", page)


def test_the_editor_is_no_engine_to_choose(broadsheet: Command, cache: Path) -> None:
    assert broadsheet("annotate", "--engine", "editor") == 2
    broadsheet("annotate", "--help")
    assert "editor" not in broadsheet.out


def test_a_removed_paper_is_gone_everywhere_but_from_published_editions(
    broadsheet: Command, cache: Path
) -> None:
    broadsheet("compose", "--date", DAY)
    assert broadsheet("remove", "SandLoom", "--yes") == 0
    assert broadsheet.out.startswith("1 paper removed")
    assert broadsheet("show", "SandLoom") == 2
    broadsheet("list", "--json")
    assert [json.loads(line)["title"] for line in broadsheet.out.splitlines()] == ["Dunes"]
    broadsheet("render")
    assert "SandLoom:" not in Path(f"editions/{DAY}/index.md").read_text()
    with Store.open(cache) as store:
        assert store.count() == 1
        assert store.statistics.summary()["annotated"] == 1
        assert store._db.execute("PRAGMA foreign_key_check").fetchall() == []
        with store.transaction():
            store.editions.publish(DAY)
    assert broadsheet("remove", "Dunes", "--yes") == 0
    broadsheet("render")
    assert "Dunes" in Path(f"editions/{DAY}/index.md").read_text()


def test_when_its_last_paper_is_removed_an_edition_is_gone(broadsheet: Command, cache: Path) -> None:
    broadsheet("compose", "--date", DAY)
    assert broadsheet("remove", "SandLoom", "Dunes", "--yes") == 0
    assert broadsheet("render") == 2
    assert "There is no edition yet" in broadsheet.err


def test_nothing_is_removed_without_a_yes(broadsheet: Command, cache: Path) -> None:
    assert broadsheet("remove", "SandLoom", "Dunes") == 2
    assert "removes 2 papers for good; add --yes" in broadsheet.err
    assert broadsheet("remove", "SandLoom", "no such paper", "--yes") == 2
    assert shown(broadsheet)["title"] == SAND.title


@pytest.mark.skipif(sys.platform == "win32", reason="it has no pseudo-terminal")
@pytest.mark.parametrize(("answer", "left"), [(b"y\n", 1), (b"\n", 2), (CTRL_C, 2)])
def test_at_a_terminal_a_removal_is_asked_about_first(cache: Path, answer: bytes, left: int) -> None:
    with Terminal("-m", "broadsheet", "remove", "SandLoom") as terminal:
        terminal.until(r"SandLoom: Tidal Flats[^?]*Remove 1 paper for good\? \[y/N\]: ")
        terminal.type(answer)
        assert terminal.end() == (0 if left == 1 else 1)
    with Store.open(cache) as store:
        assert store.count() == left


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three papers in this folder's cache, annotated once by a script that says more the second time."""
    with Store.open("broadsheet.db") as store, store.transaction():
        for each in papers(3):
            store.papers.add(each, date(2026, 1, 5))
    write_script()
    monkeypatch.setenv("BROADSHEET_SCRIPT", "script.jsonl")
    monkeypatch.setenv("BROADSHEET_ENGINE", "scripted")


def write_script(**changes: str) -> None:
    lines = [{"id": each.id, "record": {**record(each), **changes}} for each in papers(3)]
    Path("script.jsonl").write_text("\n".join(map(json.dumps, lines)))


def test_one_paper_is_asked_about_again_and_no_other(broadsheet: Command, scripted: None) -> None:
    broadsheet("annotate")
    first, second, _ = papers(3)
    before = shown(broadsheet, second.id)
    write_script(contribution="survey")
    assert broadsheet("annotate", "--paper", first.id, "--json") == 0
    report = json.loads(broadsheet.out)
    assert (report["papers"], report["annotated"], report["requests"]) == (1, 1, 1)
    assert shown(broadsheet, first.id)["contribution"] == "survey"
    assert shown(broadsheet, second.id) == before
    assert broadsheet("annotate", "--paper", "no such paper") == 2


def test_a_corrected_paper_is_not_asked_about_again(broadsheet: Command, scripted: None) -> None:
    broadsheet("annotate")
    first = papers(3)[0]
    broadsheet("correct", first.id, "--contribution", "survey")
    assert broadsheet("annotate", "--paper", first.id) == 2
    assert f"broadsheet correct {first.id}" in broadsheet.err


def test_replies_are_printed_with_what_was_asked_about(broadsheet: Command, scripted: None) -> None:
    assert broadsheet("replies") == 0
    assert "No model has answered yet" in broadsheet.err
    broadsheet("annotate")
    first = papers(3)[0]
    assert broadsheet("replies", first.id) == 0
    for words in ("scripted", "annotate: ", f"P1  {first.id}  {first.title}", record(first)["tldr"]):
        assert words in broadsheet.out
    assert first.abstract not in broadsheet.out
    broadsheet("replies", first.id, "--question")
    assert first.abstract in broadsheet.out
    assert Prompts.load().render("annotate.system.md") in broadsheet.out
    broadsheet("replies", first.id, "--json")
    reply = json.loads(broadsheet.out)
    assert reply["papers"]["P1"][0] == first.id
    assert json.loads(reply["text"])["papers"][0]["tldr"] == record(first)["tldr"]
    with Store.open("broadsheet.db") as store:
        add(store, paper("Unasked"))
    broadsheet("replies", "Unasked")
    assert "about this paper" in broadsheet.err


def test_tags_are_listed_with_their_papers(broadsheet: Command, cache: Path) -> None:
    assert broadsheet("tags", "--json") == 0
    counts = {row["tag"]: row for row in json.loads(broadsheet.out)}
    assert counts["graphs"] == {"tag": "graphs", "name": "Graphs", "facet": "topic", "papers": 2}
    assert (counts["method"]["papers"], counts["method"]["facet"]) == (2, "contribution")
    assert counts["robotics"]["papers"] == 0
    assert list(counts) == list(Prompts.load().taxonomy.names)
    broadsheet("tags")
    assert any(line.split()[:3] == ["topic", "graphs", "2"] for line in broadsheet.out.splitlines())


@pytest.mark.parametrize(
    ("words", "found"), [("broadsheet ta", "tags"), ("broadsheet list --tag rob", "robotics")]
)
def test_the_shell_completes_commands_and_tags(
    broadsheet: Command, monkeypatch: pytest.MonkeyPatch, words: str, found: str
) -> None:
    monkeypatch.setenv("_BROADSHEET_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    broadsheet()
    assert found in broadsheet.out.split()


def test_a_script_for_the_shell_is_produced(broadsheet: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_BROADSHEET_COMPLETE", "source_bash")
    assert broadsheet() == 0
    assert "_BROADSHEET_COMPLETE=complete_bash" in broadsheet.out
