"""The Batch API over days: papers and processes come in between and are killed; nothing is paid twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import warm_start
from broadsheet.annotate import AnnotateReport, Budget, Wanted, prepare
from broadsheet.cli import app
from broadsheet.config import Settings
from broadsheet.errors import StoreError
from broadsheet.intake import admit
from broadsheet.llm import open_llm
from broadsheet.paper import Sighting
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from papers import paper, papers, record
from servers.openai_server import AskedPaper, OpenAIServer, answer_from, table_of

HERE = Path(__file__).parents[1]
DB = Path("broadsheet.db")
RIGHT = answer_from(table_of({"title": each.title, **record(each)} for each in papers(60)))
UNFOUNDED = {"evidence": "Our code is public.", "status": "available", "urls": []}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    """The service, for whoever asks in this test; a job is done when the test says so."""
    with OpenAIServer(RIGHT) as server:
        server.batches.polls_to_finish = None
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-test")
        monkeypatch.setenv("BROADSHEET_ENGINE", "openai-batch")
        monkeypatch.setenv("BROADSHEET_MODEL", "gpt-4o-mini")
        yield server


def fetch(*numbers: int, abstract: str = "") -> None:
    sighting = Sighting(source="jsonl", day=date(2026, 1, 5))
    with Store.open(DB) as store:
        told = (paper(number, abstract=abstract) for number in numbers)
        admit((each.model_copy(update={"sighting": sighting}) for each in told), store)


def annotate(
    prompts: Prompts | None = None, *, wait_s: float = 0, budget: Budget | None = None, **options: Any
) -> AnnotateReport:
    """One run, as `annotate` makes it."""
    settings, prompts = Settings.load(batch_papers=4, batch_wait_s=wait_s), prompts or Prompts.load()
    with Store.open(DB) as store:
        llm = open_llm(settings, store, prompts)
        return prepare(store, llm, prompts, settings, Wanted(**options)).run(budget)


def finish(server: OpenAIServer) -> None:
    """A day passes."""
    server.batches.polls_to_finish = 0
    server.batches.finish(server.base_url)
    server.batches.polls_to_finish = None


def sent(server: OpenAIServer) -> Counter[str]:
    """How often each title stands in a job, those included that are not worked on yet."""
    return Counter(
        title
        for job in server.batches.jobs.values()
        for line in server.batches.files[job["input_file_id"]].decode().splitlines()
        for title in [each.title for each in papers(60)]
        if title in line
    )


def once(*numbers: int) -> Counter[str]:
    return Counter(paper(number).title for number in numbers)


def rows(sql: str) -> list[tuple[Any, ...]]:
    with Store.open(DB) as store:
        return [tuple(row) for row in store._db.execute(sql)]


def test_papers_that_come_in_between_are_sent_alone_and_the_answers_to_the_others_are_used(
    server: OpenAIServer,
) -> None:
    fetch(*range(10))
    first = annotate()
    fetch(20, 21, 22)
    second = annotate()
    finish(server)
    third = annotate()
    assert sent(server) == once(*range(10), 20, 21, 22)
    assert [(run.annotated, run.with_service, run.ending) for run in (first, second, third)] == [
        (0, 10, "with-service"),
        (0, 13, "with-service"),
        (13, 0, "done"),
    ]
    assert annotate().requests == 0
    assert len(server.batches.jobs) == 2


def test_what_was_asked_under_an_older_prompt_is_kept_under_it_and_not_asked_again(
    server: OpenAIServer, tmp_path: Path
) -> None:
    fetch(*range(3))
    annotate()
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "annotate.system.md").write_text("Annotate. {{ taxonomy.topics[0].id }}")
    changed = Prompts.load(folder)
    fetch(20)
    annotate(changed)
    finish(server)
    assert annotate(changed).annotated == 4
    assert dict(rows("SELECT prompt, count(*) FROM annotations GROUP BY 1")) == {
        Prompts.load().id: 3,
        changed.id: 1,
    }
    assert sent(server) == once(0, 1, 2, 20)
    assert annotate(changed, stale=True).with_service == 3


@pytest.mark.parametrize("repaired", [False, True])
def test_what_is_wrong_in_an_answer_to_an_older_prompt_is_withheld_and_not_asked_about_again(
    server: OpenAIServer, tmp_path: Path, *, repaired: bool
) -> None:
    server.answer = wrong_at_first({0})
    fetch(0)
    annotate()
    finish(server)
    if repaired:
        assert annotate().with_service == 1
        finish(server)
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "annotate.system.md").write_text("Annotate. {{ taxonomy.topics[0].id }}")
    report = annotate(Prompts.load(folder))
    assert (report.annotated, report.ending) == (1, "done")
    assert rows("SELECT prompt, code_status FROM annotations") == [(Prompts.load().id, "none")]
    assert rows("SELECT field FROM findings WHERE severity = 'withheld'") == (
        [] if repaired else [("code.evidence",)]
    )
    assert len(server.seen) == 1 + repaired
    assert annotate(Prompts.load(folder)).papers == 0


def test_a_paper_revised_meanwhile_is_asked_about_in_its_new_words_and_keeps_no_old_annotation(
    server: OpenAIServer,
) -> None:
    fetch(0, 1)
    annotate()
    fetch(1, abstract="We now fold maps with a network of springs and reach 97.5% accuracy on every map.")
    assert annotate().with_service == 3
    finish(server)
    annotate()
    with Store.open(DB) as store:
        (prompt,) = [seen for seen in server.seen if "network of springs" in json.dumps(seen.body)]
        assert prompt.titles == (paper(1).title,)
        assert store.get("paper-1").annotation is not None
    current = rows(
        "SELECT content_hash FROM annotations JOIN papers USING (content_hash) WHERE id = 'paper-1'"
    )
    assert len(current) == 1


def test_a_limit_and_a_budget_bound_what_is_new_but_not_what_is_collected(server: OpenAIServer) -> None:
    fetch(*range(10))
    assert annotate(limit=5).with_service == 5
    assert annotate(limit=2).with_service == 7
    assert sent(server) == once(*range(7))
    finish(server)
    report = annotate(budget=Budget(tokens=1))
    assert (report.annotated, report.left, report.ending) == (7, 3, "budget")
    assert sent(server) == once(*range(7))


@pytest.mark.parametrize("budget", [Budget(tokens=1), Budget(usd=0.0)])
def test_what_expired_is_not_sent_again_beyond_the_budget_and_waits_for_a_larger_one(
    server: OpenAIServer, budget: Budget
) -> None:
    fetch(*range(8))
    annotate()
    server.batches.expire_after = 1
    finish(server)
    server.batches.expire_after = None
    report = annotate(budget=budget, wait_s=3600)
    assert (report.annotated, report.with_service, report.left, report.ending) == (4, 0, 4, "budget")
    assert server.batches.uploads == 1
    assert annotate(budget=Budget(tokens=100_000)).with_service == 4
    finish(server)
    assert annotate().annotated == 4
    assert server.batches.uploads == 2


@pytest.mark.parametrize("moment", ["before create", "after create"])
def test_a_job_that_was_begun_is_not_created_beyond_the_budget(server: OpenAIServer, moment: str) -> None:
    fetch(*range(6))
    server.batches.hold_at = moment
    with worker("annotate") as process:
        assert server.batches.held.wait()
        process.kill()
    server.batches.hold_at = ""
    jobs = len(server.batches.jobs)
    report = annotate(budget=Budget(tokens=1))
    assert (report.with_service, report.ending) == ((6, "with-service") if jobs else (0, "budget"))
    assert len(server.batches.jobs) == jobs
    assert annotate().with_service == 6
    finish(server)
    assert annotate().annotated == 6
    assert sent(server) == once(*range(6))


def test_while_one_process_waits_for_its_job_a_second_neither_sends_nor_collects(
    server: OpenAIServer,
) -> None:
    fetch(*range(6))
    with worker("annotate", BROADSHEET_BATCH_WAIT_S="3600") as first:
        await_jobs(server, 1)
        fetch(20)
        with pytest.raises(StoreError, match=f"process {first.pid}"):
            annotate()
        assert sent(server) == once(*range(6))
        first.kill()
    assert annotate().with_service == 7
    assert sent(server) == once(*range(6), 20)


@contextmanager
def worker(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The command line in a process of its own."""
    path = os.pathsep.join([str(HERE.parent / "src"), str(HERE)])
    with warm_start.Popen(
        [sys.executable, HERE / "batch_worker.py", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "BROADSHEET_BATCH_PAPERS": "4", **environment},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def await_jobs(server: OpenAIServer, count: int) -> None:
    await_true(lambda: len(server.batches.jobs) >= count)


def await_true(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.01)


BEFORE = ["before upload", "after upload", "before create"]


@pytest.mark.parametrize(
    ("moment", "lists"),
    [*((moment, True) for moment in [*BEFORE, "after create"]), *((moment, False) for moment in BEFORE)],
)
def test_a_kill_while_a_job_is_sent_sends_nothing_twice(
    server: OpenAIServer, moment: str, lists: bool
) -> None:
    fetch(*range(6))
    server.batches.lists = lists
    server.batches.hold_at = moment
    with worker("annotate") as process:
        assert server.batches.held.wait()
        process.kill()
    server.batches.hold_at = ""
    fetch(20)
    annotate()
    assert sent(server) == once(*range(6), 20)
    finish(server)
    assert annotate().annotated == 7
    assert sent(server) == once(*range(6), 20)


@pytest.mark.parametrize("moment", ["before look", "after look", "before content", "after content"])
def test_a_kill_while_a_job_is_looked_at_or_read_loses_nothing(server: OpenAIServer, moment: str) -> None:
    fetch(*range(6))
    annotate()
    finish(server)
    server.batches.hold_at = moment
    with worker("annotate") as process:
        assert server.batches.held.wait()
        process.kill()
    server.batches.hold_at = ""
    assert annotate().annotated == 6
    assert sent(server) == once(*range(6))


def wrong_at_first(numbers: set[int]) -> Callable[[AskedPaper], dict[str, Any]]:
    """Answers that claim code without evidence for these papers, until they are told so."""
    titles = {paper(number).title for number in numbers}

    def answer(asked: AskedPaper) -> dict[str, Any]:
        wrong = asked.title in titles
        titles.discard(asked.title)
        return RIGHT(asked) | ({"code": UNFOUNDED} if wrong else {})

    return answer


@pytest.mark.parametrize("outcomes", [1, 2, 3])
def test_a_kill_half_way_through_collecting_loses_nothing_and_pays_nothing_again(
    server: OpenAIServer, outcomes: int
) -> None:
    server.answer = wrong_at_first({0, 5, 9})
    fetch(*range(12))
    annotate()
    finish(server)
    with worker("annotate", "--quiet") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(outcomes):
            assert process.stdout.readline() == "outcome\n"
            if number + 1 < outcomes:
                process.stdin.write("go on\n")
                process.stdin.flush()
        process.kill()
    report = annotate()
    assert (report.annotated, report.with_service) == (9, 3)
    finish(server)
    assert annotate().annotated == 3
    assert sent(server) == once(*range(12)) + once(0, 5, 9)
    assert rows("SELECT count(*), count(DISTINCT request_id) FROM replies") == [(4, 4)]
    assert rows("SELECT count(*) FROM batch_requests") == [(0,)]
    assert rows("PRAGMA integrity_check") == [("ok",)]


def test_a_kill_before_what_came_of_the_answers_is_sent_forgets_none_of_it(server: OpenAIServer) -> None:
    server.answer = wrong_at_first({0, 5, 9})
    fetch(*range(12))
    annotate()
    finish(server)
    server.batches.hold_at = "before upload"
    with worker("annotate", "--quiet") as process:
        assert process.stdin is not None
        process.stdin.write("go on\n" * 3)
        process.stdin.flush()
        assert server.batches.held.wait()
        process.kill()
    server.batches.hold_at = ""
    assert annotate().with_service == 3
    finish(server)
    assert annotate().annotated == 3
    assert "assistant" in {turn["role"] for turn in server.seen[-1].body["messages"]}
    assert sent(server) == once(*range(12)) + once(0, 5, 9)


def test_what_is_wrong_in_a_whole_job_is_put_right_in_one_request_by_a_later_run(
    server: OpenAIServer,
) -> None:
    server.answer = wrong_at_first({0, 5, 9})
    fetch(*range(12))
    annotate()
    finish(server)
    assert annotate().with_service == 3
    finish(server)
    assert annotate().annotated == 3
    assert [len(seen.titles) for seen in server.seen] == [4, 4, 4, 3]
    assert rows("SELECT DISTINCT code_status FROM annotations") == [("none",)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_waiting_ends_at_once_and_says_how_to_collect(
    server: OpenAIServer, number: signal.Signals
) -> None:
    fetch(*range(6))
    with worker("annotate", BROADSHEET_BATCH_WAIT_S="3600") as process:
        await_jobs(server, 1)
        process.send_signal(number)
        said, _ = process.communicate()
    assert process.returncode == 1
    assert said.rstrip().endswith(
        "6 papers are with the Batch API:"
        " run broadsheet annotate later with the same --engine to collect their annotations."
    )
    finish(server)
    assert annotate().annotated == 6
    assert sent(server) == once(*range(6))


def run(*options: str) -> Result:
    return CliRunner().invoke(app, ["annotate", *options], catch_exceptions=False)


def test_a_collected_job_costs_half_in_the_report_and_in_stats(server: OpenAIServer) -> None:
    fetch(*range(6))
    run()
    finish(server)
    report = json.loads(run("--json").stdout)
    stats = json.loads(CliRunner().invoke(app, ["stats", "--json"]).stdout)
    fresh = report["input_tokens"] - report["cached_tokens"]
    whole = (fresh * 0.15 + report["cached_tokens"] * 0.075 + report["output_tokens"] * 0.6) / 1e6
    assert report["cost_usd"] == pytest.approx(whole / 2)
    assert stats["cost_usd"] == pytest.approx(whole / 2)
    assert stats["requests"] == report["requests"] == 1


def test_an_estimate_leaves_out_what_is_with_the_service_and_says_so(server: OpenAIServer) -> None:
    fetch(*range(6))
    run()
    fetch(20, 21)
    assert "2 papers in 1 request:" in run("--dry-run").stdout
    assert "; 6 more are with the Batch API already." in run("--dry-run").stdout
    expected = json.loads(run("--dry-run", "--json").stdout)
    assert (expected["papers"], expected["with_service"]) == (2, 6)
    assert len(server.batches.jobs) == 1


def test_run_composes_no_edition_while_its_papers_are_with_the_service(server: OpenAIServer) -> None:
    told = CliRunner().invoke(app, ["run", "sample", "--json"])
    assert told.exit_code == 1
    assert json.loads(told.stdout)["edition"] is None
    finish(server)
    assert CliRunner().invoke(app, ["run", "sample", "--json"]).exit_code == 0


def test_an_evaluation_is_not_made_of_half_the_answers(server: OpenAIServer) -> None:
    lines = [{"title": each.title, "abstract": each.abstract, **record(each)} for each in papers(3)]
    Path("reference.jsonl").write_text("\n".join(map(json.dumps, lines)))
    evaluate = ["evaluate", "reference.jsonl", "--json"]
    assert "add --db" in str(CliRunner().invoke(app, evaluate).exception)
    assert not server.batches.jobs
    told = CliRunner().invoke(app, [*evaluate, "--db", str(DB)])
    assert "3 papers are with the Batch API; run the same command again later" in str(told.exception)
    finish(server)
    again = CliRunner().invoke(app, [*evaluate, "--db", str(DB)])
    assert json.loads(again.stdout)["annotated"] == 3
