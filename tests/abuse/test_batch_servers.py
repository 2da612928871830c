"""Whatever stands where the Batch API should, a run ends soon, with one sentence, and loses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from abuse.bad_answers import BadServer, silent
from abuse.conftest import KEY
from abuse.running import Running
from broadsheet.llm.openai_batch import service
from broadsheet.store import Store
from commands import new_cache
from servers.loopback import Answer, Call, LoopbackServer

PAPERS = 12
PAGE = "<!doctype html><html><head><title>Welcome</title></head><body>Sign in</body></html>"
BODIES: dict[str, bytes] = {
    "a page": PAGE.encode(),
    "null": b"null",
    "a list": b"[1, 2]",
    "a number": b"7",
    "an empty object": b"{}",
    "nothing": b"",
    "JSON cut off": b'{"id": "fi',
    "bytes": bytes(range(256)),
}
FILE = {"id": "file-1", "object": "file", "bytes": 1, "created_at": 1, "filename": "f", "purpose": "batch"}
JOB = {"id": "batch-1", "object": "batch", "input_file_id": "file-1", "endpoint": "/v1/chat/completions"}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[Call]]]:
    """Serves answers by the last part of the path, and a bad one for what is not told; returns the calls."""
    opened = []

    def serve(bad: bytes, **told: Any) -> list[Call]:
        calls: list[Call] = []

        async def respond(call: Call) -> Answer:
            calls.append(call)
            name = call.path.partition("?")[0].rsplit("/", 1)[-1].replace("-", "_")
            if name in told and call.method == "POST":
                return Answer.of(told[name])
            kind = "text/html" if bad.startswith(b"<") else "application/json"
            return Answer(body=bad, headers={"content-type": kind})

        server = LoopbackServer(respond).__enter__()
        opened.append(server)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        return calls

    yield serve
    for server in opened:
        server.__exit__(None, None, None)


def ended(running: Running, cache: Path, *prepared: str) -> int:
    """Run the command; what it says is one sentence."""
    words = ("annotate", "--db", cache, "--engine", "openai-batch", "--quiet")
    ran = running(*words, secrets=[KEY], prepared=["abuse.hurried:no_waits", *prepared])
    assert len(ran.sentences) == 1, ran.err
    with Store.open(cache) as store:
        assert store.count() == PAPERS
        assert not any(record.annotation for record in store.list())
    return ran.code


@pytest.mark.parametrize("what", BODIES)
def test_what_is_no_file_is_told_at_once(
    what: str, serving: Callable[..., list[Call]], running: Running, tmp_path: Path
) -> None:
    calls = serving(BODIES[what])
    assert ended(running, new_cache(tmp_path / "cache.db", PAPERS)) == 2
    assert len(calls) <= 3


@pytest.mark.parametrize("what", BODIES)
def test_what_is_no_job_is_told_at_once_and_the_papers_are_still_to_be_asked_about(
    what: str, serving: Callable[..., list[Call]], running: Running, tmp_path: Path
) -> None:
    calls = serving(BODIES[what], files=FILE)
    cache = new_cache(tmp_path / "cache.db", PAPERS)
    assert ended(running, cache) == 2
    assert len(calls) <= 3
    later = {**JOB, "input_file_id": "file-2", "status": "in_progress"}
    serving(json.dumps(later).encode(), files={**FILE, "id": "file-2"}, batches=later)
    assert ended(running, cache) == 1


@pytest.mark.parametrize("job", [JOB, {**JOB, "status": None}, {**JOB, "status": 7}, {**JOB, "status": ""}])
def test_a_job_without_status_is_left_to_a_later_run(
    job: dict[str, Any], serving: Callable[..., list[Call]], running: Running, tmp_path: Path
) -> None:
    calls = serving(json.dumps(job).encode(), files=FILE, batches=job)
    assert ended(running, new_cache(tmp_path / "cache.db", PAPERS)) == 1
    assert len(calls) <= 3


def test_a_service_that_never_answers_is_given_up_as_a_whole(
    running: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache = new_cache(tmp_path / "cache.db", PAPERS)
    with BadServer(silent) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        assert ended(running, cache, "abuse.hurried:no_patience") == 1
    assert 1 <= len(server.calls) <= 2
    assert service.TRANSFER_TIMEOUT_S <= service.GIVE_UP_S < 300
