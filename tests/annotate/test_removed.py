"""A paper that is removed while it is asked about: its answer is paid for, and its record is nobody's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from broadsheet.annotate import AnnotateReport, prepare
from broadsheet.config import Settings
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from fickle import Fickle
from papers import papers, record

PROMPTS = Prompts.load()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "cache.db") as opened:
        with opened.transaction():
            for paper in papers(4):
                opened.papers.add(paper, date(2026, 1, 5))
        yield opened


def run(store: Store, llm: Fickle) -> AnnotateReport:
    return prepare(store, llm, PROMPTS, Settings.load(engine="extractive")).run()


@pytest.mark.parametrize("kind", ["right", "first half only", "to be repaired", "prose", "none"])
def test_the_others_of_its_request_are_annotated_and_it_is_not_counted(kind: str, store: Store) -> None:
    llm = Fickle(record, lambda *_: False, deferred=True)
    assert run(store, llm).with_service == 4
    with store.transaction():
        store.papers.remove(papers(1)[0].id)
    llm.plan = [kind]
    reports = []
    while llm.waiting:
        reports.append(run(store, llm))
    assert sum(report.annotated for report in reports) == 3
    assert all(
        report.papers == report.annotated + report.failed + report.with_service + report.left
        for report in reports
    )
    assert {each.id for each in store.list()} == {paper.id for paper in papers(4)[1:]}
    assert all(each.annotation for each in store.list())
    assert [reply.input_tokens + reply.output_tokens for reply in store.annotations.replies()] == list(
        llm.bill.values()
    )
