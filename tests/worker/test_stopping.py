"""The real worker command: its lock, its signals, and what doctor says of its settings."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from pathlib import Path
from threading import Event

import pytest
from typer.testing import CliRunner

from broadsheet.cli import app
from broadsheet.store import Store
from broadsheet.store.lock import StageLock
from in_process import broadsheet, ran
from servers.openai_server import Behaviour, OpenAIServer
from terminals import Command

WORKER = ("-m", "broadsheet", "worker")
TABLE = """
[worker]
sources = ["sample"]
at = "00:00"
"""


@pytest.fixture(autouse=True)
def _table() -> None:
    Path("broadsheet.toml").write_text(TABLE)


def is_free() -> bool:
    lock = StageLock(Path("broadsheet.db"), "", ".worker.lock")
    with lock.held(), Store.open("broadsheet.db") as store, store.annotating():
        return True


def test_ctrl_c_while_it_waits_for_the_next_day_ends_it_with_status_0() -> None:
    with Command(*WORKER) as command:
        command.until(lambda: "stage=worker state=waiting" in command.out)
        command.process.send_signal(signal.SIGINT)
        assert command.end() == 0
        assert command.err.endswith("The worker has stopped; finished work is saved.\n")
        assert "Traceback" not in command.err
    assert is_free()
    assert len(list(Path("editions").iterdir())) == 1


def test_sigterm_while_it_annotates_awaits_what_is_with_the_server_and_the_next_start_asks_for_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopping = Event()
    pace = {"BROADSHEET_BATCH_PAPERS": "3", "BROADSHEET_MAX_IN_FLIGHT": "2"}
    pace["BROADSHEET_DISTRUST_NEIGHBOURS"] = "false"  # so that nothing is asked about twice
    with OpenAIServer(behaviour=Behaviour(once=stopping.is_set)) as server:
        given = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "key-of-the-test", **pace}
        with Command(*WORKER, **given) as command:
            command.until(lambda: server.in_flight == 2)
            command.process.send_signal(signal.SIGTERM)
            command.until(lambda: "press Ctrl-C again" in command.err)
            stopping.set()
            assert command.end() == 0
            assert "stage=annotate state=stopped" in command.out
            assert "Traceback" not in command.err
        asked = len(server.seen)
        assert len(server.answered) == asked < 9
        assert is_free()
        assert not Path("editions").exists()
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        assert broadsheet("worker", "--once")[0] == 0
        titles = [title for seen in server.answered for title in seen.titles]
        assert len(titles) == len(set(titles)) == 27
    with Store.open("broadsheet.db") as store:
        assert len(store.editions.days()) == 1


def test_a_second_worker_on_the_same_cache_is_refused_with_the_first_ones_number() -> None:
    with StageLock(Path("broadsheet.db"), "", ".worker.lock").held():
        done = ran("worker", "--once")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"(process {os.getpid()}, since" in done.stderr
    assert "is running as this cache's worker; try again" in done.stderr


def test_once_ends_by_itself_and_prints_its_lines() -> None:
    code, out = broadsheet("worker", "--once")
    assert code == 0
    assert [line.split("stage=")[1].split()[0] for line in out.splitlines()] == [
        *("fetch", "annotate", "compose", "render", "embed", "day")
    ]
    assert broadsheet("worker", "--once", "--quiet") == (0, "")
    with sqlite3.connect("broadsheet.db") as plain:
        assert plain.execute("SELECT count(*) FROM worker_days").fetchone() == (1,)
    plain.close()


def test_without_a_table_it_says_where_one_is_shown() -> None:
    Path("broadsheet.toml").unlink()
    result = CliRunner().invoke(app, ["worker", "--once"])
    assert "docs/schedule.md" in str(result.exception)


def doctor() -> dict[str, dict[str, object]]:
    result = CliRunner().invoke(app, ["doctor", "--offline", "--json"])
    return {check["name"]: check for check in json.loads(result.stdout)}


def test_doctor_says_when_the_worker_runs_and_what_it_does() -> None:
    Path("broadsheet.toml").write_text('site_url = "https://example.org"\n' + TABLE)
    found = doctor()["worker"]
    assert found["ok"] is True
    assert "sample" in str(found["detail"])
    assert "00:00 UTC" in str(found["detail"])
    assert "writes the site" in str(found["detail"])


def test_doctor_names_sources_and_channels_that_are_not_there() -> None:
    Path("broadsheet.toml").write_text('[worker]\nsources = ["nowhere.jsonl", "hf"]\nsend = ["mail"]\n')
    found = doctor()["worker"]
    assert found["ok"] is False
    assert "nowhere.jsonl" in str(found["detail"])
    assert "[mail]" in str(found["detail"])


def test_doctor_says_nothing_of_a_worker_that_nobody_has_set_up() -> None:
    Path("broadsheet.toml").unlink()
    assert "worker" not in doctor()


def test_a_wrong_time_zone_is_what_doctor_says() -> None:
    Path("broadsheet.toml").write_text('[worker]\nsources = ["hf"]\ntime_zone = "Mars/Olympus"\n')
    result = CliRunner().invoke(app, ["doctor", "--offline"])
    assert "“worker.time_zone” cannot be “Mars/Olympus”" in str(result.exception)
