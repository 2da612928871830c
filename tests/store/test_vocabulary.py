"""What the vocabulary of the full-text index tells of a token is what FTS5 itself scores it by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broadsheet import Store
from broadsheet.store import postings, vocabulary
from broadsheet.store.vocabulary import Tokens, lengths, standing
from broadsheet.store.words import TOKENIZER, scored
from builders import add, annotate, annotation, paper

FILLER = " ".join(f"Sand moves over shore {number}." for number in range(40))


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as made:
        told = paper("Two", abstract=FILLER)
        add(
            made,
            paper("Kelp and silt", abstract="Kelp, kelp and sea-grass sway."),
            paper("Silt", abstract=f"{FILLER} Kelp. Sea-grass is no grass of the sea. Sea-grass sways."),
            told,
            *(paper(f"Gull {number}", abstract="It cries.") for number in range(9)),
        )
        annotate(made, told, said=annotation(tldr="It is about kelps.", keywords=("kelp",)))
        yield made


@pytest.mark.parametrize("has_numpy", [True, False])
def test_a_token_stands_where_fts5_finds_it_and_counts_as_its_columns_weigh(
    store: Store, monkeypatch: pytest.MonkeyPatch, has_numpy: bool
) -> None:
    monkeypatch.setattr(vocabulary, "can_count", lambda: has_numpy)
    found = standing(store._db, "kelp")
    assert dict(zip(*found, strict=True)) == {1: 3 + 2, 2: 1, 3: 2 + 2}
    assert not standing(store._db, "albatross").rows


@pytest.mark.parametrize("beside_vectors", [True, False])
def test_papers_are_scored_as_fts5_scores_them(store: Store, beside_vectors: bool) -> None:
    terms = store.ranking._terms
    state = terms._remembered.refresh(store._db)
    for word in ("kelp", "silt", "sways"):
        stands = {word: terms._standing(word, state)}
        assert stands[word].is_alone
        expected = scored(store._db, f'"{word}"', 10)
        assert terms._scored([*expected, 7], stands, {word: 1}) == pytest.approx(expected)
        assert terms._scored(list(expected), stands, {word: 3}) == pytest.approx(
            {row: 3 * score for row, score in expected.items()}
        )
    assert list(terms.like(1, 5, beside_vectors=beside_vectors)) == [1, 2, 3]


def test_how_often_a_phrase_stands_is_guessed_by_its_rarest_token(store: Store) -> None:
    terms = store.ranking._terms
    stands = terms._standing("sea-grass", terms._remembered.refresh(store._db))
    assert (list(stands.rows), stands.is_alone, len(stands.parts)) == ([1, 2], False, 2)
    assert dict(stands.times({2, 3})) == pytest.approx({2: 0.7 * 3})
    assert dict(stands._replace(parts=()).times({1, 2})) == pytest.approx({1: 0.7 * 3, 2: 0.7 * 3})


def test_longer_papers_add_more(store: Store) -> None:
    papers, norms = lengths(store._db, [1, 2, 99])
    assert papers == 12
    assert set(norms) == {1, 2}
    assert norms[2] > 2 * norms[1]


def test_words_are_split_as_the_index_splits_them(store: Store) -> None:
    declared = store._db.execute("SELECT sql FROM sqlite_master WHERE name = 'papers_fts'").fetchone()[0]
    assert TOKENIZER in declared
    tokens = Tokens()
    words = ["kelps", "Sea-grass", "größe", "--", "kelps"]
    assert tokens.of(words) == [("kelp",), ("sea", "grass"), ("groß",), (), ("kelp",)]
    assert tokens.of(["silt", "kelps"]) == [("silt",), ("kelp",)]


def test_only_so_many_words_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "_MOST_SPLIT", 2)
    tokens = Tokens()
    tokens.of(["silt", "kelp", "reef"])
    assert tokens.of(["gull"]) == [("gull",)]
    assert list(tokens._split) == ["gull"]


def test_a_file_that_cannot_be_written_tells_it_too(tmp_path: Path) -> None:
    with Store.open(tmp_path / "b.db") as made:
        add(made, paper("Kelp"))
    with Store.open(tmp_path / "b.db", reading=True) as reader:
        assert list(standing(reader._db, "kelp").rows) == [1]


@pytest.mark.parametrize("has_numpy", [True, False])
def test_lists_are_added_up_by_row(monkeypatch: pytest.MonkeyPatch, has_numpy: bool) -> None:
    monkeypatch.setattr(postings, "can_count", lambda: has_numpy)
    lists = [([1, 4, 9], 2.0), ([4, 7], 1.5), ([9], 3.0)]
    assert postings.added(lists) == {1: 2, 4: 3.5, 7: 1.5, 9: 5}
    assert list(postings.added(lists, 2).items()) == [(9, 5), (4, 3.5)]
    assert list(postings.added(lists, 9)) == [9, 4, 1, 7]
    assert postings.added([], 2) == {}


def test_no_more_pairs_are_looked_for_than_enough_others_have(store: Store) -> None:
    animals = "Grey seal, harbour porpoise and river otter"
    add(store, *(paper(f"{animals} {number}", abstract=".") for number in range(3)))
    terms = store.ranking._terms
    state = terms._remembered.refresh(store._db)
    pairs = {"lone pair": 9.0, "grey seal": 3.0, "harbour porpoise": 2.0, "river otter": 1.0}
    assert set(terms._weighed(pairs, state, 2)) == {"grey seal", "harbour porpoise"}
    assert len(terms._weighed(pairs, state, 9)) == 3
