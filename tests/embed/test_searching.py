"""A search is compared by the endpoint's vectors where papers have them, and by others where it fails."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlite_utils import Database
from starlette.testclient import TestClient

from broadsheet.config import Settings
from broadsheet.embed import SearchEmbedder, keep_spent, open_stage
from broadsheet.embedding import MODEL as PACKAGED
from broadsheet.embedding import Embedder
from broadsheet.llm.openai import embedder as asking
from broadsheet.store import Store
from broadsheet.store.held import Held
from broadsheet.store.nearest import Index
from broadsheet.store.neighbours import Neighbours
from broadsheet.store.vectors import Vectors
from broadsheet.web import create_app, upkeep
from builders import add, paper, rows
from in_process import Ran, ran
from servers.openai_server import OpenAIServer

MODEL = "text-embedding-3-small"
SETTINGS = Settings(embedding_model=MODEL)
CARS = paper("Cars and their drivers", abstract="How people drive cars in a city.")
WAGONS = paper("Wheeled things on a highway", abstract="They queue where the road narrows.")
BREAD = paper("Sourdough bread at home", abstract="Flour, water and salt make a loaf.")
MEANINGS = {"car": 0, "wheel": 0, "bread": 1, "flour": 1}


def by_meaning(text: str, numbers: int) -> list[float]:
    """What only the endpoint knows: that wheeled things are cars."""
    made = [0.0] * numbers
    for word, place in MEANINGS.items():
        made[place] += word in text.lower()
    return made


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    with OpenAIServer() as made:
        made.embeddings.vector = by_meaning
        monkeypatch.setenv("OPENAI_BASE_URL", made.base_url)
        yield made


@pytest.fixture
def searches(server: OpenAIServer) -> Iterator[SearchEmbedder]:
    made = SearchEmbedder(SETTINGS)
    yield made
    made.close()


@pytest.fixture
def store(server: OpenAIServer, searches: SearchEmbedder) -> Iterator[Store]:
    with Store.in_memory() as made:
        add(made, CARS, WAGONS, BREAD)
        embed(made)
        made.vectors.asks = searches
        server.embeddings.seen.clear()
        yield made


def embed(store: Store) -> None:
    stage = open_stage(SETTINGS, store)
    assert stage
    stage.run()


def found(store: Store, words: str) -> list[str]:
    return [record.title for record in store.search(words)]


def asked(server: OpenAIServer) -> list[list[str]]:
    return [each.texts for each in server.embeddings.seen]


def test_a_search_asks_for_one_vector_and_finds_what_only_the_endpoint_knows(
    server: OpenAIServer, store: Store
) -> None:
    assert found(store, "cars") == [CARS.title, WAGONS.title]
    assert asked(server) == [["cars"]]
    assert found(store, "cars -highway") == [CARS.title]


def test_the_same_search_is_asked_for_once(server: OpenAIServer, store: Store) -> None:
    for words in ("cars", "bread", "cars ", "  cars"):
        found(store, words)
    assert asked(server) == [["cars"], ["bread"]]


def test_related_papers_are_compared_without_asking(server: OpenAIServer, store: Store) -> None:
    assert [record.title for record in store.related(CARS.id)] == [WAGONS.title]
    assert asked(server) == []


def test_listing_showing_and_words_alone_ask_for_nothing(server: OpenAIServer, store: Store) -> None:
    store.get(CARS.id)
    list(store.list())
    assert found(store, '-"cars"')
    assert asked(server) == []


@pytest.mark.parametrize("status", [401, 404, 500])
def test_where_the_endpoint_fails_others_rank_and_one_warning_says_so(
    server: OpenAIServer,
    store: Store,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(asking, "SEARCH_TIMEOUT_S", 600.0)
    server.embeddings.first = [status] * 50
    with caplog.at_level(logging.WARNING):
        assert found(store, "cars")[0] == CARS.title
        calls = len(server.embeddings.seen)
        assert calls > 0
        assert found(store, "bread")[0] == BREAD.title
    assert len(server.embeddings.seen) == calls
    assert len([record for record in caplog.records if "do without embeddings" in record.message]) == 1


def test_a_server_that_is_silent_is_waited_for_a_moment_and_then_left_alone_for_a_while(
    server: OpenAIServer,
    store: Store,
    searches: SearchEmbedder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(asking, "SEARCH_TIMEOUT_S", 0.1)
    monkeypatch.setattr("broadsheet.store.vectors.installed", lambda: None)
    server.embeddings.once = lambda: False
    assert found(store, "cars") == [CARS.title]
    assert "no vector came within" in caplog.text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searches, "_in_time", None)  # whoever asked would fail
        assert found(store, "bread") == [BREAD.title]
    server.embeddings.once = lambda: True
    monkeypatch.setattr(asking, "SEARCH_TIMEOUT_S", 600.0)
    searches._rests_until = 0.0
    assert found(store, "cars") == [CARS.title, WAGONS.title]


@pytest.mark.parametrize("numbers", [0, 7])
def test_a_vector_without_direction_or_of_other_numbers_is_not_compared(
    server: OpenAIServer, store: Store, numbers: int
) -> None:
    server.embeddings.vector = lambda text, _: [float(bool(numbers))] * (numbers or 256)
    assert found(store, "cars")[0] == CARS.title


def indexed(store: Store) -> Index:
    found = store.vectors.index()
    assert found
    return found.index


def test_papers_that_are_not_embedded_are_found_by_their_words(server: OpenAIServer, store: Store) -> None:
    others = [paper(f"Bread {n}", abstract="Flour.") for n in range(20)]
    add(store, *others)
    embed(store)
    add(store, paper("More cars"))
    assert {CARS.title, WAGONS.title, "More cars"} == set(found(store, "cars"))


def test_before_most_papers_are_embedded_packaged_vectors_rank(server: OpenAIServer, store: Store) -> None:
    add(store, *(paper(f"Bread {n}", abstract="Flour.") for n in range(20)))
    assert indexed(store) is store.vectors._index(PACKAGED)
    found(store, "cars")
    assert asked(server) == []
    embed(store)
    assert indexed(store) is store.vectors._index(MODEL)


def test_a_revised_paper_is_no_longer_where_its_old_words_were(server: OpenAIServer, store: Store) -> None:
    add(store, *(paper(f"Bread {n}", abstract="Flour.") for n in range(20)))
    embed(store)
    assert WAGONS.title in found(store, "cars")
    with store.transaction():
        store.papers.revise(WAGONS.model_copy(update={"title": "Flour mills", "abstract": "Flour."}))
    assert found(store, "cars") == [CARS.title]
    embed(store)
    assert indexed(store) is store.vectors._index(MODEL)
    assert "Flour mills" in found(store, "bread")


def test_a_direction_that_all_texts_share_changes_no_ranking(server: OpenAIServer) -> None:
    """Of some models any two texts have a cosine of 0.8."""
    dice = np.random.default_rng(4)
    papers, shared = dice.normal(size=(400, 64)), 16 * np.eye(64)[0]
    plain, leaning = (Neighbours(Index(name), Database(memory=True)) for name in ("plain", "leaning"))
    for neighbours, moved in ((plain, 0.0), (leaning, shared)):
        made = papers + moved
        made /= np.linalg.norm(made, axis=1)[:, None]
        neighbours.index.held = Held.of(np.arange(400), np.rint(127 * made).astype(np.int8))
        neighbours.index.common = made.mean(axis=0).astype(np.float32)
    asked_for = papers[7] + shared
    asked_for = (asked_for / np.linalg.norm(asked_for)).astype(np.float32)
    level = leaning.level(asked_for)
    assert level > 0.7
    assert len(leaning.nearest(asked_for, 400)) == 400
    assert 1 <= len(leaning.nearest(asked_for, 400, level=level)) < 100
    told = leaning.likeness(asked_for, [7, 8], level)
    assert told[7] > 0.95
    assert told[8] < 0.3


def test_what_searches_cost_is_stored_once(store: Store, searches: SearchEmbedder) -> None:
    before = store.statistics.summary()
    found(store, "cars")
    found(store, "bread")
    for _ in range(2):
        keep_spent(store, SETTINGS, searches)
    told = store.statistics.summary()
    assert told["requests"] == before["requests"] + 1
    assert told["input_tokens"] == before["input_tokens"] + 2
    assert told["cost_usd"] > before["cost_usd"]


def filled(db: Path) -> Path:
    with Store.open(db) as made:
        add(made, CARS, WAGONS, BREAD)
    return db


def command(*words: object, **variables: str) -> Ran:
    return ran(*words, **{"BROADSHEET_EMBEDDING_MODEL": MODEL, **variables})


def test_the_commands_estimate_embed_search_and_count(server: OpenAIServer, tmp_path: Path) -> None:
    db = filled(tmp_path / "b.db")
    dry = command("embed", "--db", db, "--dry-run")
    assert (dry.returncode, "3 texts in 1 request" in dry.stdout) == (0, True)
    assert asked(server) == []
    done = command("embed", "--db", db)
    assert "3 of 3 texts embedded by text-embedding-3-small" in done.stdout
    assert "Every text has its vector" in command("embed", "--db", db).stdout
    listed = command("list", "--search", "cars", "--db", db)
    assert WAGONS.title in listed.stdout
    assert asked(server)[-1] == ["cars"]
    told = json.loads(command("stats", "--json", "--db", db).stdout)
    tokens = sum(-(-len(text) // 5) for each in asked(server) for text in each)
    assert told["tokens by purpose"] == {"embedding": tokens}
    command("show", CARS.id, "--db", db)
    command("list", "--db", db)
    assert len(asked(server)) == 2


def test_the_command_without_any_model_says_how_to_have_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broadsheet.embedding.installed", lambda: None)
    told = ran("embed", "--db", filled(tmp_path / "b.db"))
    assert told.returncode == 2
    assert "embedding_model" in told.stderr
    assert "broadsheet[search]" in told.stderr


def test_a_search_without_a_key_or_with_a_wrong_address_ranks_without_an_error(
    server: OpenAIServer, tmp_path: Path
) -> None:
    db = filled(tmp_path / "b.db")
    command("embed", "--db", db)
    for address in ("", "not an address", "http://127.0.0.1:9/v1"):
        listed = command("list", "--search", "cars", "--db", db, OPENAI_BASE_URL=address)
        assert (listed.returncode, CARS.title in listed.stdout) == (0, True)
        assert "do without embeddings" in listed.stderr


def test_a_run_embeds_last_of_all_and_says_what_it_will_take(server: OpenAIServer, tmp_path: Path) -> None:
    words = ("run", "sample", "--engine", "extractive", "--date", "2026-01-05")
    folder: dict[str, Any] = {"cwd": tmp_path, "BROADSHEET_EMBEDDING_MODEL": MODEL}
    dry = json.loads(ran(*words, "--dry-run", "--json", **folder).stdout)
    assert dry["embedding_texts"] == 27
    assert dry["embedding_tokens"] > 1_000
    assert dry["cost_usd"] == pytest.approx(dry["embedding_tokens"] * 0.02e-6)
    assert asked(server) == []
    told = ran(*words, **folder)
    assert (told.returncode, "27 of 27 texts embedded" in told.stderr) == (0, True)
    assert ran(*words, **folder).returncode == 0
    assert len(server.embeddings.answered) == 27


def test_an_edition_comes_out_where_the_endpoint_fails(server: OpenAIServer, tmp_path: Path) -> None:
    server.embeddings.first = [401] * 9
    words = ("run", "sample", "--engine", "extractive", "--date", "2026-01-05")
    told = ran(*words, cwd=tmp_path, BROADSHEET_EMBEDDING_MODEL=MODEL)
    assert told.returncode == 1
    assert "OPENAI_API_KEY is refused" in told.stderr
    assert (tmp_path / "editions" / "2026-01-05" / "index.html").is_file()


def test_the_budget_of_a_run_is_for_both(server: OpenAIServer, tmp_path: Path) -> None:
    words = ("run", "sample", "--engine", "extractive", "--date", "2026-01-05", "--budget-tokens", "2500")
    told = ran(*words, "--json", cwd=tmp_path, BROADSHEET_EMBEDDING_MODEL=MODEL)
    embedded = json.loads(told.stdout)["embedded"]
    assert embedded["ending"] == "budget"
    assert 0 < embedded["input_tokens"] <= 2_500


def test_the_server_asks_for_searches_alone_and_stores_what_they_cost(
    server: OpenAIServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = filled(tmp_path / "b.db")
    command("embed", "--db", db)
    server.embeddings.seen.clear()
    monkeypatch.setattr(upkeep, "_REST_S", 0.01)
    with TestClient(create_app(SETTINGS.model_copy(update={"db": db}))) as client:
        while not client.app.state.readers.store.vectors.index():  # type: ignore[attr-defined]
            pass
        told = client.get("/api/papers?q=cars").json()["papers"]
        assert [each["id"] for each in told] == [CARS.id, WAGONS.id]
        client.get("/")
        client.get(f"/p/{CARS.id}")
        client.get("/?q=cars")
    assert asked(server) == [["cars"]]
    with Store.open(db) as after:
        assert rows(after, "SELECT sum(input_tokens) FROM replies WHERE papers = '{}'") == [(1,)]


def test_where_an_endpoint_is_set_the_packaged_model_makes_no_vector(
    server: OpenAIServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db, is_done = filled(tmp_path / "b.db"), threading.Event()
    keep_up = Vectors.keep_up

    def told(self: Vectors, *is_stopped: Any) -> None:
        keep_up(self, *is_stopped)
        is_done.set()

    monkeypatch.setattr(Embedder, "papers", None)  # whoever asked would fail
    monkeypatch.setattr(Vectors, "keep_up", told)
    monkeypatch.setattr(upkeep, "_REST_S", 0.01)
    with TestClient(create_app(SETTINGS.model_copy(update={"db": db}))):
        assert is_done.wait(60)
    for words in (("list", "--search", "cars"), ("related", CARS.id), ("run", "sample")):
        told_of = command(*words, "--db", db, BROADSHEET_ENGINE="extractive", BROADSHEET_OUT=str(tmp_path))
        assert told_of.returncode == 0
    with Store.open(db) as after:
        assert rows(after, "SELECT DISTINCT model FROM vectors") == [(MODEL,)]


def test_vectors_of_other_numbers_are_taken_in_when_the_run_that_makes_them_has_ended(
    server: OpenAIServer, store: Store
) -> None:
    assert store.vectors.index()
    server.embeddings.dimensions, server.embeddings.numbers = "ignored", 99
    add(store, *(paper(f"Bread {n}", abstract="Flour.") for n in range(20)))
    vectors = {each.content_hash: np.ones(99) / 99**0.5 for each in store.embeddings.papers(range(4, 20))}
    with store.transaction():
        store.embeddings.keep(MODEL, vectors)
    assert found(store, "cars")[0] == CARS.title
    embed(store)
    index = store.vectors.index()
    assert index
    assert index.fits(np.zeros(99))


def test_what_the_endpoint_finds_near_outweighs_a_word(server: OpenAIServer, store: Store) -> None:
    """The paper with the word is near to nothing, and so has no more than its words."""
    server.embeddings.vector = lambda text, numbers: [
        float("Dust" not in text),
        *[0.0] * (numbers - 1),
    ]
    add(store, paper("Dust of cars", abstract="Dust."), *(paper(f"Silt {n}") for n in range(5)))
    with store.transaction():
        store._db.execute("DELETE FROM vectors WHERE model = ?", [MODEL])
    embed(store)
    store.ranking._terms.shared = lambda *_, **__: {}  # type: ignore[method-assign]
    assert found(store, "dust cars")[-1] == "Dust of cars"


def test_the_doctor_asks_for_one_vector_and_counts_what_has_none(
    server: OpenAIServer, tmp_path: Path
) -> None:
    server.embeddings.vector = lambda _, numbers: [1.0] * numbers
    words = ("doctor", "--engine", "extractive", "--json", "--db", filled(tmp_path / "b.db"))

    def told(**variables: str) -> dict[str, Any]:
        checks = json.loads(command(*words, TIKTOKEN_CACHE_DIR=str(tmp_path), **variables).stdout)
        return next(each for each in checks if each["name"] == "embeddings")

    found = told()
    assert found["ok"]
    assert "256 numbers; 3 texts have no vector yet" in found["detail"]
    assert len(asked(server)) == 1
    server.embeddings.first = [404] * 9
    assert not told()["ok"]
    assert "Embeddings need OPENAI_API_KEY" in told(OPENAI_BASE_URL="")["detail"]
