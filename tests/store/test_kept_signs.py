"""Signs of a large cache's vectors are kept in it, and stand for these only as long as they are right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from broadsheet.embedding import embedder
from broadsheet.store import Store, nearest
from broadsheet.store.nearest import Index
from broadsheet.store.neighbours import Neighbours
from builders import add, paper, rows

pytest.importorskip("onnxruntime")
CARS = paper("Cars and their drivers", abstract="How people drive cars in a city.")
TRAFFIC = paper("Vehicles on a highway", abstract="They queue where the road narrows.")
BREAD = paper("Sourdough bread at home", abstract="Flour, water and salt make a loaf.")
LOAVES = paper("Rye loaves", abstract="Bakers bake bread of rye flour.")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A cache that is large enough, with all vectors, and with its signs kept."""
    monkeypatch.setattr(nearest, "MOST_HELD", 2)
    with Store.open("b.db") as made:
        add(made, CARS, TRAFFIC, BREAD)
        made.vectors.index()
        made.keep_signs()
        assert rows(made, "SELECT count(*) FROM vector_signs") == [(0,)]  # vectors are lacking
        made.complete_vectors()
        made.keep_signs()
        yield made


def taken_in(store: Store) -> Neighbours:
    """What a process of its own takes in."""
    made = Index()
    made.refresh(store._db, embedder())
    return Neighbours(made, store._db)


def test_another_process_reads_the_signs_and_no_vector(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, came = nearest._vectors_of, 0

    def counted(*given: Any, **more: Any) -> Iterator[Any]:
        nonlocal came
        for each in reading(*given, **more):
            came += len(each[0])
            yield each

    monkeypatch.setattr(nearest, "_vectors_of", counted)
    by_signs = taken_in(store)
    assert came == 0
    monkeypatch.setattr(nearest.kept_signs, "read", lambda _: None)
    by_vectors = taken_in(store)
    assert came == 3
    for row in (1, 2, 3):
        asked = by_vectors.mean([row])
        assert by_signs.nearest(asked, 3) == by_vectors.nearest(asked, 3)
    assert np.array_equal(by_signs.index.held.rows, by_vectors.index.held.rows)
    assert np.array_equal(by_signs.index.held.signs, by_vectors.index.held.signs)


def test_papers_that_came_or_changed_since_are_taken_in(store: Store) -> None:
    add(store, LOAVES)
    with store.transaction():
        store.papers.revise(CARS.model_copy(update={"title": BREAD.title, "abstract": BREAD.abstract}))
    assert store.vectors.lacking() == 1  # the revised paper has the words of another
    near = taken_in(store)
    assert near.nearest(near.mean([3]), 3) == [1, 3, 4]
    store.complete_vectors()
    assert store.vectors.lacking() == 0
    assert rows(store, "SELECT count(*) FROM vectors") == [(3,)]  # two papers have the same words


def test_a_revised_paper_without_a_vector_is_counted_and_made(store: Store) -> None:
    with store.transaction():
        store.papers.revise(CARS.model_copy(update={"title": "Loaves", "abstract": "Rye and flour."}))
    assert store.vectors.lacking() == 1
    store.complete_vectors()
    assert store.vectors.lacking() == 0


@pytest.mark.parametrize("spoilt", ["signs = x'00'", "row_numbers = 'words'", "signs = 'words'"])
def test_what_another_program_has_written_there_is_passed_over(store: Store, spoilt: str) -> None:
    expected = taken_in(store)
    with store.transaction():
        store._db.execute(f"UPDATE vector_signs SET {spoilt}")
    read = taken_in(store)
    assert read.nearest(read.mean([1]), 3) == expected.nearest(expected.mean([1]), 3)


def test_after_the_last_paper_was_removed_all_are_taken_in_anew(store: Store) -> None:
    with store.transaction():
        store.papers.remove(BREAD.id)
    add(store, paper("Road vehicles of the future", abstract="Electric cars and other road vehicles."))
    near = taken_in(store)
    assert near.index.held.rows.tolist() == [1, 2, 3]
    made_by = embedder()
    assert made_by
    alike = near.likeness(made_by.search("road vehicles"), [1, 2, 3])
    assert max(alike, key=lambda row: alike[row]) == 3


def test_few_papers_keep_no_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open("b.db") as made:
        add(made, CARS, TRAFFIC, BREAD)
        made.complete_vectors()
        made.vectors.index()
        made.keep_signs()
        assert rows(made, "SELECT count(*) FROM vector_signs") == [(0,)]
