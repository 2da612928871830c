"""Papers with a tag that a search speaks of come first among those that answer it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from broadsheet import Filter, Store
from broadsheet.config import Settings
from broadsheet.llm.extractive.topics import topics_of_search
from broadsheet.prompts import Prompts
from broadsheet.searching import parsed
from broadsheet.web import create_app
from builders import add, annotate, annotation, paper
from in_process import broadsheet

WORDS = "Quadruped gaits"
TITLED = paper("Quadruped gaits in kelp", abstract="They sway.")
ABOUT = paper("Of weights in kelp", abstract="Quadruped gaits sway.")
OTHER = paper("Sourdough", abstract="Bread.")
FILLERS = [paper(f"Loaf {n}", abstract="Bread.") for n in range(20)]


def fill(store: Store) -> None:
    add(store, OTHER, ABOUT, TITLED, *FILLERS)
    for one, topic in ((TITLED, "graphs"), (ABOUT, "robotics")):
        annotate(store, one, said=annotation(topics=(topic,), keywords=("silt", "reed", "salt")))
    annotate(store, OTHER, said=annotation(topics=("robotics",), keywords=("rye", "oat", "dough")))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr("broadsheet.store.vectors.installed", lambda: None)
    with Store.in_memory() as made:
        fill(made)
        yield made


def found(store: Store) -> list[str]:
    return [record.title for record in store.list(Filter(search=WORDS))]


def test_a_tag_that_the_search_speaks_of_moves_a_paper_up_and_adds_none(store: Store) -> None:
    assert found(store) == [TITLED.title, ABOUT.title]
    store.ranking._answers.clear()
    store.ranking.topics_of = topics_of_search(Prompts.load(None, "en").taxonomy)
    assert found(store) == [ABOUT.title, TITLED.title]


def test_a_tag_that_is_not_probable_moves_nothing(store: Store) -> None:
    store.ranking.topics_of = lambda _: {"robotics": 0.49}
    assert found(store) == [TITLED.title, ABOUT.title]


def test_what_must_not_stand_tells_no_topic_and_a_word_said_twice_stands_twice() -> None:
    assert parsed('a "robot arm" moves a -video robot').text == "a robot arm moves a robot"


def test_the_command_the_page_and_the_api_weigh_tags_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broadsheet.store.vectors.installed", lambda: None)
    db = tmp_path / "b.db"
    with Store.open(db) as made:
        fill(made)
    code, told = broadsheet("list", "--search", WORDS, "--db", db)
    assert (code, told.index(ABOUT.title) < told.index(TITLED.title)) == (0, True)
    with TestClient(create_app(Settings(db=db))) as client:
        papers = client.get("/api/papers", params={"q": WORDS}).json()["papers"]
        assert [each["id"] for each in papers] == [ABOUT.id, TITLED.id]
        page = client.get("/", params={"q": WORDS}).text
        assert page.index(f"/p/{ABOUT.id}") < page.index(f"/p/{TITLED.id}")


def test_of_two_papers_that_are_as_like_a_paper_the_one_of_its_topics_comes_first(store: Store) -> None:
    one, other, same = (paper(f"Dulse {name}", abstract="It wavers.") for name in ("a", "b", "c"))
    add(store, same, other, one)
    for each, topics in ((one, ("graphs", "robotics")), (other, ("graphs",)), (same, ("graphs", "robotics"))):
        annotate(store, each, said=annotation(topics=topics, keywords=("silt", "reed", "salt")))
    assert [record.id for record in store.related(one.id, 2)] == [same.id, other.id]
    with store.transaction():
        store.papers.revise(same.model_copy(update={"abstract": "It  wavers ."}))
    assert [record.id for record in store.related(one.id, 2)] == [other.id, same.id]


def test_a_paper_without_topics_is_related_by_words_alone(store: Store) -> None:
    one, other = (paper(f"Dulse {name}", abstract="It wavers.") for name in ("a", "b"))
    add(store, one, other)
    assert store.related(one.id)[0].id == other.id
