"""The annotate stage with the real openai client against a server on loopback that misbehaves by seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from annotating import annotate
from broadsheet.annotate import AnnotateReport
from broadsheet.batching import Limits
from broadsheet.config import Settings
from broadsheet.llm import open_llm
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from papers import papers, record
from servers.faults import RESEARCH_C, Faults
from servers.openai_server import Behaviour, OpenAIServer, answer_from, table_of

PAPERS = papers(120)
ANSWERS = answer_from(table_of([{"title": paper.title, **record(paper)} for paper in PAPERS]))
FAULTS = (
    "missing",
    "doubled",
    "wrong_id",
    "swapped",
    "truncated",
    "prose",
    "bad_json",
    "refusal",
    "content_filter",
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "cache.db") as opened:
        with opened.transaction():
            for paper in PAPERS:
                opened.papers.add(paper, date(2026, 1, 5))
        yield opened


def run(
    store: Store,
    server: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
    size: int = 8,
    in_flight: int = 16,
) -> AnnotateReport:
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    prompts = Prompts.load()
    llm = open_llm(Settings(engine="openai", model="gpt-4o-mini"), store, prompts)
    limits = Limits(papers=size)
    return annotate(PAPERS, store, llm, prompts, limits=limits, in_flight=in_flight, tokens_per_minute=10**9)


def assert_every_paper_has_its_own_record(store: Store) -> None:
    for paper in PAPERS:
        assert store.get(paper.id).annotation.tldr == record(paper)["tldr"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_with_one_fault_loses_no_paper_and_mixes_up_none(
    store: Store, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenAIServer(ANSWERS, Behaviour(faults=Faults(seed=7, at_most=2, **{fault: 0.1}))) as server:
        report = run(store, server, monkeypatch)
        assert any(seen.fault == fault for seen in server.seen)
    assert (report.annotated, report.failed) == (120, 0)
    assert_every_paper_has_its_own_record(store)


def test_a_server_with_every_fault_at_once_loses_no_paper_and_mixes_up_none(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenAIServer(
        ANSWERS, Behaviour(faults=Faults(seed=11, at_most=2, **dict.fromkeys(FAULTS, 0.05)))
    ) as server:
        report = run(store, server, monkeypatch)
    assert (report.annotated, report.failed) == (120, 0)
    assert report.follow_up_tokens > 0
    assert_every_paper_has_its_own_record(store)


def test_what_the_server_billed_is_what_the_run_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenAIServer(ANSWERS, Behaviour(faults=RESEARCH_C)) as server:
        report = run(store, server, monkeypatch)
    assert (report.requests, report.input_tokens, report.output_tokens) == (
        len(server.answered),
        sum(seen.input_tokens for seen in server.answered),
        sum(seen.output_tokens for seen in server.answered),
    )
    assert report.annotated == 120


def test_a_good_server_is_asked_for_each_paper_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenAIServer(ANSWERS) as server:
        report = run(store, server, monkeypatch)
        assert server.peak_in_flight <= 16
        asked = Counter(title for seen in server.answered for title in seen.titles)
    assert asked == Counter(paper.title for paper in PAPERS)
    assert report.requests == 15


def test_what_went_wrong_on_the_way_is_a_finding_of_the_paper(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = Faults(seed=3, at_most=2, swapped=0.3, missing=0.2, wrong_id=0.2)
    with OpenAIServer(ANSWERS, Behaviour(faults=faults)) as server:
        report = run(store, server, monkeypatch)
    found = [finding for record in store.list() for finding in record.findings if finding.field == "reply"]
    assert {"misplaced", "missing", "invented"} <= {finding.kind for finding in found}
    assert report.annotated == 120


def test_a_context_that_is_too_small_is_learnt_from_a_refusal_not_met_by_every_batch(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenAIServer(ANSWERS, Behaviour(context=1400)) as server:
        report = run(store, server, monkeypatch, size=10, in_flight=2)
    assert report.annotated == len(PAPERS)
    assert_every_paper_has_its_own_record(store)
    assert 0 < sum(seen.status == 400 for seen in server.seen) <= 4
