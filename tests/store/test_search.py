"""A search ranks by what papers and their annotations say, and its index keeps in step with both."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet import Filter, Paper, Store
from broadsheet.searching import Phrase, parsed
from broadsheet.store import ranking, vectors, words
from broadsheet.store.postings import counted, share_of_all
from builders import DAY, add, annotate, annotation, maker, paper

WORDS = ("tide", "ebb", "silt", "reef", "gull", "kelp")


@pytest.fixture(autouse=True)
def _words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ranking of an installation without vectors."""
    monkeypatch.setattr(vectors, "installed", lambda: None)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as made:
        yield made


def found(store: Store, words: str, where: Filter | None = None) -> list[str]:
    return [record.title for record in store.search(words, where)]


def is_in_step(store: Store) -> bool:
    """Whether the index has exactly the words of the papers and of their current annotations."""
    try:
        store._db.execute("INSERT INTO papers_fts (papers_fts, rank) VALUES ('integrity-check', 1)")
    except Exception as error:
        if "damaged" in str(error) or "malformed" in str(error):
            return False
        raise
    return True


def test_the_index_notices_words_that_it_was_not_told_of(store: Store) -> None:
    add(store, paper("Ebb"))
    assert is_in_step(store)
    store._db.execute("UPDATE papers SET title = 'Flow'")
    assert not is_in_step(store)


def test_any_word_finds_a_paper_and_one_that_says_more_of_them_comes_first(store: Store) -> None:
    add(
        store,
        paper("Reefs", abstract="."),
        paper("Tides on reefs", abstract="."),
        paper("Gulls", abstract="."),
    )
    assert found(store, "tides reefs") == ["Tides on reefs", "Reefs"]
    assert found(store, "what do tides do to the reefs") == ["Tides on reefs", "Reefs"]
    assert found(store, "albatross") == []


@pytest.mark.parametrize("has_numpy", [True, False])
def test_a_word_weighs_more_in_a_title_than_in_a_summary_and_there_more_than_in_an_abstract(
    store: Store, monkeypatch: pytest.MonkeyPatch, has_numpy: bool
) -> None:
    monkeypatch.setattr(ranking, "can_count", lambda: has_numpy)
    filler = "Sand moves over the shore and stays there."
    titled, told, said = paper("Silt", abstract=filler), paper("Two", abstract=filler), paper("Three")
    said = said.model_copy(update={"abstract": f"{filler} Silt."})
    add(store, titled, told, said)
    annotate(store, told, said=annotation(tldr="It is about silt.", keywords=("sand",)))
    assert found(store, "silt") == ["Silt", "Two", "Three"]


def test_the_best_of_some_scores_is_all_where_a_title_has_all_words_and_less_elsewhere(store: Store) -> None:
    add(store, paper("Kelp reefs", abstract="a"), paper("Kelp", abstract="Reefs and gulls."))
    add(store, *(paper(f"Silt {number}", abstract="b") for number in range(6)))

    def share(*asked: tuple[str, int]) -> float:
        given = [(Phrase(word), having) for word, having in asked]
        return share_of_all(store._db, given, counted(store._db, given, 9))

    assert share(("kelp", 2), ("reefs", 2)) == pytest.approx(1)
    assert 0.5 < share(("kelp", 2), ("gulls", 1)) < 1
    assert share(("kelp", 2), ("ebb", 2)) == pytest.approx(0.5)
    assert share(("gulls", 1)) == 1


@pytest.mark.parametrize("most", [3, 6, 9])
def test_a_lone_word_finds_the_same_as_when_another_that_nobody_has_stands_beside_it(
    store: Store, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    add(store, *(paper(f"Silt {n}" if n % 2 else f"Sand {n}", abstract="Silt.") for n in range(8)))
    told = paper("Reef", abstract=".")
    add(store, told)
    annotate(store, told, said=annotation(tldr="Silt.", keywords=("sand",)))
    monkeypatch.setattr(ranking, "MOST_FOUND", most)
    alone = list(store.ranking.by_words(parsed("silt")))
    assert alone == [8, 6, 4, 2, 9, 7, 5, 3, 1][:most]
    assert alone == list(store.ranking.by_words(parsed('"silt" silt')))


def test_papers_are_scored_the_same_whether_all_are_or_some(store: Store) -> None:
    add(store, paper("Kelp", abstract="."), paper("Kelp and silt", abstract="."), *_others(9))
    add(store, paper("A kelp forest", abstract="Kelp sways."))
    scores = words.scored(store._db, '"kelp" OR "silt"', 10)
    assert set(scores) == {1, 2, 12}
    some = dict(words.scored_among(store._db, '"kelp" OR "silt"', [2, 5, 12]))
    assert some == pytest.approx({2: scores[2], 12: scores[12]})


def test_of_papers_like_one_only_those_that_have_most_of_its_terms_are_scored(store: Store) -> None:
    first = paper("Ants, kelp and reefs", abstract=".")
    add(store, first, paper("Ants", abstract="."), paper("Kelp and reefs", abstract="."), *_others(9))
    assert list(store.ranking._terms.like(1, 2)) == [1, 3]


def test_a_rare_word_weighs_more_than_a_frequent_one_and_two_more_than_one(store: Store) -> None:
    frequent = [paper(f"Gull {number}", abstract="Gulls.") for number in range(6)]
    add(store, *frequent, paper("Reefs"), paper("Reefs and gulls"), *_others_of("Sand", 20))
    ranked = found(store, "gull reefs")
    assert ranked[:2] == ["Reefs and gulls", "Reefs"]
    assert ranked[2:] == [f"Gull {number}" for number in reversed(range(6))]


def test_a_phrase_in_quotes_must_stand_and_a_word_behind_a_minus_must_not(store: Store) -> None:
    add(
        store,
        paper("Ebb tide", abstract="."),
        paper("Tide and ebb", abstract="."),
        paper("Ebb", abstract="."),
    )
    assert found(store, '"ebb tide"') == ["Ebb tide"]
    assert set(found(store, "ebb -tide")) == {"Ebb"}
    assert set(found(store, 'ebb -"ebb tide"')) == {"Tide and ebb", "Ebb"}
    assert set(found(store, "-tide")) == {"Ebb"}


def test_a_tag_can_be_searched_for_but_is_no_word_of_the_paper(store: Store) -> None:
    add(store, paper("One", abstract="."))
    annotate(store, paper("One", abstract="."), said=annotation(contribution="survey"))
    assert found(store, "survey") == ["One"]
    assert store.count(Filter(words="survey")) == 0


def test_the_rest_of_a_filter_narrows_what_a_search_finds(store: Store) -> None:
    many = [paper(f"Tide {number}", abstract="Tide.") for number in range(9)]
    add(store, *many)
    annotate(store, many[8], said=annotation(topics=("robotics",)))
    assert found(store, "tide", Filter(tags=("robotics",))) == ["Tide 8"]


def test_what_has_the_words_of_the_best_comes_before_what_says_the_searched_word_as_often(
    store: Store,
) -> None:
    first = paper("Tide", abstract="Kelp forests.")
    near, far = paper("On moons", abstract="Kelp and tide."), paper("On clocks", abstract="A tide.")
    add(store, first, near, far, paper("Moons and kelp", abstract="."), *_others(8))
    annotate(store, first, said=annotation(tldr="Tide.", keywords=("kelp forests", "moons")))
    assert found(store, "tide") == [each.title for each in (first, near, far)]


def _others(count: int) -> list[Paper]:
    return _others_of("Gull", count)


def _others_of(word: str, count: int) -> list[Paper]:
    return [paper(f"{word} {number}", abstract=f"A {word}.") for number in range(count)]


def test_words_that_only_ask_find_nothing_beside_others(store: Store) -> None:
    add(store, paper("Tides"), paper("I want a way to find papers about something like it"))
    assert found(store, "I want a way to find papers about tides") == ["Tides"]
    assert len(found(store, "something like it")) == 1


def test_count_and_tags_are_of_what_the_search_lists(store: Store) -> None:
    one, other, third = (paper(f"{word} paper", abstract=".") for word in ("Tide", "Tide ebb", "Gull"))
    add(store, one, other, third)
    for each in (one, third):
        annotate(store, each, said=annotation(topics=("robotics",), tldr="Sand.", keywords=("sand",)))
    asked = Filter(search="tide ebb")
    assert store.count(asked) == len(list(store.list(asked))) == 2
    assert store.records.tag_counts(asked) == {"method": 1, "robotics": 1}


def test_what_a_search_finds_can_be_listed_in_another_order(store: Store) -> None:
    add(store, paper("Ebb tide ebb", abstract="."), day=DAY)
    add(store, paper("Tide", abstract="."), day=DAY)
    later = paper("A later tide", abstract=".", sighting=None)
    with store.transaction():
        store.papers.add(later, DAY + timedelta(days=3))
    newest = store.records.matching(Filter(search="ebb tide"), order="new")
    assert [record.title for record in newest] == ["A later tide", "Ebb tide ebb", "Tide"]
    pages = [store.records.matching(Filter(search="ebb tide"), limit=2, offset=start) for start in (0, 2)]
    assert [record.title for page in pages for record in page] == found(store, "ebb tide")


def test_frequent_words_are_left_out_where_rarer_ones_are_many(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "_MOST_POSTINGS", 5)
    add(
        store, *(paper(f"Tide {number}", abstract="Tide.") for number in range(9)), paper("Ebb", abstract=".")
    )
    assert found(store, "ebb tide") == ["Ebb"]
    assert len(found(store, "tide")) == 9


def test_an_answer_is_not_remembered_beyond_a_change_by_anyone(tmp_path: Path) -> None:
    with Store.open(tmp_path / "b.db") as store, Store.open(tmp_path / "b.db") as other:
        add(store, paper("Tide"))
        assert (found(store, "tide"), found(other, "tide")) == (["Tide"], ["Tide"])
        with store.transaction():
            store.papers.remove(paper("Tide").id)
        assert (found(store, "tide"), found(other, "tide")) == ([], [])


def test_vacuum_leaves_every_paper_with_its_own_words(tmp_path: Path) -> None:
    with Store.open(tmp_path / "b.db") as store:
        add(store, *(paper(word, abstract=".") for word in WORDS))
        with store.transaction():
            store.papers.remove(paper("tide").id)
    with closing(sqlite3.connect(tmp_path / "b.db")) as plain:
        plain.execute("VACUUM")
    with Store.open(tmp_path / "b.db") as store:
        assert [found(store, word) for word in WORDS[1:]] == [[word] for word in WORDS[1:]]
        assert is_in_step(store)


def _changes() -> st.SearchStrategy[list[tuple[str, int, str]]]:
    kinds = (
        "add",
        "annotate",
        "by rules",
        "again",
        "revise",
        "revise back",
        "name authors",
        "merge",
        "remove",
    )
    change = st.tuples(st.sampled_from(kinds), st.integers(0, 2), st.sampled_from(WORDS))
    return st.lists(change, max_size=14)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=_changes())
def test_the_index_keeps_in_step_with_every_change(changes: list[tuple[str, int, str]]) -> None:
    with Store.in_memory() as store:
        for kind, number, word in changes:
            with store.transaction():
                _DO[kind](store, f"Paper {number}", word)
        assert is_in_step(store)
        for word in WORDS:
            listed = {record.title for record in store.list(Filter(words=word))}
            assert set(found(store, f'"{word}"')) == listed


def _present(store: Store, title: str) -> list[str]:
    return [each.id for each in store.papers.titled(title)]


def _add(store: Store, title: str, word: str) -> None:
    if not _present(store, title):
        store.papers.add(paper(title, abstract=f"A {word}.", sighting=None), DAY)


def _annotate(store: Store, title: str, word: str, engine: str = "openai", prompt: str = "p") -> None:
    for one in store.papers.titled(title):
        said = annotation(tldr=f"It has a {word}.", keywords=(word,))
        store.annotations.keep(one, maker(engine, prompt=prompt), said)


def _revise(store: Store, title: str, word: str) -> None:
    for one in store.papers.titled(title):
        store.papers.revise(one.model_copy(update={"abstract": f"Now {word}."}))


def _merge(store: Store, title: str, _: str) -> None:
    for kept in _present(store, "Paper 0"):
        for gone in _present(store, title):
            if gone != kept:
                store.papers.merge(kept, gone)


def _name_authors(store: Store, title: str, word: str) -> None:
    for one in store.papers.titled(title):
        store.papers.enrich(one.model_copy(update={"authors": (f"Ann {word}",)}))


def _remove(store: Store, title: str, _: str) -> None:
    for id_ in _present(store, title):
        store.papers.remove(id_)


_DO: dict[str, Callable[[Store, str, str], None]] = {
    "add": _add,
    "annotate": _annotate,
    "by rules": lambda store, title, word: _annotate(store, title, word, "extractive"),
    "again": lambda store, title, word: _annotate(store, title, word, "openai", word),
    "revise": _revise,
    "revise back": lambda store, title, word: _revise(store, title, WORDS[0]),
    "name authors": _name_authors,
    "merge": _merge,
    "remove": _remove,
}


@pytest.mark.parametrize(
    ("search", "words", "required", "excluded"),
    [
        ("sparse attention", ["sparse", "attention"], [], []),
        ('"sparse attention" long', ["long"], ["sparse attention"], []),
        ('-gull -"dead fish" c++ state-of-the-art -', ["c++", "state-of-the-art"], [], ["gull", "dead fish"]),
        ('tide "never closed', ["tide"], ["never closed"], []),
        ('""  "?" -"" -- \0 + ebb ebb', ["ebb"], [], []),
    ],
)
def test_a_search_is_read_in_its_parts(
    search: str, words: list[str], required: list[str], excluded: list[str]
) -> None:
    read = parsed(search)
    assert [phrase.text for phrase in read.words] == words
    assert [phrase.text for phrase in read.required] == required
    assert [phrase.text for phrase in read.excluded] == excluded


def test_signs_alone_find_nothing_and_blanks_ask_for_nothing(store: Store) -> None:
    add(store, paper("Tide"))
    assert (store.count(Filter(search="+ -")), store.count(Filter(search=" \t"))) == (0, 1)


def test_only_the_word_that_is_still_being_typed_may_go_on() -> None:
    assert [phrase.is_unfinished for phrase in parsed("tidal fl").words] == [False, True]
    assert [phrase.is_unfinished for phrase in parsed("tidal fl ").words] == [False, False]
    assert [phrase.is_unfinished for phrase in parsed('fl "tidal"').words] == [False]
