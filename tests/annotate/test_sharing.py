"""Real processes that ask at once on one database, under the limits of one key."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from commands import annotated, ended, new_cache, start
from servers.limits import Limits
from servers.openai_server import AskedPaper, Behaviour, OpenAIServer, placeholder

PAPERS = 98
TOKENS_PER_MINUTE = 300_000
BURST = TOKENS_PER_MINUTE / 3
SETTINGS = {"BROADSHEET_BATCH_PAPERS": "1"}
TOLD = {"BROADSHEET_TOKENS_PER_MINUTE": str(TOKENS_PER_MINUTE)}


def floor_s(server: OpenAIServer) -> float:
    """The shortest time for the answered tokens: what the burst does not cover has to refill."""
    used = sum(seen.input_tokens + seen.output_tokens for seen in server.answered)
    return (used - BURST) * 60 / TOKENS_PER_MINUTE


def wait_for_both(db: Path) -> None:
    """Wait until both processes have said in the database that they ask; a busy machine may part them."""
    deadline = time.monotonic() + 30
    with closing(sqlite3.connect(db)) as connection:
        while time.monotonic() < deadline:
            (asking,) = connection.execute("SELECT count(*) FROM asking_processes").fetchone()
            if asking == 2:
                return
            time.sleep(0.005)
    raise AssertionError("one of the two never asked")


def annotate_twice_at_once(
    db: Path, server: OpenAIServer, **settings: str
) -> tuple[list[dict[str, Any]], float]:
    """Their reports, and the seconds from the first answer to the last request."""
    began: list[float] = []

    def answer(paper: AskedPaper) -> dict[str, Any]:
        if not began:
            wait_for_both(db)
            began.append(time.monotonic())
        return placeholder(paper)

    server.answer = answer
    server.behaviour.limits = Limits(tpm=TOKENS_PER_MINUTE, tpm_burst=BURST)
    words = ("annotate", "--db", db, "--json", "--quiet")
    both = [start(*words, server=server, **SETTINGS, **settings) for _ in range(2)]
    reports = [json.loads(ended(process)[1]) for process in both]
    return reports, server.seen[-1].at - began[0]


@pytest.mark.parametrize(
    ("settings", "base_s"),
    [(TOLD, 0.05), ({"BROADSHEET_MAX_IN_FLIGHT": "60"}, 0.3)],
    ids=["limits that are set", "limits that only headers tell"],
)
def test_two_processes_share_the_limits_and_never_the_same_paper(tmp_path, settings, base_s):
    db = new_cache(tmp_path / "cache.db", PAPERS)
    with OpenAIServer(behaviour=Behaviour(base_s=base_s)) as server:
        reports, took_s = annotate_twice_at_once(db, server, **settings)
    asked = Counter(title for seen in server.answered for title in seen.titles)
    assert set(asked.values()) == {1}
    assert len(annotated(db)) == len(asked) == PAPERS
    assert sum(report["annotated"] for report in reports) == PAPERS
    assert min(report["annotated"] for report in reports) >= PAPERS // 10
    refused = [seen for seen in server.seen if seen.status == 429]
    assert len(refused) <= PAPERS // 20
    assert took_s <= 1.3 * floor_s(server) + base_s


def test_who_is_left_takes_over_what_a_killed_process_had_under_way(tmp_path):
    db = new_cache(tmp_path / "cache.db", PAPERS)
    killed: list[int] = []

    def answer(paper: AskedPaper) -> dict[str, Any]:
        if len(server.answered) >= PAPERS // 2 and not killed:
            killed.append(both[1].pid)
            both[1].kill()
        return placeholder(paper)

    words = ("annotate", "--db", db, "--json", "--quiet")
    with OpenAIServer(answer, Behaviour(base_s=0.2)) as server:
        both = [start(*words, server=server, **SETTINGS) for _ in range(2)]
        both[1].communicate()
        ended(both[0])
        assert killed
    assert len(annotated(db)) == PAPERS
    asked = Counter(title for seen in server.answered for title in seen.titles)
    assert sum(asked.values()) <= PAPERS + 16
