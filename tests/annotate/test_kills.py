"""The real command is killed between any two statements, and goes on as if nothing had been."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

from commands import annotated, ended, new_cache, start
from papers import papers
from servers.openai_server import Behaviour, OpenAIServer

PAPERS = 40
IN_FLIGHT = 16
SETTINGS = {"BROADSHEET_BATCH_PAPERS": "1", "BROADSHEET_MAX_IN_FLIGHT": str(IN_FLIGHT)}


def is_killed(*words: str | Path, after: int, server: OpenAIServer | None = None) -> bool:
    """Run a command that dies after so many statements; whether it was still running then."""
    process = start(*words, "--quiet", server=server, killed_after=after, **SETTINGS)
    return ended(process)[0] == -signal.SIGKILL


def rows_of(db: Path, table: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(db)
    try:
        return sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
    finally:
        connection.close()


def test_kills_of_annotate_lose_no_paper_and_pay_again_at_most_for_what_was_under_way(tmp_path):
    db, dice = new_cache(tmp_path / "cache.db", PAPERS), random.Random(2)
    kills = 0
    with OpenAIServer(behaviour=Behaviour(base_s=0.01)) as server:
        while len(finished := annotated(db)) < PAPERS:
            paid = Counter(title for seen in server.answered for title in seen.titles)
            calls = len(server.seen)
            kills += is_killed("annotate", "--db", db, after=dice.randint(40, 160), server=server)
            asked = {title for seen in server.seen[calls:] for title in seen.titles}
            assert finished <= annotated(db)
            assert not asked & finished
            assert len(asked & paid.keys()) <= IN_FLIGHT
    assert kills >= 5


def test_a_kill_of_fetch_leaves_whole_transactions_and_the_next_fetch_the_rest(tmp_path):
    file, db = tmp_path / "papers.jsonl", tmp_path / "cache.db"
    told = papers(1200)
    file.write_text("\n".join(json.dumps({"title": p.title, "abstract": p.abstract}) for p in told))
    dice = random.Random(3)
    for _ in range(3):
        assert is_killed("fetch", file, "--db", db, after=dice.randint(100, 3500))
        annotated(db)
        assert len(rows_of(db, "papers")) in {0, 500, 1000}
    ended(start("fetch", file, "--db", db))
    annotated(db)
    assert len(rows_of(db, "papers")) == 1200


def test_a_kill_of_a_rebuild_changes_nothing(tmp_path):
    db, dice = new_cache(tmp_path / "cache.db", PAPERS), random.Random(4)
    with OpenAIServer() as server:
        ended(start("annotate", "--db", db, server=server, **SETTINGS))
    tables = ("annotations", "tags", "findings", "replies")
    before = {table: rows_of(db, table) for table in tables}
    for _ in range(3):
        assert is_killed("annotate", "--rebuild", "--db", db, after=dice.randint(50, 300))
        annotated(db)
        assert {table: rows_of(db, table) for table in tables} == before
    assert ended(start("annotate", "--rebuild", "--db", db))[0] == 0
    assert len(annotated(db)) == PAPERS
