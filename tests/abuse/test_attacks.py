"""26 orders hidden in an abstract, each in two places of a request, and a model that obeys every one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from abuse.conftest import KEY
from abuse.running import Running
from attacks import ATTACKS, FOREIGN, STEERS, ObeyingServer, Steer, attacker, is_ordered
from broadsheet.annotate import rebuild
from broadsheet.fencing import fenced
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.store import Store

PROMPTS = Prompts.load()
GOLD = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "fixtures/gold/reference.jsonl").read_text().splitlines()
]
FIELDS = ("tldr", "topics", "contribution", "keywords", "code")
PAPERS = [Paper(id=f"decent-{n}", title=row["title"], abstract=row["abstract"]) for n, row in enumerate(GOLD)]
HONEST = {paper.title: {name: row[name] for name in FIELDS} for paper, row in zip(PAPERS, GOLD, strict=True)}
VICTIMS, HOST = PAPERS[:7], PAPERS[7]
HONEST[attacker("polite", HOST).title] = HONEST[HOST.title]


def tags(store: Store) -> Mapping[str, Any]:
    said = {record.id: record.annotation for record in store.list() if record.annotation}
    return {id_: (each.topics, each.contribution, each.code) for id_, each in said.items()}


def run(
    running: Running, cache: Path, papers: list[Paper], steer: Steer | None
) -> tuple[Mapping[str, Any], Mapping[str, Any], ObeyingServer]:
    """Annotate the papers as one request; return the tags, those after a rebuild, and the server."""
    with Store.open(cache) as store, store.transaction():
        for paper in papers:
            store.papers.add(paper, date(2026, 1, 5))
    with pytest.MonkeyPatch.context() as patch, ObeyingServer(HONEST, steer) as server:
        patch.setenv("OPENAI_BASE_URL", server.base_url)
        patch.setenv("OPENAI_API_KEY", KEY)
        patch.setenv("BROADSHEET_BATCH_PAPERS", str(len(papers)))
        patch.setenv("BROADSHEET_MAX_IN_FLIGHT", "1")
        ran = running("annotate", "--db", cache, "--quiet", secrets=[KEY])
    assert (ran.code, ran.err) == (0, "")
    assert [seen.status for seen in server.seen] == [200] * len(server.seen)
    with Store.open(cache) as store:
        live = tags(store)
        assert live.keys() == {paper.id for paper in papers}
        shown = json.dumps([each.annotation.model_dump(mode="json") for each in store.list()])
        assert FOREIGN not in shown
        rebuild(store, PROMPTS, suspicious=True)
        return live, tags(store), server


@pytest.fixture(scope="module")
def undisturbed(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    live, _, server = run(running, tmp_path_factory.mktemp("honest") / "cache.db", [*VICTIMS, HOST], None)
    assert len(server.seen) == 1
    return live


def test_there_are_26_attacks_and_each_is_understood_as_it_reaches_the_model() -> None:
    assert len(ATTACKS) == 26
    assert not is_ordered(" ".join(paper.abstract for paper in PAPERS))
    assert all(is_ordered(fenced(attacker(form, HOST)).text) for form in ATTACKS)


@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
@pytest.mark.parametrize("number", range(len(ATTACKS)), ids=list(ATTACKS))
def test_an_order_changes_no_other_papers_record_and_shows_no_link_of_its_own(
    undisturbed: Mapping[str, Any], running: Running, tmp_path: Path, number: int, *, first: bool
) -> None:
    steer = STEERS[number % len(STEERS)]
    attack = attacker(list(ATTACKS)[number], HOST)
    papers = [attack, *VICTIMS] if first else [*VICTIMS, attack]
    live, rebuilt, server = run(running, tmp_path / "cache.db", papers, steer)
    assert any(attack.title in (seen.titles[0], seen.titles[-1]) for seen in server.seen)
    # All of them at once, each of those that it may reach once more alone, and one repair.
    assert len(server.seen) <= 2 + len(papers)
    for victim in VICTIMS:
        assert live[victim.id] == undisturbed[victim.id], (victim.title, steer.name)
    assert rebuilt == live
