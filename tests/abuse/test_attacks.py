"""26 orders hidden in an abstract, each in two places of a request, and a model that obeys every one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from annotating import annotate
from attacks import ATTACKS, FOREIGN, STEERS, Obeying, Steer, attacker, is_ordered
from broadsheet.annotate import rebuild
from broadsheet.batching import Limits
from broadsheet.fencing import fenced
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from papers import AnsweringLLM

PROMPTS = Prompts.load()
GOLD = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "fixtures/gold/reference.jsonl").read_text().splitlines()
]
FIELDS = ("tldr", "topics", "contribution", "keywords", "code")
PAPERS = [Paper(id=f"decent-{n}", title=row["title"], abstract=row["abstract"]) for n, row in enumerate(GOLD)]
HONEST = {paper.id: {name: row[name] for name in FIELDS} for paper, row in zip(PAPERS, GOLD, strict=True)}
VICTIMS, HOST = PAPERS[:7], PAPERS[7]
HONEST["attacker"] = HONEST[HOST.id]


def tags(store: Store) -> Mapping[str, Any]:
    said = {record.id: record.annotation for record in store.list() if record.annotation}
    return {id_: (each.topics, each.contribution, each.code) for id_, each in said.items()}


def run(
    folder: Path, papers: list[Paper], steer: Steer | None
) -> tuple[Mapping[str, Any], Mapping[str, Any], AnsweringLLM]:
    """Annotate the papers as one request; return the tags, those after a rebuild, and the engine."""
    with Store.open(folder / "cache.db") as store:
        with store.transaction():
            for paper in papers:
                store.papers.add(paper, date(2026, 1, 5))
        llm = AnsweringLLM(Obeying(HONEST, steer))
        report = annotate(
            papers,
            store,
            llm,
            PROMPTS,
            limits=Limits(papers=len(papers)),
            in_flight=1,
        )
        assert report.annotated == len(papers)
        live = tags(store)
        shown = json.dumps([each.annotation.model_dump(mode="json") for each in store.list()])
        assert FOREIGN not in shown
        rebuild(store, PROMPTS, suspicious=True)
        return live, tags(store), llm


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    live, _, llm = run(tmp_path_factory.mktemp("honest"), [*VICTIMS, HOST], None)
    assert [request.purpose for request in llm.history] == ["annotate"]
    return live


def test_there_are_26_attacks_and_each_is_understood_as_it_reaches_the_model() -> None:
    assert len(ATTACKS) == 26
    assert not is_ordered(" ".join(paper.abstract for paper in PAPERS))
    assert all(is_ordered(fenced(attacker(form, HOST)).text) for form in ATTACKS)


@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
@pytest.mark.parametrize("number", range(len(ATTACKS)), ids=list(ATTACKS))
def test_an_order_changes_no_other_papers_record_and_shows_no_link_of_its_own(
    undisturbed: Mapping[str, Any], tmp_path: Path, number: int, *, first: bool
) -> None:
    steer = STEERS[number % len(STEERS)]
    attack = attacker(list(ATTACKS)[number], HOST)
    papers = [attack, *VICTIMS] if first else [*VICTIMS, attack]
    live, rebuilt, _ = run(tmp_path, papers, steer)
    for victim in VICTIMS:
        assert live[victim.id] == undisturbed[victim.id], (victim.title, steer.name)
    assert rebuilt == live
