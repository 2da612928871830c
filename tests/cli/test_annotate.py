from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from broadsheet.cli import app
from broadsheet.engines import engine_of
from broadsheet.errors import BroadsheetError, ConfigError, StoreError
from broadsheet.prices import Prices
from broadsheet.store import Store
from papers import papers, record
from servers.openai_server import OpenAIServer

DB = Path("broadsheet.db")


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(DB) as store, store.transaction():
        for paper in papers(12):
            store.papers.add(paper, date(2026, 1, 5))
    script([{"id": paper.id, "record": record(paper)} for paper in papers(12)])
    monkeypatch.setenv("BROADSHEET_SCRIPT", "script.jsonl")
    monkeypatch.setenv("BROADSHEET_ENGINE", "scripted")


def script(lines: list[dict[str, object]]) -> None:
    Path("script.jsonl").write_text("\n".join(map(json.dumps, lines)))


def run(*options: str) -> Result:
    result = CliRunner().invoke(app, ["annotate", *options])
    if isinstance(result.exception, BroadsheetError):
        raise result.exception
    return result


def annotated() -> int:
    with Store.open(DB) as store:
        return int(store.statistics.summary()["annotated"])


def test_annotate_says_what_it_did_and_what_it_cost() -> None:
    result = run()
    assert result.exit_code == 0
    assert result.stdout.startswith("12 of 12 papers annotated in 2 requests: ")
    assert annotated() == 12


def test_a_second_annotate_makes_no_request() -> None:
    run()
    assert json.loads(run("--json").stdout)["requests"] == 0


def test_what_each_run_took_is_told() -> None:
    run("--limit", "4")
    report = json.loads(run("--json").stdout)
    (latest, first) = json.loads(stats("--runs", "5", "--json"))
    assert (first["annotated"], latest["annotated"]) == (4, 8)
    for name in ("requests", "input_tokens", "output_tokens"):
        assert latest[name] == report[name]
    assert " papers, done\n    1 request: " in stats("--runs", "5")
    assert stats("--runs", "5").count(" papers, done\n    1 request: ") == 2


def stats(*options: str) -> str:
    return CliRunner().invoke(app, ["stats", *options], catch_exceptions=False).stdout


def test_a_dry_run_estimates_and_asks_nothing() -> None:
    expected = json.loads(run("--dry-run", "--json").stdout)
    assert (expected["papers"], expected["requests"]) == (12, 2)
    assert expected["input_tokens"] > 2000
    assert annotated() == 0


def test_a_dry_run_estimates_within_a_tenth_of_what_is_used() -> None:
    expected = json.loads(run("--dry-run", "--json").stdout)
    used = json.loads(run("--json").stdout)
    assert used["input_tokens"] == pytest.approx(expected["input_tokens"], rel=0.1)


@pytest.mark.parametrize("papers_", [5, 9, 12, 27])
def test_a_dry_run_counts_the_requests_that_will_be_made(papers_: int) -> None:
    more = papers(27)
    with Store.open(DB) as store, store.transaction():
        for paper in more[12:]:
            store.papers.add(paper, date(2026, 1, 5))
    script([{"id": paper.id, "record": record(paper)} for paper in more])
    expected = json.loads(run("--dry-run", "--json", "--limit", str(papers_)).stdout)
    report = json.loads(run("--json", "--limit", str(papers_)).stdout)
    assert (expected["papers"], expected["requests"]) == (papers_, report["requests"])


def test_a_limit_bounds_the_papers() -> None:
    run("--limit", "5")
    assert annotated() == 5


def test_a_quota_that_is_given_as_an_option_decides_the_size_of_batches() -> None:
    assert json.loads(run("--dry-run", "--json", "--limit", "9").stdout)["requests"] == 2
    under_quota = ("--tokens-per-minute", "90000", "--requests-per-minute", "30")
    assert json.loads(run("--dry-run", "--json", "--limit", "9", *under_quota).stdout)["requests"] == 1


def test_a_large_run_is_not_started_without_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADSHEET_CONFIRM_TOKENS", "1000")
    with pytest.raises(ConfigError, match=r"add --yes to start it, or use --limit"):
        run()
    assert annotated() == 0
    assert run("--yes").exit_code == 0


def test_a_used_up_budget_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADSHEET_BATCH_PAPERS", "1")
    result = run("--budget-tokens", "3000")
    assert result.exit_code == 1
    left = 12 - annotated()
    assert 0 < left < 12
    assert (
        f"The budget is used up; {left} papers are left: run the same command again to go on."
        in result.stdout
    )


def test_a_budget_that_no_request_fits_into_says_that_it_is_too_small() -> None:
    result = run("--budget-tokens", "2000")
    assert result.exit_code == 1
    assert (
        "The budget is less than a request may take; 12 papers are left: raise it to go on." in result.stdout
    )


def test_failed_papers_are_listed_and_left_alone_after_three_runs_until_asked_for() -> None:
    refused = [{"text": "", "refusal": "I cannot."}] * 100
    script(refused)
    for _ in range(3):
        result = run("--limit", "1")
        assert result.exit_code == 1
        assert "paper-0" in result.stderr
        assert "refused" in result.stderr
    script([{"id": paper.id, "record": record(paper)} for paper in papers(12)])
    assert run().exit_code == 0
    assert annotated() == 11
    again = run()
    assert (again.exit_code, again.stdout) == (1, "Nothing was annotated.\n")
    assert "1 paper has failed too often and got no annotation" in again.stderr
    assert "annotate --retry-failed" in again.stderr
    assert run("--retry-failed").exit_code == 0
    assert annotated() == 12


def test_a_changed_prompt_spends_nothing_unless_stale_is_asked_for(tmp_path: Path) -> None:
    run()
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "annotate.system.md").write_text("Annotate. {{ taxonomy.topics[0].id }}")
    changed = CliRunner(env={"BROADSHEET_PROMPTS": str(folder)})
    unasked = changed.invoke(app, ["annotate", "--json"])
    assert json.loads(unasked.stdout)["papers"] == 0
    assert "12 papers are annotated under another prompt or taxonomy" in unasked.stderr
    assert json.loads(changed.invoke(app, ["stats", "--json"]).stdout)["stale"] == 12
    assert json.loads(changed.invoke(app, ["annotate", "--json", "--stale"]).stdout)["annotated"] == 12


def test_another_model_is_paid_for_what_one_has_annotated_only_when_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run()
    with OpenAIServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        command = ["annotate", "--engine", "openai", "--model", "model-b", "--json"]
        unasked = CliRunner().invoke(app, command)
        assert "12 papers are annotated by script; --again to pay for them anew." in unasked.stderr
        assert not server.answered
        assert json.loads(CliRunner().invoke(app, [*command, "--again"]).stdout)["annotated"] == 12


def test_rebuild_makes_annotations_from_replies_without_asking() -> None:
    run()
    script([])
    assert run("--rebuild").stdout == "12 annotations rebuilt.\n"


def test_annotate_without_a_cache_says_how_to_make_one() -> None:
    with pytest.raises(StoreError, match=r"make one with: broadsheet run sample"):
        run("--db", "none.db")


@pytest.mark.parametrize(
    ("engine", "model", "expected"),
    [
        ("openai", "gpt-4o-mini", 0.75),
        ("openai", "gpt-4o-mini-2024-07-18", 0.75),
        ("openai-batch", "gpt-4o-mini", 0.375),
        ("scripted", "anything", 0.0),
    ],
)
def test_a_model_has_the_price_of_the_table(engine: str, model: str, expected: float) -> None:
    price = Prices.load().of(model, engine_of(engine).price_factor)
    assert price is not None
    assert price.cost(1_000_000, 0, 1_000_000) == pytest.approx(expected)


def test_cached_tokens_cost_what_the_table_says_of_them() -> None:
    price = Prices.load().of("gpt-4o-mini")
    assert price is not None
    assert price.cost(1_000_000, 400_000, 0) == pytest.approx(0.6 * 0.15 + 0.4 * 0.075)


def test_a_model_that_is_not_listed_has_no_price() -> None:
    assert Prices.load().of("gpt-4o-mini-turbo") is None


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("[models", "is not valid TOML"),
        ("[models]\nx = { input = 1 }", "each model needs input, cached and output"),
        ("models = 3", "each model needs input, cached and output"),
        ("", "each model needs input, cached and output"),
    ],
)
def test_a_malformed_table_of_prices_is_refused_with_a_sentence(
    table: str, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(table)
    with pytest.raises(ConfigError, match=sentence):
        Prices.load(path)


@pytest.mark.parametrize(
    "table",
    [
        "[models]\nx = { input = nan, cached = 1, output = 1 }",
        "[models]\nx = { input = 1, cached = 1, output = inf }",
        "[models]\nx = { input = 1, cached = -1, output = 1 }",
    ],
)
def test_a_price_that_is_no_price_is_refused_with_a_sentence(table: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(table)
    with pytest.raises(ConfigError, match=r"negative or no number; correct it"):
        Prices.load(path)


def test_a_dry_run_counts_the_failed_papers_that_are_asked_for_and_forgives_none() -> None:
    script([{"text": "", "refusal": "I cannot."}] * 100)
    for _ in range(3):
        run("--limit", "1")
    for _ in range(2):
        assert json.loads(run("--retry-failed", "--dry-run", "--json").stdout)["papers"] == 12
    assert json.loads(run("--dry-run", "--json").stdout)["papers"] == 11
