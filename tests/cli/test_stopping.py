"""Ctrl-C and SIGTERM, as real signals to the real command, at every moment of its life."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import date
from pathlib import Path
from threading import Event

import pytest

from broadsheet.llm.openai.patience import LONGEST_WAIT_S
from broadsheet.store import Store
from papers import papers
from servers.faults import Faults
from servers.limits import Limits
from servers.openai_server import AskedPaper, Behaviour, OpenAIServer, placeholder
from terminals import CTRL_C, Command, Terminal

GOLD = Path(__file__).parents[2] / "fixtures" / "gold" / "reference.jsonl"
BROADSHEET = ("-m", "broadsheet")
BOTH_SIGNALS = pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])


@pytest.fixture(autouse=True)
def _cache() -> None:
    with Store.open("broadsheet.db") as store, store.transaction():
        for paper in papers(12):
            store.papers.add(paper, date(2026, 1, 5))


def asking(server: OpenAIServer, **more: str) -> dict[str, str]:
    """Two papers a request, two requests at once."""
    pace = {"BROADSHEET_BATCH_PAPERS": "2", "BROADSHEET_MAX_IN_FLIGHT": "2"}
    return {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "k", **pace, **more}


def annotated() -> int:
    with Store.open("broadsheet.db") as store:
        return int(store.statistics.summary()["annotated"])


def is_free() -> bool:
    """Whether nobody holds the cache's place for annotating."""
    with Store.open("broadsheet.db") as store, store.annotating():
        return True


def answered(server: OpenAIServer) -> Counter[str]:
    return Counter(title for seen in server.answered for title in seen.titles)


@BOTH_SIGNALS
def test_a_signal_awaits_what_is_with_the_server_and_the_next_run_asks_only_for_the_rest(
    sent: signal.Signals,
) -> None:
    stopping = Event()
    with OpenAIServer(behaviour=Behaviour(once=stopping.is_set)) as server:
        with Command(*BROADSHEET, "annotate", **asking(server)) as command:
            command.until(lambda: server.in_flight == 2)
            command.process.send_signal(sent)
            command.until(lambda: "press Ctrl-C again" in command.err)
            stopping.set()
            with_the_server = len(server.seen)
            assert command.end() == 1
            assert command.out.rstrip().endswith("papers are left: run the same command again to go on.")
            assert "Traceback" not in command.err
        assert len(server.seen) == len(server.answered) == with_the_server < 6
        assert annotated() == 2 * with_the_server
        assert is_free()
        with Command(*BROADSHEET, "annotate", **asking(server)) as again:
            assert again.end() == 0, again.err
        assert annotated() == 12
        assert set(answered(server).values()) == {1}


@BOTH_SIGNALS
@pytest.mark.parametrize("words", [["annotate"], ["run", "sample"]], ids=["annotate", "run"])
def test_a_wait_of_minutes_at_a_429_ends_at_once_and_nothing_is_sent(
    sent: signal.Signals, words: list[str]
) -> None:
    behaviour = Behaviour(faults=Faults(too_many=1.0), retry_after={"retry-after": f"{LONGEST_WAIT_S:.0f}"})
    with OpenAIServer(behaviour=behaviour) as server:
        with Command(*BROADSHEET, *words, "-v", **asking(server)) as command:
            command.until(lambda: "429: nothing is sent for 300" in command.err)
            command.until(lambda: not server.in_flight)
            command.process.send_signal(sent)
            assert command.end() == 1
            assert command.out.rstrip().endswith("run the same command again to go on.")
            assert (command.out + command.err).count("run the same command again") == 1
            assert "no tokens were spent" in command.out + command.err
            assert "failed" not in command.out + command.err
        assert {seen.status for seen in server.seen} == {429}
    assert annotated() == 0
    assert is_free()


def test_an_evaluation_that_is_stopped_scores_nothing_and_says_what_keeps_its_answers() -> None:
    behaviour = Behaviour(faults=Faults(too_many=1.0), retry_after={"retry-after": f"{LONGEST_WAIT_S:.0f}"})
    with (
        OpenAIServer(behaviour=behaviour) as server,
        Command(*BROADSHEET, "evaluate", str(GOLD), "-v", **asking(server)) as command,
    ):
        command.until(lambda: "429: nothing is sent for 300" in command.err)
        command.process.send_signal(signal.SIGTERM)
        assert command.end() == 2
        assert "papers left; a cache named with --db keeps what is done" in command.err
        assert command.out == ""


def test_what_waits_for_a_quota_is_not_sent_after_a_stop() -> None:
    limits = Limits(tpm=3000, tpm_burst=3000)
    with OpenAIServer(behaviour=Behaviour(limits=limits)) as server:
        with Terminal(*BROADSHEET, "annotate", **asking(server)) as terminal:
            terminal.until(r"quota: \d+ s")
            terminal.until(r"(?s)quota: \d+ s.*quota: \d+ s")
            terminal.type(CTRL_C)
            terminal.until("Stopping: ")
            sent = len(server.seen)
            assert terminal.end() == 1
        assert len(server.seen) == sent < 6
    assert annotated() == 2 * sent
    assert is_free()


def test_a_repair_that_was_not_sent_leaves_what_was_answered_before_without_what_was_wrong() -> None:
    def invents_keywords(paper: AskedPaper) -> dict[str, object]:
        return placeholder(paper) | {"keywords": ["no such words"]}

    class RefusesRepairs(Faults):
        def strike(self, prompt: str, attempt: int) -> str:
            turns = server.seen[-1].body["messages"]
            return "too_many" if any(turn["role"] == "assistant" for turn in turns) else ""

    behaviour = Behaviour(faults=RefusesRepairs(), retry_after={"retry-after": f"{LONGEST_WAIT_S:.0f}"})
    with (
        OpenAIServer(invents_keywords, behaviour) as server,
        Command(*BROADSHEET, "annotate", "-v", **asking(server)) as command,
    ):
        command.until(lambda: "429: nothing is sent for 300" in command.err)
        command.until(lambda: not server.in_flight)
        command.process.send_signal(signal.SIGINT)
        assert command.end() == 1
        came = len(answered(server))
        assert command.out.startswith(f"{came} of 12 papers annotated")
        assert f"{12 - came} papers are left" in command.out
        assert "failed" not in command.out
    assert annotated() == came > 0
    assert is_free()


def test_a_second_ctrl_c_drops_what_is_under_way_at_once_and_holds_nothing_any_more() -> None:
    with OpenAIServer(behaviour=Behaviour(base_s=LONGEST_WAIT_S)) as server:
        with Terminal(*BROADSHEET, "annotate", **asking(server)) as terminal:
            while server.in_flight < 2:
                terminal.until("Annotating")
            terminal.type(CTRL_C)
            terminal.until("press Ctrl-C again")
            terminal.type(CTRL_C)
            assert terminal.end() == 1
            assert terminal.seen.rstrip().endswith("run the same command again to go on.")
            assert "Traceback" not in terminal.seen
        assert len(server.seen) == 2
    assert is_free()


SLOW_TO_LOAD = """
import sys, time
class Slow:
    def find_spec(self, name, *rest):
        if name == "broadsheet.store":
            print("it is loaded", flush=True)
            time.sleep(300)
sys.meta_path.insert(0, Slow())
from broadsheet.__main__ import main
main()
"""
SLOW_TO_COMPOSE = """
import time
from broadsheet import pipeline
def compose(*_, **__):
    print("it is composed", flush=True)
    time.sleep(300)
pipeline.compose = compose
from broadsheet.__main__ import main
main()
"""


@BOTH_SIGNALS
@pytest.mark.parametrize(
    ("words", "moment"),
    [
        (["-c", SLOW_TO_LOAD, "list"], "it is loaded"),
        ([*BROADSHEET, "run", "-"], "Reading papers"),
        ([*BROADSHEET, "fetch", "-"], "Reading papers"),
        (["-c", SLOW_TO_COMPOSE, "run", "sample", "--engine", "extractive"], "it is composed"),
    ],
    ids=["loading", "run, reading", "fetch, reading", "composing"],
)
def test_an_interruption_at_any_other_moment_is_a_sentence_and_no_traceback(
    words: list[str], moment: str, sent: signal.Signals
) -> None:
    with Terminal(*words, cold=moment == "it is loaded") as terminal:
        terminal.until(moment)
        assert terminal.interrupt(sent) == 1
    # On a busy machine the live line may be drawn once more after the sentence.
    assert "run the same command again to go on." in terminal.seen
    assert "Traceback" not in terminal.seen
    assert not Path("editions").exists()


def test_a_second_sigterm_does_what_a_second_ctrl_c_does() -> None:
    with (
        OpenAIServer(behaviour=Behaviour(base_s=LONGEST_WAIT_S)) as server,
        Command(*BROADSHEET, "annotate", **asking(server)) as command,
    ):
        command.until(lambda: server.in_flight == 2)
        command.process.send_signal(signal.SIGTERM)
        command.until(lambda: "press Ctrl-C again" in command.err)
        command.process.send_signal(signal.SIGTERM)
        assert command.end() == 1
        assert command.err.rstrip().endswith("run the same command again to go on.")
    assert is_free()


def test_a_call_that_hangs_is_dropped_by_who_keeps_pressing_ctrl_c() -> None:
    with (
        OpenAIServer() as server,
        Command(*BROADSHEET, "annotate", "--engine", "openai-batch", **asking(server)) as command,
    ):
        server.batches.hold_at = "before upload"
        command.until(server.batches.held.is_set)

        def has_reacted() -> bool:
            if "Interrupted" in command.err:
                return True
            command.process.send_signal(signal.SIGINT)
            return False

        command.until(has_reacted)
        assert command.end() == 1
        assert command.err.rstrip().endswith("run the same command again to go on.")
        assert "Traceback" not in command.err
