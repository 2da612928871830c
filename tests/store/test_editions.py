"""Editions: kept as composed, fixed once published, each paper in one of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from broadsheet import Store
from broadsheet.compose import compose
from broadsheet.edition import Card, Edition, Section
from builders import DAY, add, annotate, paper, rows, sighting
from editions import TAXONOMY

FIRST, SECOND, LATER = paper("First"), paper("Second"), paper("Later", sighting=sighting(DAY + timedelta(1)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "b.db") as made:
        add(made, FIRST, SECOND, LATER)
        annotate(made, FIRST)
        yield made


def edition(store: Store, *ids: str, day: date = DAY, title: str = "Graphs") -> Edition:
    cards = tuple(Card(record=record) for record in store.records.by_ids(ids))
    return Edition(day=day, sections=(Section(id="graphs", title=title, cards=cards),))


def test_an_edition_comes_back_as_it_was_composed(store: Store) -> None:
    made = edition(store, FIRST.id, SECOND.id)
    assert store.editions.get(DAY) is None
    assert store.editions.keep(made, [FIRST.id, SECOND.id])
    assert store.editions.get(DAY) == made
    assert store.editions.days() == [DAY]


def test_keeping_the_same_edition_again_changes_nothing(store: Store) -> None:
    store.editions.keep(edition(store, FIRST.id), [FIRST.id])
    composed_at = rows(store, "SELECT composed_at FROM editions")
    assert not store.editions.keep(edition(store, FIRST.id), [FIRST.id])
    assert rows(store, "SELECT composed_at FROM editions") == composed_at


def test_composing_a_day_anew_replaces_its_papers(store: Store) -> None:
    store.editions.keep(edition(store, FIRST.id), [FIRST.id])
    assert store.editions.keep(edition(store, SECOND.id), [SECOND.id])
    assert rows(store, "SELECT paper_id FROM edition_papers") == [(SECOND.id,)]


def test_candidates_are_papers_seen_by_that_day_that_no_other_edition_has(store: Store) -> None:
    tomorrow = DAY + timedelta(1)
    assert store.editions.candidates(DAY - timedelta(1)) == []
    assert store.editions.candidates(DAY) == [FIRST.id, SECOND.id]
    assert store.editions.candidates(tomorrow) == [LATER.id, FIRST.id, SECOND.id]
    store.editions.keep(edition(store, FIRST.id), [FIRST.id])
    assert store.editions.candidates(DAY) == [FIRST.id, SECOND.id]
    assert store.editions.candidates(tomorrow) == [LATER.id, SECOND.id]


def test_an_edition_published_twice_keeps_its_first_time(store: Store) -> None:
    store.editions.keep(edition(store, FIRST.id), [FIRST.id])
    assert not store.editions.is_published(DAY)
    store.editions.publish(DAY)
    assert store.editions.is_published(DAY)
    first = rows(store, "SELECT published_at FROM editions")
    store.editions.publish(DAY)
    assert rows(store, "SELECT published_at FROM editions") == first


def test_composing_an_earlier_day_again_takes_no_paper_from_a_later_edition(store: Store) -> None:
    tomorrow = DAY + timedelta(1)
    compose(store, DAY, taxonomy=TAXONOMY)
    compose(store, tomorrow, taxonomy=TAXONOMY)
    late = paper("Late")
    add(store, late)
    first = compose(store, DAY, taxonomy=TAXONOMY).edition
    second = compose(store, tomorrow, taxonomy=TAXONOMY).edition
    assert first
    assert second
    assert {card.record.id for card in first.cards} == {FIRST.id, SECOND.id, late.id}
    assert [card.record.id for card in second.cards] == [LATER.id]
