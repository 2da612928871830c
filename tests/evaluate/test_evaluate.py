"""The measure itself: an engine that replays the reference agrees with it in everything."""

import json
import sys
from pathlib import Path

import pytest

from broadsheet.cli import main
from servers.openai_server import OpenAIServer, answer_from, table_of

GOLD = Path(__file__).parents[2] / "fixtures" / "gold" / "reference.jsonl"


@pytest.fixture
def broadsheet(monkeypatch, capsys, tmp_path):
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["broadsheet", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def gold() -> list[dict]:
    return [json.loads(line) for line in GOLD.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def replaying(monkeypatch, gold):
    with OpenAIServer(answer_from(table_of(gold))) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        yield server


def test_a_server_that_replays_the_reference_agrees_in_everything(broadsheet, replaying, gold) -> None:
    code, out, _ = broadsheet("evaluate", GOLD, "--engine", "openai", "--json", "--quiet")
    told = json.loads(out)
    assert code == 0
    assert (told["papers"], told["annotated"], told["reused"]) == (len(gold), len(gold), 0)
    values = {name: measure["value"] for name, measure in told["measures"].items()}
    assert values.pop("TL;DR ungrounded numbers") == 0.0
    assert values == dict.fromkeys(values, 1.0)
    assert told["disagreements"] == []
    assert told["requests"] >= 1
    assert told["input_tokens"] > 0


def test_a_wrong_answer_lowers_its_measure_and_is_listed(broadsheet, replaying, gold) -> None:
    wrong = [dict(record) for record in gold]
    wrong[1] = {**wrong[1], "topics": ["robotics"], "contribution": "survey"}
    replaying.answer = answer_from(table_of(wrong))
    _, out, _ = broadsheet("evaluate", GOLD, "--engine", "openai", "--json", "--quiet")
    told = json.loads(out)
    assert told["measures"]["contribution accuracy"]["value"] == pytest.approx(1 - 1 / len(gold))
    assert told["measures"]["code status accuracy"]["value"] == 1.0
    assert [(each["field"], each["answer"]) for each in told["disagreements"]] == [
        ("topics", "robotics, benchmarks-and-surveys"),  # which every survey has
        ("contribution", "survey"),
    ]


def test_with_db_what_is_annotated_is_not_asked_again(broadsheet, replaying, tmp_path) -> None:
    db = tmp_path / "kept.db"
    first = json.loads(broadsheet("evaluate", GOLD, "--db", db, "--json", "--quiet")[1])
    asked = len(replaying.seen)
    again = json.loads(broadsheet("evaluate", GOLD, "--db", db, "--json", "--quiet")[1])
    assert len(replaying.seen) == asked
    assert again["reused"] == first["annotated"]
    assert again["measures"] == first["measures"]


def test_a_large_evaluation_is_not_started_without_a_yes(broadsheet, replaying, monkeypatch) -> None:
    monkeypatch.setenv("BROADSHEET_CONFIRM_TOKENS", "1000")
    code, _, err = broadsheet("evaluate", GOLD, "--engine", "openai", "--quiet")
    assert code == 2
    assert "add --yes to start it, or use fewer references" in err
    assert not replaying.seen
    assert broadsheet("evaluate", GOLD, "--engine", "openai", "--quiet", "--yes")[0] == 0


def test_without_db_nothing_is_left_behind(broadsheet, tmp_path) -> None:
    code, out, _ = broadsheet("evaluate", GOLD, "--engine", "extractive")
    assert code == 0
    assert "topics micro-F1" in out
    assert list(tmp_path.iterdir()) == []


def test_the_report_puts_runs_side_by_side_and_lists_disagreements(broadsheet, replaying, tmp_path) -> None:
    _, out, _ = broadsheet("evaluate", GOLD, "--engine", "openai", "--json", "--quiet")
    (tmp_path / "replay.json").write_text(out)
    report = tmp_path / "report.md"
    broadsheet(
        "evaluate", GOLD, "--engine", "extractive", "--compare", tmp_path / "replay.json",
        "--report", report, "--quiet",
    )  # fmt: skip
    text = report.read_text(encoding="utf-8")
    head = next(line for line in text.splitlines() if line.startswith("| measure"))
    assert head.count("|") == 4
    assert "extractive" in head
    assert "openai" in head
    assert "### " in text.partition("## Disagreements")[2]


def test_abstracts_come_from_a_file_beside_or_named(broadsheet, tmp_path, gold) -> None:
    bare = tmp_path / "reference.jsonl"
    without = ({k: v for k, v in record.items() if k != "abstract"} for record in gold)
    bare.write_text("\n".join(map(json.dumps, without)))
    code, _, said = broadsheet("evaluate", bare, "--engine", "extractive", "--quiet")
    assert code == 2
    assert "--papers" in said
    assert said.count("\n") == 1
    (tmp_path / "elsewhere.jsonl").write_text(GOLD.read_text())
    elsewhere = tmp_path / "elsewhere.jsonl"
    assert broadsheet("evaluate", bare, "--papers", elsewhere, "--engine", "extractive", "--quiet")[0] == 0
    (tmp_path / "papers.jsonl").write_text(GOLD.read_text())
    assert broadsheet("evaluate", bare, "--engine", "extractive", "--quiet")[0] == 0


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "x"}', '{"title": "T", "tldr": "t", "topics": ["no"]}'])
def test_a_line_that_is_no_annotation_is_told_by_its_number(broadsheet, tmp_path, line) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(line)
    code, _, said = broadsheet("evaluate", path, "--engine", "extractive")
    assert code == 2
    assert "line 1" in said
    assert "Traceback" not in said


def test_a_report_obeys_no_markup_of_a_title() -> None:
    from broadsheet.evaluate import Disagreement, Evaluation
    from broadsheet.evaluate.report import as_markdown

    wrong = Disagreement("x", "<script>alert(1)</script> [a](javascript:b) | c", "topics", "graphs", "`x`")
    run = Evaluation("openai", "m", "p", "now", 1, 1, 0, {}, {}, {}, (wrong,))
    text = as_markdown([run])
    assert "<script" not in text
    assert "](" not in text
