"""Filters and search: what SQL lets through is what a plain reading of the filter lets through."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet import Filter, Record, Store
from broadsheet.store import records
from broadsheet.store.ranking import Ranking
from brute_force import matches
from builders import DAY, annotate, annotation, maker, paper, sighting

TOPICS = ("graphs", "language", "robotics", "reasoning", "multimodal")
CONTRIBUTIONS = ("method", "theory", "survey")
STATUSES = ("available", "announced", "none")
# Words that the stemmer leaves alone, none the beginning of another but for tide and tidemark.
WORDS = ("tide", "tidemark", "ebb", "flood", "silt", "reef", "gull", "kelp")
COUNT = 120


def _filled(store: Store) -> None:
    dice = random.Random(7)
    with store.transaction():
        papers = []
        for number in range(COUNT):
            day = DAY + timedelta(days=dice.randrange(6))
            one = paper(
                f"{dice.choice(WORDS)} number {number}",
                abstract=" ".join(dice.choices(WORDS, k=3)),
                authors=dice.choice((("Mara Quay", "José Nuñez"), ("Tom Pier",), ("Jose Pier",), ())),
                published=dice.choice((None, day - timedelta(days=dice.randrange(3)))),
                sighting=sighting(day),
            )
            papers.append(one)
            store.papers.add(one, day)
            assert one.sighting
            store.papers.sight(one.id, one.sighting)
            if number % 3 == 0:
                listed = sighting(
                    day, source=dice.choice(("hf", "arxiv")), origin=dice.choice(("", "cs.CL", "cs.LG"))
                )
                words = dice.choice(({}, {"githubRepo": "https://example.org/r"}))
                store.papers.sight(one.id, listed.model_copy(update={"words": words}))
    for number, one in enumerate(papers):
        if number % 5 == 0:
            continue
        said = annotation(
            topics=tuple(dice.sample(TOPICS, dice.randint(1, 3))),
            contribution=dice.choice(CONTRIBUTIONS),
            code=dice.choice(STATUSES),
            tldr=f"It measures {dice.choice(WORDS)}.",
            keywords=(dice.choice(WORDS),),
        )
        annotate(store, one, maker(), said)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(tmp_path_factory.mktemp("filters") / "b.db") as made:
        _filled(made)
        yield made


@pytest.fixture(scope="module")
def everything(store: Store) -> list[Record]:
    return list(store.list())


days = st.dates(DAY - timedelta(days=1), DAY + timedelta(days=7))
tags = st.lists(st.sampled_from([*TOPICS, *CONTRIBUTIONS, "unheard-of"]), max_size=3).map(tuple)
filters = st.builds(
    Filter,
    tags=tags,
    match=st.sampled_from(["any", "all"]),
    without=tags,
    code=st.none() | st.sampled_from(STATUSES),
    since=st.none() | days,
    until=st.none() | days,
    published_since=st.none() | days,
    contribution=st.lists(st.sampled_from([*CONTRIBUTIONS, "unheard-of"]), max_size=2).map(tuple),
    authors=st.lists(
        st.sampled_from(["mara quay", "Quay", "JOSÉ", "jose pier", "quay tom", "pi", "?"]), max_size=2
    ).map(tuple),
    sources=st.lists(st.sampled_from(["HF", "arxiv", "arXiv:cs.cl", "jsonl", "desk"]), max_size=2).map(tuple),
    repository=st.none() | st.booleans(),
    fields=st.lists(
        st.sampled_from(
            [
                ("keywords", "Tide"),
                ("contribution", "THEORY"),
                ("code.status", "none"),
                ("topics", "graphs"),
                ("keywords", "3"),
            ]
        ),
        max_size=1,
    ).map(tuple),
    words=st.lists(
        st.sampled_from(
            [
                *WORDS,
                "TIDE",
                "mara",
                "pier",
                "zebra",
                "fl",
                "measuring",
                "number-1",
                "josé",
                "it-measures",
                "+",
            ]
        ),
        max_size=2,
    ).map(" ".join),
)


@settings(max_examples=350, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(where=filters, few=st.sampled_from([-1, 30, 800]))
def test_a_filter_lets_through_what_a_plain_reading_of_it_does(
    store: Store, everything: list[Record], where: Filter, few: int
) -> None:
    expected = [record.id for record in everything if matches(where, record)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_FEW", few)  # papers of a tag that are sorted, or met on the way
        assert [record.id for record in store.list(where)] == expected
    assert store.count(where) == len(expected)


def test_words_in_any_script_and_case_are_read_as_the_index_reads_them() -> None:
    words = (
        "Größe",
        "ΣΊΣΥΦΟΣ",
        "naïve",
        "Zürich’s",
        "x_y",
        "ﬁne",
        "İstanbul",
        "한국어",
        "水 流",
        "e\u0301tude",
    )
    with Store.open("b.db") as made:
        with made.transaction():
            for number, word in enumerate(words):
                made.papers.add(paper(f"{word} {number}", abstract="", sighting=None), DAY)
        records = list(made.list())
        for wanted in (*words, "grosse", "große", "naive", "zurich", "etude", "x", "istanbul", "σίσυφος"):
            where = Filter(words=wanted)
            assert {record.id for record in made.list(where)} == {
                record.id for record in records if matches(where, record)
            }, wanted


def test_an_empty_filter_lets_every_paper_through_and_so_do_blank_words(store: Store) -> None:
    assert store.count() == COUNT
    assert store.count(Filter(words=" \t\n")) == COUNT


def test_the_latest_come_first_and_within_a_day_as_they_were_listed(everything: list[Record]) -> None:
    assert [record.first_seen for record in everything] == sorted(
        (record.first_seen for record in everything), reverse=True
    )
    of_a_day = [int(record.title.split()[-1]) for record in everything if record.first_seen == DAY]
    assert len(of_a_day) > 1
    assert of_a_day == sorted(of_a_day)


@given(limit=st.integers(0, COUNT + 5), offset=st.integers(0, COUNT + 5))
@settings(max_examples=30, deadline=None)
def test_limit_and_offset_cut_the_same_order(
    store: Store, everything: list[Record], limit: int, offset: int
) -> None:
    page = store.list(limit=limit, offset=offset)
    assert [record.id for record in page] == [record.id for record in everything[offset : offset + limit]]


@given(limit=st.integers(0, 12), offset=st.integers(0, 12), among=st.sampled_from([(), ("unheard-of",)]))
@settings(max_examples=60, deadline=None)
def test_a_page_of_what_a_search_found_is_cut_from_the_whole_and_lacks_what_was_removed(
    store: Store, limit: int, offset: int, among: tuple[str, ...]
) -> None:
    found = [7, 10**6, 3, 10**6 + 1, 5, 2, 8, 10**6 + 2]
    where = Filter(search="anything", without=among)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ranking, "found", lambda _, search: found if search else None)
        whole = [record.id for record in store.records.by_rows([7, 3, 5, 2, 8])]
        assert store.records.ids(where) == whole
        assert store.records.ids(where, limit=limit, offset=offset) == whole[offset : offset + limit]


def test_a_store_larger_than_one_chunk_is_listed_whole_and_in_order() -> None:
    with Store.open("b.db") as made, made.transaction():
        for number in range(1_100):
            made.papers.add(paper(f"Paper {number}", sighting=None), DAY)
        titles = [record.title for record in made.list()]
    assert titles == [f"Paper {number}" for number in range(1_100)]


def test_two_thousand_tags_are_not_too_many(store: Store) -> None:
    many = tuple(f"tag-{number}" for number in range(2_000))
    assert store.count(Filter(tags=(*many, "graphs"), without=many)) == store.count(Filter(tags=("graphs",)))
    assert store.count(Filter(tags=many, match="all")) == 0


HARD = [
    "\0",
    "tide\0",
    '"',
    '""',
    '" "',
    "'",
    "-x",
    "c++",
    "*",
    "^tide",
    "tide AND",
    "NEAR(tide ebb)",
    "title:x",
]
HARDER = ["(", "{tide}", "+", "+++ ---", "tide -ebb", "\udcff", "é" * 3, "x" * 200_000, "tide " * 5_000]


@pytest.mark.parametrize("words", HARD + HARDER)
def test_no_search_is_an_error(store: Store, words: str) -> None:
    assert store.count(Filter(words=words)) == len(list(store.list(Filter(words=words))))
    assert store.count(Filter(search=words)) == len(list(store.search(words)))


@settings(max_examples=300, deadline=None)
@given(words=st.one_of(st.text(), st.text("\"*^:()+-{}\0 ' NEARtide", max_size=40)))
def test_any_text_can_be_searched_for(store: Store, words: str) -> None:
    assert store.count(Filter(words=words)) <= COUNT
    assert store.count(Filter(search=words)) <= COUNT


def test_search_finds_other_forms_of_a_word_accents_aside_and_words_with_signs() -> None:
    with Store.open("b.db") as made:
        with made.transaction():
            made.papers.add(paper("Mödeling C++ state-of-the-art soundings", abstract=""), DAY)
        for words in ("models", "modeling", "MODEL", "c++", "state-of-the-art", "the art sound", "mod"):
            assert made.count(Filter(words=words)) == 1, words
        assert made.count(Filter(words="models zebra")) == 0


def test_search_reads_the_annotation_and_forgets_it_with_a_revision() -> None:
    one = paper(abstract="Old words.")
    with Store.open("b.db") as made:
        with made.transaction():
            made.papers.add(one, date(2026, 1, 1))
        annotate(made, one, said=annotation(keywords=("bathymetry",)))
        assert [record.id for record in made.search("bathymetry")] == [one.id]
        with made.transaction():
            made.papers.revise(paper(abstract="New words."))
        assert not list(made.search("bathymetry"))
        assert not list(made.search("old -new"))
        assert [record.id for record in made.search("new words")] == [one.id]
