"""Whatever a server answers, the command ends soon, with one sentence, and loses nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from abuse.bad_answers import BAD, BadServer
from abuse.conftest import KEY
from abuse.running import Running
from commands import annotated, new_cache
from servers.openai_server import OpenAIServer

PAPERS = 40
SECRETS = (KEY, "pw-of-it")
HURRIED = ["abuse.hurried:no_waits"]
MOST_BYTES_A_QUESTION = 40_000
"""Some 10,000 tokens: the prompt and at most a dozen abstracts."""


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_ends_the_run_with_one_sentence_costs_little_and_loses_nothing(
    name: str, running: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bad = BAD[name]
    cache = new_cache(tmp_path / "cache.db", PAPERS)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    if bad.quick:
        monkeypatch.setenv("BROADSHEET_FIRST_TOKEN_TIMEOUT_S", "0.3")
        monkeypatch.setenv("BROADSHEET_SLOWEST_TOKENS_PER_S", "20000")
    with BadServer(bad.writes) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        ran = running("annotate", "--db", cache, "--quiet", secrets=SECRETS, prepared=HURRIED)
    assert ran.code == bad.code, ran.err
    assert 1 <= len(server.calls) <= bad.requests
    assert server.received <= len(server.calls) * MOST_BYTES_A_QUESTION
    assert server.sent < 30_000_000
    (sentence,) = ran.err.splitlines()
    assert sentence.startswith("broadsheet: ")
    assert sentence.endswith(".")
    files = list(tmp_path.glob("cache.db*"))
    assert all(secret.encode() not in file.read_bytes() for file in files for secret in SECRETS)
    assert sum(file.stat().st_size for file in files) < 2_000_000
    told = json.loads(running("stats", "--db", cache, "--json", secrets=SECRETS).out)
    assert told["input_tokens"] + told["output_tokens"] == bad.billed * len(server.calls)
    assert not annotated(cache)
    with OpenAIServer() as good:
        monkeypatch.setenv("OPENAI_BASE_URL", good.base_url)
        ran = running("annotate", "--retry-failed", "--db", cache, "--quiet", secrets=SECRETS)
    assert ran.code == 0, ran.err
    assert len(annotated(cache)) == PAPERS


def test_there_are_forty_kinds_of_bad_answer() -> None:
    assert len(BAD) >= 40
