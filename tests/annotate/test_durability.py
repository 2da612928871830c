from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

import warm_start
from annotating import annotate
from broadsheet.batching import Limits
from broadsheet.errors import LLMUnavailable, StoreError
from broadsheet.llm import Reply, Request
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from papers import AnsweringLLM, answer, numbered, papers, right

HERE = Path(__file__).parents[1]
IN_FLIGHT_PAPERS = 4 * 4


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "cache.db"
    with Store.open(path) as store, store.transaction():
        for paper in papers(200):
            store.papers.add(paper, date(2026, 1, 5))
    return path


def worker(db: Path) -> subprocess.Popen[str]:
    """A process that annotates, as far along as its first answer."""
    source = str(HERE.parent / "src")
    return warm_start.Popen(
        [sys.executable, HERE / "annotate_worker.py", db, db.with_name("bill.txt")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([source, str(HERE)])},
    )


def billed(db: Path) -> list[str]:
    path = db.with_name("bill.txt")
    return path.read_text().split() if path.exists() else []


def annotated(db: Path) -> set[str]:
    connection = sqlite3.connect(db)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {row[0] for row in connection.execute("SELECT paper_id FROM annotations")}
    finally:
        connection.close()


def test_kills_lose_no_finished_paper_and_pay_again_only_for_what_was_under_way(db: Path) -> None:
    chance = random.Random(20260105)
    kills = 0
    while len(annotated(db)) < 200:
        finished, paid = annotated(db), len(billed(db))
        with worker(db) as process:
            assert process.stdout is not None
            for _ in range(chance.randint(1, 6)):
                if not process.stdout.readline():
                    break
            if process.poll() is None:
                process.kill()
                kills += 1
        assert finished <= annotated(db)
        assert not finished & set(billed(db)[paid:])
    assert kills >= 5
    again = sum(Counter(billed(db)).values()) - 200
    assert 0 <= again <= kills * IN_FLIGHT_PAPERS


class Killed(BaseException):
    """Stands for a SIGKILL at a moment that no signal can be timed to."""


def test_an_answer_that_was_kept_but_not_read_before_the_kill_is_not_paid_for_again(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts, asked = Prompts.load(), papers(3)
    with monkeypatch.context() as patch, Store.open(db) as store:

        def die(*_: object) -> None:
            raise Killed

        patch.setattr("broadsheet.annotate.run.read", die)
        with pytest.raises(Killed):
            annotate(asked, store, AnsweringLLM(), prompts)
    with Store.open(db) as store:
        llm = AnsweringLLM()
        report = annotate(asked, store, llm, prompts)
        assert (llm.history, report.annotated, report.requests) == ([], 3, 0)
        assert [store.get(paper.id).annotation is not None for paper in asked] == [True] * 3


def too_long(request: Request) -> Reply:
    """Every record needs a repair, and the repair is right."""
    records = numbered(request)
    if request.purpose != "repair":
        for each in records:
            each["tldr"] = "word " * 40
    return Reply(answer(records))


def killed_at_the_repair(request: Request) -> Reply:
    if request.purpose == "repair":
        raise Killed
    return too_long(request)


def test_a_record_that_waited_for_its_repair_when_the_kill_came_goes_on_to_it(db: Path) -> None:
    prompts, asked, limits = Prompts.load(), papers(30), Limits(papers=10)
    with Store.open(db) as store, pytest.raises(Killed):
        annotate(asked, store, AnsweringLLM(killed_at_the_repair), prompts, limits=limits)
    with Store.open(db) as store:
        llm = AnsweringLLM(too_long)
        report = annotate(asked, store, llm, prompts, limits=limits)
        assert (report.papers, report.annotated) == (30, 30)
        assert {request.purpose for request in llm.history} == {"repair"}
        assert all("40 words" in request.turns[-1].text for request in llm.history)
        assert [llm.asked_for(paper) for paper in asked] == [1] * 30


def test_a_repair_that_was_kept_but_not_read_before_the_kill_is_not_asked_for_again(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts, asked = Prompts.load(), papers(3)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, Store.open(db) as store:
        patch.setattr("broadsheet.annotate.run.AnnotateRun._take_repair", die)
        with pytest.raises(Killed):
            annotate(asked, store, AnsweringLLM(too_long), prompts)
    with Store.open(db) as store:
        llm = AnsweringLLM()
        assert annotate(asked, store, llm, prompts).annotated == 3
        assert llm.history == []


def test_a_signal_that_is_heard_while_more_is_handed_over_does_not_undo_the_answer(db: Path) -> None:
    prompts, asked = Prompts.load(), papers(4)
    answered = 0

    def answering(request: Request) -> Reply | None:
        nonlocal answered
        answered += 1
        return right(request)

    def stop() -> bool:
        if answered:
            raise KeyboardInterrupt
        return False

    with Store.open(db) as store:
        with pytest.raises(KeyboardInterrupt):
            annotate(
                asked,
                store,
                AnsweringLLM(answering),
                prompts,
                limits=Limits(papers=1),
                in_flight=1,
                stop=stop,
            )
        assert len(list(store.annotations.replies())) == answered == 1


def test_a_run_that_an_error_ended_says_how_far_it_came(db: Path) -> None:
    llm = AnsweringLLM()

    def twice(request: Request) -> Reply:
        if len(llm.history) > 2:
            raise LLMUnavailable("The model does not answer.")
        return right(request)

    llm._answer_to = twice
    with Store.open(db) as store:
        with pytest.raises(LLMUnavailable):
            annotate(papers(10), store, llm, Prompts.load(), limits=Limits(papers=2))
        (row,) = store._db.execute("SELECT annotated, ending FROM runs")
        assert tuple(row) == (4, "failed")


def test_a_terminated_run_finishes_what_is_under_way_and_loses_nothing(db: Path) -> None:
    with worker(db) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        ending = process.stdout.read().splitlines()[-1]
    assert process.returncode == 0
    assert ending.startswith("stopped ")
    assert Counter(billed(db)) == Counter(annotated(db))
    assert 0 < len(annotated(db)) < 200


def test_a_second_process_says_who_is_annotating_and_goes_on_when_that_one_was_killed(db: Path) -> None:
    with worker(db) as process, Store.open(db) as store:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)  # it would end first where this process is slow
        with pytest.raises(StoreError, match=rf"process {process.pid}, since .* add --wait"):
            annotate(papers(200), store, AnsweringLLM(), Prompts.load())
        process.kill()
    with worker(db) as process:
        process.communicate()
    assert len(annotated(db)) == 200


def test_a_second_process_that_waits_begins_when_the_first_has_ended(db: Path) -> None:
    with worker(db) as process, Store.open(db) as store:
        assert process.stdout is not None
        process.stdout.readline()
        with store.annotating(wait=True):
            assert len(annotated(db)) == 200
        process.communicate()


def test_a_locked_database_stops_the_run_with_a_sentence(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broadsheet.store.connection.BUSY_TIMEOUT_S", 0.1)
    other = sqlite3.connect(db, isolation_level=None)
    with Store.open(db) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"is locked by another program; try again"):
            annotate(papers(5), store, AnsweringLLM(), Prompts.load())
        other.execute("ROLLBACK")
        assert annotate(papers(5), store, AnsweringLLM(), Prompts.load()).annotated == 5
    other.close()


def test_a_full_disk_stops_the_run_with_a_sentence_and_keeps_what_was_committed(db: Path) -> None:
    with Store.open(db) as store:
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        # SQLite's own way to run out of room; it says the same of a disk.
        store._db.execute(f"PRAGMA max_page_count = {pages + 8}")
        with pytest.raises(StoreError, match=r"is full; free some space and run the same command again"):
            annotate(papers(200), store, AnsweringLLM(), Prompts.load())
    kept = annotated(db)
    assert 0 < len(kept) < 200
    with Store.open(db) as store:
        rest = [paper for paper in papers(200) if paper.id not in kept]
        assert annotate(rest, store, AnsweringLLM(), Prompts.load()).annotated == 200 - len(kept)


def test_a_read_only_database_stops_the_run_with_a_sentence(db: Path) -> None:
    with Store.open(db) as store:
        store._db.execute("PRAGMA query_only = ON")
        with pytest.raises(StoreError, match=r"is read-only; make it and its folder writable"):
            annotate(papers(5), store, AnsweringLLM(), Prompts.load())
    assert not annotated(db)
