"""Vectors put what is about the same beside what has the words, and keep up with the papers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sqlite_utils import Database

from broadsheet import Filter, Store
from broadsheet.embedding import DIMENSIONS, embedder, unit
from broadsheet.errors import NotFoundError
from broadsheet.fusion import fused
from broadsheet.store import nearest, neighbours, vectors
from broadsheet.store.held import Held, quantized
from broadsheet.store.nearest import Index
from broadsheet.store.neighbours import Neighbours
from builders import add, paper, rows
from in_process import broadsheet

CARS = paper("Cars and their drivers", abstract="How people drive cars in a city.")
TRAFFIC = paper("Automobile traffic on a highway", abstract="Vehicles queue where the road narrows.")
TUNING = paper("Low-rank adaptation of language models", abstract="Fewer weights are trained.")
FLEET = paper("Road vehicles of the future", abstract="Electric automobiles and their batteries.")


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as made:
        add(made, CARS, TRAFFIC, TUNING)
        yield made


def found(store: Store, words: str) -> list[str]:
    return [record.title for record in store.search(words)]


def test_a_paper_about_the_same_is_found_without_the_word_and_one_about_something_else_is_not(
    store: Store,
) -> None:
    assert found(store, "cars") == [CARS.title, TRAFFIC.title]
    assert store.count(Filter(search="cars")) == 2


def test_what_no_paper_has_a_word_of_is_not_guessed_at(store: Store) -> None:
    assert found(store, "albatross") == []


def test_what_shares_a_chance_word_with_a_need_comes_after_what_is_meant(store: Store) -> None:
    meant = paper("Image captioning with transformers", abstract="A model writes a line about each picture.")
    by_chance = paper("Word problems in group theory", abstract="Which words are trivial.")
    television = paper(
        "People and the programs of public television",
        abstract="What broadcasters show to people in the evening, and who cannot watch.",
    )
    reefs = paper("Coral reefs in warm water", abstract="Reefs bleach in hot summers.")
    speech = paper("Speech recognition", abstract="Transcribing audio with few labelled hours.")
    add(store, meant, by_chance, television, reefs, speech)
    titles = found(store, "computers that tell people in words what a photo shows")
    assert titles.index(meant.title) < titles.index(by_chance.title)


def test_what_must_stand_and_what_must_not_holds_for_what_is_found_by_meaning(store: Store) -> None:
    assert found(store, "cars -highway") == [CARS.title]
    assert found(store, 'cars "language models"') == [TUNING.title]


def test_papers_are_related_by_words_and_by_what_they_are_about(store: Store) -> None:
    assert [record.title for record in store.related(CARS.id)] == [TRAFFIC.title]
    assert [record.title for record in store.related(CARS.id, limit=0)] == []
    with pytest.raises(NotFoundError):
        store.related("none")


def test_without_the_extra_words_alone_rank_and_relate(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.vectors.index()
    monkeypatch.setattr(vectors, "installed", lambda: None)
    store.complete_vectors()
    assert rows(store, "SELECT count(*) FROM vectors") == [(0,)]
    assert found(store, "cars") == [CARS.title]
    one, other = (paper(f"Kelp forests {name}", abstract="They sway.") for name in ("north", "south"))
    add(store, one, other)
    assert [record.id for record in store.related(one.id)] == [other.id]


def test_what_has_a_word_of_the_title_is_more_like_a_paper_than_what_has_one_of_its_abstract(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "installed", lambda: None)
    one = paper("Kelp", abstract="Silt.")
    titled, told = paper("North", abstract="Kelp."), paper("South", abstract="Silt.")
    add(store, one, titled, told)
    assert [record.id for record in store.related(one.id)] == [titled.id, told.id]


def test_vectors_are_stored_once_for_each_text_and_go_with_it(store: Store) -> None:
    assert store.vectors.lacking() == 3
    store.complete_vectors()
    store.complete_vectors()
    assert store.vectors.lacking() == 0
    assert rows(store, "SELECT count(*), min(length(vector)), max(length(vector)) FROM vectors") == [
        (3, DIMENSIONS, DIMENSIONS)
    ]
    with store.transaction():
        store.papers.revise(TUNING.model_copy(update={"abstract": "Now about electric cars."}))
        store.papers.remove(TRAFFIC.id)
    assert rows(store, "SELECT count(*) FROM vectors") == [(1,)]


@pytest.mark.parametrize("stored", [True, False])
def test_a_reader_keeps_up_with_papers_that_another_process_adds_revises_and_removes(
    tmp_path: Path, stored: bool
) -> None:
    with Store.open(tmp_path / "b.db") as writer, Store.open(tmp_path / "b.db") as reader:
        add(writer, CARS, TRAFFIC, TUNING)
        assert found(reader, "cars") == [CARS.title, TRAFFIC.title]
        add(writer, FLEET)
        if stored:
            writer.complete_vectors()
        assert set(found(reader, "cars")) == {CARS.title, TRAFFIC.title, FLEET.title}
        with writer.transaction():
            writer.papers.revise(
                TRAFFIC.model_copy(update={"title": TUNING.title, "abstract": TUNING.abstract})
            )
            writer.papers.remove(FLEET.id)
        assert found(reader, "cars") == [CARS.title]
        assert found(reader, "low-rank") == [TUNING.title] * 2
    with closing(sqlite3.connect(tmp_path / "b.db")) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_revised_paper_is_near_to_what_it_is_about_now(store: Store) -> None:
    before = store.vectors.index()
    assert before
    asked = before.mean([3])
    assert before.likeness(asked, [1])[1] < 0.3
    with store.transaction():
        store.papers.revise(CARS.model_copy(update={"title": TUNING.title, "abstract": TUNING.abstract}))
    after = store.vectors.index()
    assert after
    assert after.likeness(asked, [1, 2, 3]) == pytest.approx({1: 1, 2: 0, 3: 1}, abs=0.01)


def test_a_vector_says_the_same_however_many_texts_it_was_made_with() -> None:
    made_by = embedder()
    assert made_by is not None
    texts = [(each.title, each.abstract) for each in (CARS, TRAFFIC, TUNING)]
    together = made_by.papers(texts)
    assert np.allclose(together, np.concatenate([made_by.papers([text]) for text in texts]), atol=1e-6)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.allclose(together, made_by.papers(texts, threads=3), atol=1e-6)


def holding(rows: Sequence[int], made: NDArray[Any], *, is_leaning: bool = False) -> Neighbours:
    """Questions to an index of these papers, which need no cache."""
    index, vectors = Index(), quantized(unit(made))
    middle = vectors[:1_000].mean(axis=0, dtype=np.float32) if is_leaning else None
    index.held = Held.of(np.array(rows, np.int64), vectors, middle)
    return Neighbours(index, Database(memory=True))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), count=st.integers(0, neighbours._WORTH_READING), most=st.integers(1, 60)
)
def test_the_nearest_are_those_that_comparing_all_at_once_finds(seed: int, count: int, most: int) -> None:
    dice = np.random.default_rng(seed)
    rows = np.sort(dice.choice(10_000, count, replace=False))
    papers = holding(rows, dice.normal(size=(count, DIMENSIONS)) + 0.3)
    asked = unit(dice.normal(size=DIMENSIONS) + 0.3).astype(np.float32)
    likeness = papers.index.held.vectors.astype(np.float32) @ asked
    near = [
        row
        for like, row in sorted(zip(-likeness, rows.tolist(), strict=True))
        if -like >= neighbours._LEAST * 127
    ]
    assert set(papers.nearest(asked, most)) == set(near[:most])
    assert papers.nearest(asked, most, among=near[::2]) == near[::2][:most]


@pytest.mark.parametrize("step", [1, 2])
def test_of_many_papers_nearly_all_of_the_nearest_are_found_by_their_signs(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "_BY_SIGNS", 1_200)
    monkeypatch.setattr(neighbours, "_COMPARED", 15)
    monkeypatch.setattr(neighbours, "_WORTH_READING", 20)
    dice = np.random.default_rng(5)
    subjects = dice.normal(size=(40, DIMENSIONS))
    made = subjects[dice.integers(0, 40, 30_000)] + 1.5 * dice.normal(size=(30_000, DIMENSIONS))
    papers = holding(range(30_000), made)
    found = 0
    for subject in subjects:
        asked = unit(subject + dice.normal(size=DIMENSIONS)).astype(np.float32)
        likeness = papers.index.held.vectors.astype(np.float32) @ asked
        order = np.argsort(-likeness).tolist()
        expected = [row for row in order if row % step == 0][:20]
        among = range(0, 30_000, step) if step > 1 else None
        found += len(set(expected) & set(papers.nearest(asked, 20, among)))
    assert found / len(subjects) > 18.5


def test_where_all_share_a_direction_signs_are_taken_from_the_middle_and_vectors_compared_if_held() -> None:
    dice = np.random.default_rng(6)
    subjects = dice.normal(size=(20, DIMENSIONS)) + 4  # any two papers have a cosine of 0.8
    made = subjects[dice.integers(0, 20, 20_000)] + 1.5 * dice.normal(size=(20_000, DIMENSIONS))
    papers = holding(range(20_000), made, is_leaning=True)
    by_signs = 0
    for subject in subjects:
        asked = unit(subject + dice.normal(size=DIMENSIONS)).astype(np.float32)
        expected = np.argsort(-(papers.index.held.vectors.astype(np.float32) @ asked))[:20].tolist()
        assert set(papers.nearest(asked, 20)) == set(expected)
        nearer = neighbours.screened(papers.index.held, None, asked, 1_500)
        by_signs += len(set(expected) & set(nearer.tolist()))
    assert by_signs / len(subjects) > 18


@contextmanager
def only_signs_held(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Store, Neighbours, Neighbours]]:
    """Yield a cache of three papers, what answers with their vectors in memory, and what without."""
    with Store.open(path) as writer:
        add(writer, CARS, TRAFFIC, TUNING)
        held = writer.vectors.index()
        assert held
        writer.complete_vectors()
        monkeypatch.setattr(nearest, "MOST_HELD", 2)
        yield writer, held, Neighbours(Index(), writer._db)


def test_where_only_signs_are_held_vectors_are_read_from_the_cache_or_estimated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with only_signs_held(tmp_path / "b.db", monkeypatch) as (writer, held, read):
        asked = held.mean([1])
        expected, near = held.likeness(asked, [3, 1, 2, 99]), held.nearest(asked, 2)
        with writer.transaction():
            writer._db.execute("DELETE FROM vectors WHERE content_hash = ?", [TRAFFIC.content_hash])
        read.index.refresh(writer._db, embedder())
        assert read.index.held.vectors is None
        assert read.nearest(asked, 2) == near
        likeness = read.likeness(asked, [3, 1, 2, 99])
        assert likeness == pytest.approx(expected, abs=0.2)
        del likeness[2], expected[2]
        assert likeness == pytest.approx(expected)
        monkeypatch.setattr(neighbours, "_MOST_READ", 1)
        with writer.transaction():
            writer.papers.revise(CARS.model_copy(update={"title": TUNING.title, "abstract": TUNING.abstract}))
        writer.complete_vectors()
        read.index.refresh(writer._db, embedder())
        assert read.likeness(asked, [3, 1]) == pytest.approx({3: 0, 1: 0}, abs=0.1)
        assert np.allclose(read.mean([3, 2]), held.mean([2, 3]), atol=1e-6)


def test_of_many_found_by_words_only_the_nearest_vectors_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with only_signs_held(tmp_path / "b.db", monkeypatch) as (writer, held, read):
        asked = held.mean([1])
        expected = held.likeness(asked, [1, 2, 3])
        monkeypatch.setattr(neighbours, "_WORTH_READING", 1)
        read.index.refresh(writer._db, embedder())
        likeness = read.likeness(asked, [1, 2, 3])
        assert set(read._read) == {1}
        assert likeness[1] == pytest.approx(expected[1])
        assert likeness == pytest.approx(expected, abs=0.2)


def test_rankings_are_fused_by_how_far_each_is_from_the_best_of_its_ranking() -> None:
    assert fused((1, {1: 8.0, 2: 7.9, 3: 0.1}), (1, {3: 0.02, 2: 0.019})) == [2, 3, 1]
    assert fused((1, {1: 8.0, 2: 7.0}), (0.1, {2: 0.5})) == [1, 2]
    assert fused((1, {}), (1, {5: 0.0, 6: 0.0})) == [6, 5]
    assert fused() == []


def test_likeness_is_the_cosine_and_nothing_for_what_is_opposite_or_unknown(store: Store) -> None:
    index = store.vectors.index()
    assert index
    asked = index.mean([1])
    near = index.likeness(asked, [1, 2, 99])
    assert near[1] > 0.98 > near[2] > near[99] == 0
    assert index.likeness(-asked, [1]) == {1: 0}
    assert Neighbours(Index(), store._db).likeness(asked, [1]) == {1: 0}


@pytest.mark.parametrize("words", [("list", "--search", "cars"), ("related", CARS.id)])
def test_a_command_that_ranks_stores_what_papers_are_about(tmp_path: Path, words: tuple[str, ...]) -> None:
    db = tmp_path / "b.db"
    with Store.open(db) as made:
        add(made, CARS, TRAFFIC, TUNING)
    code, told = broadsheet(*words, "--db", db)
    assert (code, TRAFFIC.title in told) == (0, True)
    with Store.open(db) as made:
        assert rows(made, "SELECT count(*) FROM vectors") == [(3,)]


def test_vectors_are_those_of_the_file_that_was_put_in_place(tmp_path: Path) -> None:
    def nearest(path: Path) -> dict[str, str]:
        with Store.open(path, reading=True) as opened:
            index = opened.vectors.index()
            assert index
            first = {
                record.id: index.nearest(index.mean([row]), 2)
                for row, record in enumerate(opened.records.by_rows([1, 2, 3, 4]), 1)
            }
            return {id_: opened.records.by_rows(found)[-1].id for id_, found in first.items()}

    orders = ((CARS, TUNING, TRAFFIC, FLEET), (TUNING, CARS, TRAFFIC, FLEET), (TRAFFIC, FLEET, CARS, TUNING))
    path = tmp_path / "cache.db"
    for number, order in enumerate(orders):
        other = tmp_path / f"{number}.db"
        with Store.open(other) as made:
            add(made, *order)
        expected = nearest(other)
        other.replace(path)
        assert nearest(path) == expected
