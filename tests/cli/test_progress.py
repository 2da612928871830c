"""What a person sees at a terminal, and what stands in a log, while the real command waits and works."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from datetime import date

import pytest

from broadsheet.cli.progress import LONGEST_PLAIN_INTERVAL_S, PLAIN_INTERVAL_S, progress
from broadsheet.store import Store
from papers import papers
from servers.faults import Faults
from servers.openai_server import Behaviour, OpenAIServer
from terminals import COLUMNS, CTRL_C, Command, Terminal, environment

BROADSHEET = ("-m", "broadsheet")
SOON = (
    "import broadsheet.cli.progress as p; p.PLAIN_INTERVAL_S = 0.3; import broadsheet.__main__ as b; b.main()"
)
IMPATIENT = ("-c", SOON)
COLOUR = re.compile(r"\x1b\[(?:\d+;)*[34][0-8](?:;\d+)*m")


@pytest.fixture(autouse=True)
def _cache() -> None:
    with Store.open("broadsheet.db") as store, store.transaction():
        for paper in papers(12):
            store.papers.add(paper, date(2026, 1, 5))


@pytest.fixture
def server() -> OpenAIServer:
    """Answers the first call; each later one is told to come again in twelve seconds."""

    class OnceAnswered(Faults):
        def strike(self, prompt: str, attempt: int) -> str:
            return "too_many" if len(server.seen) > 1 else ""

    server = OpenAIServer(behaviour=Behaviour(faults=OnceAnswered(), retry_after={"retry-after": "12"}))
    return server


def asking(server: OpenAIServer, **more: str) -> dict[str, str]:
    """Two papers a request, one request at once."""
    pace = {"BROADSHEET_BATCH_PAPERS": "2", "BROADSHEET_MAX_IN_FLIGHT": "1"}
    return {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "k", **pace, **more}


def test_the_live_line_shows_papers_rate_tokens_cost_and_a_429_that_counts_down(server: OpenAIServer) -> None:
    with server, Terminal(*BROADSHEET, "annotate", **asking(server)) as terminal:
        line = terminal.until(
            r"Annotating +\S+ +2/12 429: 12 s, \d+\.\d papers/s, [\d,]+ tokens, \$0\.\d{4}"
        ).group()
        assert len(line) <= COLUMNS
        terminal.until("429: 11 s")
        terminal.until("429: 10 s")
        assert COLOUR.search(terminal.raw)
        terminal.type(CTRL_C)
        assert terminal.end() == 1
        assert terminal.seen.rstrip().endswith("10 papers are left: run the same command again to go on.")


def test_notes_stand_above_the_live_line_and_never_in_it(server: OpenAIServer) -> None:
    with server, Terminal(*BROADSHEET, "annotate", "-v", **asking(server)) as terminal:
        terminal.until("429: 11 s")
        noted = re.search(r"\x1b\[2K(429: nothing is sent for 12\.0 s)\r?\n", terminal.raw)
        assert noted, terminal.raw


def test_no_color_is_respected(server: OpenAIServer) -> None:
    with server, Terminal(*BROADSHEET, "annotate", **asking(server, NO_COLOR="1")) as terminal:
        terminal.until("2/12 429: 11 s")
        assert not COLOUR.search(terminal.raw)


def test_a_dumb_terminal_gets_plain_lines(server: OpenAIServer) -> None:
    with server, Terminal(*IMPATIENT, "annotate", **asking(server, TERM="dumb")) as terminal:
        terminal.until(r"Annotating: 2 of 12, 429: \d+ s, .*tokens.*\r\n")
        assert "\x1b" not in terminal.raw


def test_a_log_says_while_nothing_comes_what_is_waited_for(server: OpenAIServer) -> None:
    with server, Command(*IMPATIENT, "annotate", **asking(server)) as command:
        command.until(lambda: len(re.findall(r"(?m)^Annotating: 2 of 12, 429: \d+ s, ", command.err)) >= 2)
        assert "\x1b" not in command.err


def test_quiet_prints_nothing_but_why_it_exits_with_1(server: OpenAIServer) -> None:
    with server, Command(*IMPATIENT, "annotate", "--quiet", **asking(server)) as command:
        command.until(lambda: len(server.seen) == 2 and not server.in_flight)
        command.process.send_signal(signal.SIGINT)
        assert command.end() == 1
        assert command.out == ""
        assert command.err.startswith("broadsheet: 2 of 12 papers annotated in 1 request: ")
        assert command.err.count("\n") == 1


def test_verbose_says_the_size_of_batches_and_why_what_was_learnt_of_the_server_and_each_429(
    server: OpenAIServer,
) -> None:
    server.behaviour.formats = frozenset({"json_object", "text"})
    with server, Command(*BROADSHEET, "annotate", "-v", **asking(server)) as command:
        command.until(lambda: "429: nothing is sent for 12.0 s" in command.err)
        assert re.search(r"(?m)^2 papers a request: .+", command.err)
        assert "The server refuses answer_format=json_schema; asking with" in command.err


def test_lines_of_a_log_grow_rare_while_nothing_comes_and_frequent_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now, said = 0.0, []
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with progress("Annotating") as advance:
        for now in range(500):
            advance(now // 400, 9, "429: 500 s")
            if capsys.readouterr().err:
                said.append(now)
    waits = [later - earlier for earlier, later in zip([0, *said], said, strict=False)]
    assert waits[:6] == [PLAIN_INTERVAL_S, 10, 20, 40, LONGEST_PLAIN_INTERVAL_S, LONGEST_PLAIN_INTERVAL_S]
    assert 400 in said
    assert waits[said.index(400) + 1] == 2 * PLAIN_INTERVAL_S


def test_it_is_told_that_all_wait_for_a_server_that_is_overloaded() -> None:
    class Overloaded(Faults):
        def strike(self, prompt: str, attempt: int) -> str:
            return "server_error" if len(server.seen) > 1 else ""

    server = OpenAIServer(behaviour=Behaviour(faults=Overloaded(), overloaded={"retry-after": "12"}))
    with server, Terminal(*BROADSHEET, "annotate", **asking(server)) as terminal:
        terminal.until(r"2/12 500: 12 s")
        terminal.until("500: 11 s")


@pytest.mark.parametrize("closed", ["2>&-", "<&-", "<&- 2>&-"])
def test_a_stream_that_the_shell_has_closed_changes_nothing_about_the_results(closed: str) -> None:
    command = f"{sys.executable} -m broadsheet annotate --engine extractive --json {closed}"
    done = subprocess.run(
        ["sh", "-c", command], check=False, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["annotated"] == 12


def test_an_interruption_while_the_live_line_starts_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.progress import Progress

    started: list[Progress] = []
    start = Progress.start

    def interrupted(line: Progress) -> None:
        start(line)
        started.append(line)
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "start", interrupted)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with pytest.raises(KeyboardInterrupt), progress("Reading papers"):
        pass
    assert [line.live.is_started for line in started] == [False]
