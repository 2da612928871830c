"""Whatever a server answers, the command ends soon, with one sentence, and loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tenacity import wait_fixed

from abuse.bad_answers import BAD, BadServer
from broadsheet.store import Store
from commands import new_cache
from in_process import Command

KEY = "sk-lantern-0123456789abcdef"
PAPERS = 60


@pytest.fixture
def broadsheet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr("broadsheet.llm.openai.exchange._WAIT", _waits_as_asked_or_not_at_all())
    # A busy machine may take longer than the moment in which a refusal comes.
    monkeypatch.setattr("broadsheet.llm.openai.probe.PROBE_S", 30.0)
    return Command(monkeypatch, capsys)


def _waits_as_asked_or_not_at_all():  # type: ignore[no-untyped-def]
    from broadsheet.llm.openai import exchange

    return exchange.WaitAsAsked(
        lambda error: error.diagnosis.headers if hasattr(error, "diagnosis") else None, wait_fixed(0.01)
    )


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_ends_the_run_with_one_sentence_and_costs_little(
    name: str, broadsheet: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bad = BAD[name]
    cache = new_cache(tmp_path / "cache.db", PAPERS)
    if bad.quick:
        monkeypatch.setenv("BROADSHEET_FIRST_TOKEN_TIMEOUT_S", "0.3")
        monkeypatch.setenv("BROADSHEET_SLOWEST_TOKENS_PER_S", "20000")
    with BadServer(bad.writes) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        code = broadsheet("annotate", "--db", cache, "--quiet")
    assert code == bad.code, broadsheet.err
    assert 1 <= len(server.calls) <= bad.requests
    (sentence,) = broadsheet.err.splitlines()
    assert sentence.startswith("broadsheet: ")
    assert sentence.endswith(".")
    printed = broadsheet.out + broadsheet.err
    assert KEY not in printed
    assert "pw-of-it" not in printed
    assert not set(printed) & {"\x1b", "\x9b", "\u202e"}
    files = list(tmp_path.glob("cache.db*"))
    assert all(KEY.encode() not in file.read_bytes() for file in files)
    assert sum(file.stat().st_size for file in files) < 2_000_000
    assert server.sent < 30_000_000
    with Store.open(cache) as store:
        assert store.count() == PAPERS


def test_there_are_forty_kinds_of_bad_answer() -> None:
    assert len(BAD) >= 40
