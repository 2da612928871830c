"""The server answers before it knows what papers are about, and takes it in by itself."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
from fastapi.testclient import TestClient

from broadsheet.config import Settings
from broadsheet.embedding import DIMENSIONS, Embedder, installed
from broadsheet.store import Store, vectors
from broadsheet.web import create_app, upkeep
from broadsheet.web.fresh import Fresh
from broadsheet.web.reading import Readers
from builders import add, paper, rows

CARS = paper("Cars and their drivers", abstract="How people drive cars in a city.")
TRAFFIC = paper("Automobile traffic on a highway", abstract="Vehicles queue where the road narrows.")


def found(client):
    return [each["id"] for each in client.get("/api/papers?q=cars").json()["papers"]]


def test_a_search_compares_words_until_papers_have_vectors_and_these_are_stored(tmp_path, monkeypatch):
    db, may_go_on, is_done = tmp_path / "b.db", threading.Event(), threading.Event()
    make, keep_up = Embedder.papers, vectors.Vectors.keep_up

    def held_up(self, papers, threads=1):
        assert may_go_on.wait(60)
        return make(self, papers, threads)

    def told(self, *is_stopped):
        keep_up(self, *is_stopped)
        is_done.set()

    monkeypatch.setattr("broadsheet.store.vectors.installed", installed)
    monkeypatch.setattr(Embedder, "papers", held_up)
    monkeypatch.setattr(vectors.Vectors, "keep_up", told)
    monkeypatch.setattr(upkeep, "_REST_S", 0.01)
    monkeypatch.setattr("broadsheet.web.keeping.KEPT_S", -1.0)
    with Store.open(db) as store:
        add(store, CARS, TRAFFIC)
    with TestClient(create_app(Settings(db=db))) as client:
        assert found(client) == [CARS.id]
        may_go_on.set()
        assert is_done.wait(60)
        assert found(client) == [CARS.id, TRAFFIC.id]
    with Store.open(db) as store:
        assert rows(store, "SELECT count(*) FROM vectors") == [(2,)]


def test_a_cache_that_cannot_be_written_is_served_with_vectors_all_the_same(tmp_path, monkeypatch):
    db, is_done = tmp_path / "b.db", threading.Event()
    keep_up = vectors.Vectors.keep_up

    def told(self, *is_stopped):
        keep_up(self, *is_stopped)
        is_done.set()

    monkeypatch.setattr("broadsheet.store.vectors.installed", installed)
    monkeypatch.setattr(vectors.Vectors, "keep_up", told)
    monkeypatch.setattr("broadsheet.web.keeping.KEPT_S", -1.0)
    with Store.open(db) as store:
        add(store, CARS, TRAFFIC)
    app = create_app(Settings(db=db))
    monkeypatch.setattr("broadsheet.store.connection._is_writable", lambda _: False)
    with TestClient(app) as client:
        assert is_done.wait(60)
        assert found(client) == [CARS.id, TRAFFIC.id]


def test_where_numpy_is_not_installed_words_alone_are_compared(tmp_path, monkeypatch):
    db = tmp_path / "b.db"
    with Store.open(db) as store:
        add(store, CARS, TRAFFIC)
    monkeypatch.setitem(sys.modules, "numpy", None)
    for module in ("store.vectors", "store.ranking", "store.facets", "web.facets"):
        monkeypatch.setattr(f"broadsheet.{module}.can_count", lambda: False)
    monkeypatch.setattr(upkeep, "_REST_S", 0.01)
    settings = Settings(db=db, embedding_model="text-embedding-3-small")
    with TestClient(create_app(settings)) as client:
        assert found(client) == [CARS.id]


@pytest.mark.parametrize("can_write", [True, False])
def test_a_server_that_is_stopped_makes_no_further_vectors_first(tmp_path, monkeypatch, can_write):
    db, has_begun = tmp_path / "b.db", threading.Event()
    made = []
    with Store.open(db) as store:
        add(store, *(paper(f"Tide {number}", abstract=".") for number in range(80)))
    readers = Readers(db)
    keeping = upkeep.Upkeep(readers, Settings(db=db))

    def held_up(_, papers, threads=1):
        made.append(len(papers))
        has_begun.set()
        assert keeping._stopped.wait(60)
        return np.ones((len(papers), DIMENSIONS)) / 16

    monkeypatch.setattr("broadsheet.store.vectors.installed", installed)
    monkeypatch.setattr(Embedder, "papers", held_up)
    monkeypatch.setattr(upkeep, "_REST_S", 0.01)
    monkeypatch.setattr("broadsheet.store.connection._is_writable", lambda _: can_write)
    with keeping.under_way():
        assert has_begun.wait(60)
    assert len(made) == 1


@pytest.mark.parametrize(("later", "made"), [(19.0, 1), (21.0, 1), (31.0, 2)])
def test_who_asks_makes_a_value_anew_only_where_nobody_else_sees_to_it(later, made):
    now = [0.0]
    numbers = []

    def make(_):
        now[0] += 1
        numbers.append(len(numbers) + 1)
        return numbers[-1]

    fresh = Fresh(make, clock=lambda: now[0])
    with Store.in_memory() as store:
        assert fresh.of(store) == 1
        add(store, paper("Tide"))
        now[0] = 1 + later
        assert fresh.of(store) == made
        assert fresh.renew(store) == 1 + (later > 20)


@pytest.mark.parametrize("writes", ["not", "here", "elsewhere"])
def test_a_value_is_made_anew_only_where_something_was_written(tmp_path, writes):
    db, now, made = tmp_path / "b.db", [0.0], []
    fresh = Fresh(lambda store: made.append(store.count()), clock=lambda: now[0])
    with Store.open(db) as store, Store.open(db) as other:
        fresh.renew(store)
        if writes != "not":
            add({"here": store, "elsewhere": other}[writes], paper("Tide"))
        for now[0] in (100.0, 200.0):
            fresh.renew(store)
        assert made == ([0] if writes == "not" else [0, 1])
    with Store.open(db) as later:
        now[0] = 300.0
        fresh.renew(later)
    assert len(made) == (2 if writes == "not" else 3)


def test_a_server_gives_back_what_it_no_longer_needs_now_and_then(tmp_path, monkeypatch):
    given_back = threading.Event()
    monkeypatch.setattr(upkeep, "_REST_S", 0.01)
    monkeypatch.setattr(upkeep, "trim", given_back.set)
    with Store.open(tmp_path / "b.db") as store:
        add(store, paper("Tide"))
    with TestClient(create_app(Settings(db=tmp_path / "b.db"))):
        assert given_back.wait(60)
