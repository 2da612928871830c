"""Papers as they are added, revised, enriched and sighted, and the transaction around it all."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from broadsheet import Filter, Store
from builders import DAY, add, annotate, paper, rows, sighting


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with Store.open(tmp_path / "b.db") as made:
        yield made


def test_a_paper_comes_back_as_it_was_added(store: Store) -> None:
    full = paper(
        "Ebb — Flow",
        authors=("Mara Quay", "Tömas Pier"),
        url="https://example.org/p",
        published=date(2025, 12, 31),
        comment="9 pages",
        arxiv_id="2601.00042",
        version=2,
        doi="10.9999/x",
        local_id="r1",
        sighting=None,
    )
    add(store, full)
    assert store.papers.by_id("2601.00042") == full
    assert store.papers.titled("ebb flow") == [full]
    assert store.papers.by_id("none") is None


def test_an_alias_stays_with_the_paper_that_had_it_first(store: Store) -> None:
    one, other = paper("Ebb"), paper("Flow")
    add(store, one, other)
    store.papers.add_aliases(one.id, ["doi:10.9999/x"])
    store.papers.add_aliases(other.id, ["doi:10.9999/x", "doi:10.9999/y"])
    assert store.papers.by_alias("doi:10.9999/x").id == one.id
    assert store.papers.by_alias("doi:10.9999/y").id == other.id
    assert store.papers.by_alias("doi:10.9999/z") is None


def test_a_revised_paper_has_no_annotation_and_no_tags_and_keeps_the_version_it_had(store: Store) -> None:
    add(store, paper())
    annotate(store, paper())
    with store.transaction():
        store.papers.revise(paper(abstract="Other words."))
    record = store.get(paper().id)
    assert record.annotation is None
    assert record.revised
    assert record.paper.abstract == "Other words."
    assert store.count(Filter(tags=("graphs",))) == 0
    assert store.count(Filter(code="available")) == 0
    assert rows(store, "SELECT abstract FROM versions") == [(paper().abstract,)]


def test_another_telling_fills_what_is_lacking_and_replaces_nothing(store: Store) -> None:
    add(store, paper(url="https://example.org/first", authors=()))
    store.papers.enrich(
        paper(id=paper().id, url="https://example.org/second", authors=("Mara Quay",), doi="10.9999/x")
    )
    kept = store.papers.by_id(paper().id)
    assert (kept.url, kept.authors, kept.doi) == ("https://example.org/first", ("Mara Quay",), "10.9999/x")
    assert [record.id for record in store.search("quay")] == [paper().id]


def test_the_same_listing_read_again_brings_the_votes_up_to_date_and_adds_no_sighting(store: Store) -> None:
    add(store, paper(sighting=sighting(votes=3, rank=2)))
    for votes in (9, 9, None):
        store.papers.sight(paper().id, sighting(votes=votes, rank=1))
    assert store.papers.sightings(paper().id) == [sighting(votes=None, rank=1)]
    assert store.get(paper().id).votes == 9


def test_reading_the_same_listing_again_changes_no_row(store: Store) -> None:
    add(store, paper(sighting=sighting(votes=3, words={"summary": "Sand."})))
    before = rows(store, "SELECT total_changes()")
    store.papers.sight(paper().id, sighting(votes=3, words={"summary": "Sand."}))
    assert rows(store, "SELECT total_changes()") == before


def test_an_earlier_sighting_moves_the_first_day_back_and_a_later_one_does_not(store: Store) -> None:
    add(store, paper())
    for day in (date(2026, 1, 9), date(2026, 1, 2), date(2026, 1, 4)):
        store.papers.sight(paper().id, sighting(day))
    assert store.get(paper().id).first_seen == date(2026, 1, 2)
    assert [seen.day.day for seen in store.papers.sightings(paper().id)] == [2, 4, 5, 9]


def test_a_transaction_that_fails_leaves_nothing_behind(store: Store) -> None:

    def interrupted() -> None:
        with store.transaction():
            store.papers.add(paper(), DAY)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert store.papers.count() == 0
    assert rows(store, "SELECT count(*) FROM papers_fts") == [(0,)]


def test_a_transaction_shows_nothing_to_others_before_its_end(store: Store, tmp_path: Path) -> None:
    with Store.open(tmp_path / "b.db") as reader:
        with store.transaction():
            store.papers.add(paper(), DAY)
            assert reader.papers.count() == 0
        assert reader.papers.count() == 1


def test_a_store_can_be_used_again_after_a_failed_transaction(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction():
        raise ZeroDivisionError
    add(store, paper())
    assert store.papers.count() == 1
