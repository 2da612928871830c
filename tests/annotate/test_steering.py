"""What the check for steered records costs an honest model, and how far it goes with one that is at odds."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from annotating import annotate
from attacks import Obeying
from broadsheet.annotate.steering import Apart
from broadsheet.batching import Limits
from broadsheet.config import Settings
from broadsheet.llm import Reply, Request
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from papers import AnsweringLLM, answer, numbered, papers

PROMPTS = Prompts.load()
FIELDS = ("tldr", "topics", "contribution", "keywords", "code")
MOST_EXTRA = 1.03


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "cache.db") as opened:
        yield opened


def admit(store: Store, chosen: Sequence[Paper]) -> None:
    with store.transaction():
        for paper in chosen:
            store.papers.add(paper, date(2026, 1, 5))


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def references() -> tuple[list[Paper], Mapping[str, Mapping[str, Any]]]:
    gold = Path(os.environ.get("BROADSHEET_SHARED", Path(__file__).parents[3] / "shared")) / "gold"
    if not gold.is_dir():
        pytest.skip("the reference annotations are not beside this checkout")
    found = []
    for prefix in ("", "fresh-"):
        abstracts = {row["title"]: row for row in rows(gold / f"{prefix}papers.jsonl")}
        found += [abstracts.get(row["title"], {}) | row for row in rows(gold / f"{prefix}reference.jsonl")]
    chosen = [Paper(id=f"p{n}", title=row["title"], abstract=row["abstract"]) for n, row in enumerate(found)]
    return chosen, {
        paper.id: {name: row[name] for name in FIELDS} for paper, row in zip(chosen, found, strict=True)
    }


SHARED = os.environ.get("BROADSHEET_SHARED")  # every test runs without it


def test_neighbours_are_distrusted_unless_a_setting_says_otherwise() -> None:
    assert Settings.load(engine="extractive").distrust_neighbours


def test_careful_annotations_of_327_papers_cost_three_percent_more_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if SHARED:
        monkeypatch.setenv("BROADSHEET_SHARED", SHARED)
    chosen, honest = references()
    tokens = {}
    for distrust in (False, True):
        model = Obeying(honest)
        with Store.open(tmp_path / f"{distrust}.db") as store:
            admit(store, chosen)
            report = annotate(chosen, store, AnsweringLLM(model), PROMPTS, distrust_neighbours=distrust)
            assert report.annotated == len(chosen)
            said = {record.id: record.annotation for record in store.list()}
        assert all(list(said[id_].topics) == row["topics"] for id_, row in honest.items())
        tokens[distrust] = model.tokens
    assert tokens[False] <= tokens[True] <= MOST_EXTRA * tokens[False]


def at_odds(topics: Sequence[str]) -> AnsweringLLM:
    """A model that gives each paper of a request a topic that nothing in it speaks for, in turn."""

    def reply(request: Request) -> Reply:
        records = numbered(request)
        for number, record in enumerate(records):
            record["topics"] = [topics[number % len(topics)]]
        return Reply(answer(records))

    return AnsweringLLM(reply)


ODD = ("robotics", "tabular-data", "speech-and-audio", "model-merging", "time-series", "graphs")


def test_a_model_that_disagrees_about_every_paper_in_its_own_way_is_asked_again_about_few(
    store: Store,
) -> None:
    admit(store, chosen := papers(36))
    llm = at_odds(ODD)
    report = annotate(chosen, store, llm, PROMPTS, limits=Limits(papers=6), in_flight=1)
    apart = [request for request in llm.history if request.purpose == "apart"]
    assert report.annotated == len(chosen)
    assert len(apart) <= 2 + 36 // 120
    assert all(len(request.sent) == 1 for request in apart)
    overruled = [
        record for record in store.list() if any(finding.kind == "steered" for finding in record.findings)
    ]
    assert len(overruled) >= len(chosen) // 2
    assert not {record.annotation.topics[0] for record in overruled} & set(ODD)


def test_an_answer_that_gives_all_papers_one_odd_tag_has_more_of_them_asked_about_apart(store: Store) -> None:
    admit(store, chosen := papers(8))
    llm = at_odds(ODD[:1])
    annotate(chosen, store, llm, PROMPTS, limits=Limits(papers=8), in_flight=1)
    assert sum(request.purpose == "apart" for request in llm.history) == len(chosen)


def test_turns_end_and_grow_with_the_run() -> None:
    for papers_of_the_run, lone, shared in ((8, 2, 8), (120, 2, 9), (411, 3, 12), (1200, 10, 20)):
        apart = Apart(papers_of_the_run)
        assert sum(apart.take_turn(lone=True) for _ in range(100)) == lone
        assert sum(apart.take_turn(lone=False) for _ in range(100)) == shared
