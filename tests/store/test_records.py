"""`Store.get`: one paper by any name it goes by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet import AmbiguousError, Filter, NotFoundError, Store
from builders import DAY, add, annotate, annotation, maker, paper, sighting

ARXIV = paper("SandLoom: Tidal Flats from Sparse Soundings", arxiv_id="2601.00042", local_id="row-7")
OLD = paper("On Ebb and Flow", arxiv_id="cs/0112017")
DOI = paper("Currents in Narrow Channels", doi="10.9999/tides.7")
PLAIN = paper("Currents in Wide Channels")
SIGNS = paper("C++ for Oceanographers: 100% Faster?")
ALL = (ARXIV, OLD, DOI, PLAIN, SIGNS)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(tmp_path_factory.mktemp("lookup") / "b.db") as made:
        add(made, *ALL)
        made.papers.add_aliases(DOI.id, ["doi:10.9999/tides.7", "arxiv:2601.00099"])
        annotate(made, ARXIV)
        yield made


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("2601.00042", ARXIV),
        (" 2601.00042 ", ARXIV),
        ("2601.00042v3", ARXIV),
        ("arXiv:2601.00042", ARXIV),
        ("https://arxiv.org/abs/2601.00042v2", ARXIV),
        ("http://www.arxiv.org/pdf/2601.00042v2.pdf", ARXIV),
        ("https://arxiv.org/pdf/2601.00042.pdf", ARXIV),
        ("https://arxiv.org/abs/2601.00042?context=cs", ARXIV),
        ("https://export.arxiv.org/abs/2601.00042", ARXIV),
        ("https://huggingface.co/papers/2601.00042", ARXIV),
        ("cs/0112017", OLD),
        ("https://arxiv.org/abs/cs/0112017v1", OLD),
        ("2601.00099", DOI),
        ("10.9999/tides.7", DOI),
        ("doi:10.9999/TIDES.7", DOI),
        ("https://doi.org/10.9999/tides.7", DOI),
        ("row-7", ARXIV),
        (PLAIN.id, PLAIN),
        ("Currents in Wide Channels", PLAIN),
        ("currents  in WIDE channels.", PLAIN),
        ("SandLoom", ARXIV),
        ("sandl", ARXIV),
        ("narrow", DOI),
        ("C++ for", SIGNS),
        ("100% Faster", SIGNS),
    ],
)
def test_a_paper_answers_to_its_id_its_addresses_its_title_and_a_part_of_it(
    store: Store, wanted: str, found: object
) -> None:
    assert store.get(wanted).paper.id == found.id  # type: ignore[attr-defined]


def test_what_fits_several_papers_lists_them(store: Store) -> None:
    with pytest.raises(AmbiguousError, match="2 papers") as caught:
        store.get("currents in")
    assert set(caught.value.candidates) == {(one.id, one.title) for one in (DOI, PLAIN)}


def test_a_whole_title_wins_over_titles_that_contain_it() -> None:
    short, long = paper("Ebb"), paper("Ebb and Flood")
    with Store.open("b.db") as made:
        add(made, long, short)
        assert made.get("ebb").id == short.id


def test_whole_words_win_over_parts_of_words() -> None:
    word, part = paper("Ebb in Estuaries"), paper("Webbing of Nets")
    with Store.open("b.db") as made:
        add(made, part, word)
        assert made.get("ebb").id == word.id


@pytest.mark.parametrize("wanted", ["", " ", "\0", "???", "%", "_", "no such paper", "\udcff", "x" * 100_000])
def test_what_fits_no_paper_is_not_found(store: Store, wanted: str) -> None:
    with pytest.raises(NotFoundError, match="--search"):
        store.get(wanted)


@given(wanted=st.one_of(st.text(), st.text(" %_'\"*-\0vdoi:arxiv/.0123456789", max_size=30)))
def test_any_text_is_answered_by_a_paper_or_by_one_of_two_sentences(store: Store, wanted: str) -> None:
    with suppress(NotFoundError, AmbiguousError):
        assert store.get(wanted).id in {one.id for one in ALL}


def test_a_name_reads_an_index_at_most_and_never_all_papers(store: Store) -> None:
    asked: list[str] = []
    store._db.conn.set_trace_callback(asked.append)
    for wanted in (ARXIV.id, ARXIV.title, "sparse sound", "no such paper"):
        with suppress(NotFoundError):
            store.get(wanted)
    store._db.conn.set_trace_callback(None)
    plans = [row["detail"] for sql in asked for row in store._db.execute(f"EXPLAIN QUERY PLAN {sql}")]
    read = [detail for detail in plans if detail.startswith("SCAN papers")]
    assert read
    assert all("COVERING INDEX" in detail for detail in read)


def test_a_record_is_the_paper_with_what_was_said_of_it(store: Store) -> None:
    record = store.get("2601.00042").as_dict()
    assert list(record) == [
        *("id", "title", "abstract", "authors", "url", "published", "arxiv_id", "doi"),
        *("first_seen", "source", "votes"),
        *("tldr", "topics", "contribution", "keywords", "code"),
        "repository",
        *("engine", "model", "prompt", "annotated_at", "findings"),
    ]
    assert list(record["code"]) == ["evidence", "status", "urls"]
    assert record["annotated_at"].endswith("Z")
    assert record["first_seen"] == "2026-01-05"


def test_a_paper_without_an_annotation_has_the_same_keys_with_null(store: Store) -> None:
    record = store.get("row-7").as_dict()
    bare = store.get(PLAIN.id).as_dict()
    assert list(bare) == list(record)
    assert {bare[key] for key in ("tldr", "topics", "contribution", "keywords", "code", "engine")} == {None}
    assert bare["findings"] == []


def test_a_listed_repository_stands_beside_the_abstracts_verdict_and_can_be_filtered(tmp_path: Path) -> None:
    listed, bare = paper("Listed"), paper("Bare")
    with Store.open(tmp_path / "b.db") as made:
        add(made, listed, bare)
        annotate(made, listed, maker(), annotation(code="none"))
        for day, url in ((DAY, "https://example.org/old"), (DAY.replace(day=9), "https://example.org/new")):
            seen = sighting(day, source="hf", words={"githubRepo": url}, stars=7)
            with made.transaction():
                made.papers.sight(listed.id, seen)
        record = made.get("Listed")
        assert record.as_dict()["repository"] == {
            "url": "https://example.org/new",
            "listed_by": "Hugging Face",
            "stars": 7,
        }
        assert record.annotation is not None
        assert record.annotation.code.status == "none"
        assert [one.title for one in made.list(Filter(repository=True))] == ["Listed"]
        assert [one.title for one in made.list(Filter(repository=False))] == ["Bare"]
