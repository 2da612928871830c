"""Composing: each paper once, in the edition of one day, the same again when nothing is new."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from broadsheet import compose as compose_module
from broadsheet.compose import compose
from broadsheet.edition import Edition
from broadsheet.sections import SECTIONS
from broadsheet.store import Store
from builders import DAY, add, annotate, annotation, paper, rows, sighting
from editions import TAXONOMY, small_edition


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Store, Edition]]:
    store, edition = small_edition(tmp_path / "e.db")
    with store:
        yield store, edition


def _section_ids(edition: Edition) -> list[str]:
    return [section.id for section in edition.sections]


def test_every_paper_stands_once_and_topics_follow_the_taxonomy(made: tuple[Store, Edition]) -> None:
    store, edition = made
    ids = [card.record.id for card in edition.cards]
    assert sorted(ids) == sorted(row[0] for row in rows(store, "SELECT id FROM papers"))
    topics = [id_ for id_ in _section_ids(edition) if id_ in TAXONOMY.topic_ids]
    assert topics == ["language", "computer-vision", "graphs"]
    for section in edition.sections:
        for card in section.cards:
            if card.record.annotation:
                assert card.record.annotation.topics[0] == section.id


def test_papers_without_an_annotation_stand_bare_with_the_reason(made: tuple[Store, Edition]) -> None:
    _, edition = made
    also = next(section for section in edition.sections if section.id == "also-today")
    reasons = {card.record.title: card.why_bare for card in also.cards}
    assert reasons == {
        "Peat Bogs Breathe at Night": "not summarised yet",
        "On the Drift of Buoys": "no summary: refused",
    }


def test_composing_again_with_nothing_new_changes_nothing(made: tuple[Store, Edition]) -> None:
    store, edition = made
    before = rows(store, "SELECT * FROM editions")
    again = compose(store, DAY, taxonomy=TAXONOMY)
    assert (again.edition, again.changed) == (edition, False)
    assert rows(store, "SELECT * FROM editions") == before
    assert store.editions.get(DAY) == edition


def test_a_new_paper_of_the_day_enters_until_the_edition_is_published(made: tuple[Store, Edition]) -> None:
    store, edition = made
    late, later = paper("Late Ferry"), paper("Later Ferry")
    add(store, late)
    composed = compose(store, DAY, taxonomy=TAXONOMY)
    assert composed.changed
    assert composed.edition is not None
    assert len(composed.edition.cards) == len(edition.cards) + 1
    store.editions.publish(DAY)
    add(store, later)
    fixed = compose(store, DAY, taxonomy=TAXONOMY)
    assert (fixed.edition, fixed.changed) == (composed.edition, False)
    tomorrow = compose(store, DAY + timedelta(days=1), taxonomy=TAXONOMY).edition
    assert tomorrow is not None
    assert [card.record.id for card in tomorrow.cards] == [later.id]


def test_an_empty_day_composes_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path / "e.db") as store:
        composed = compose(store, DAY, taxonomy=TAXONOMY)
        assert (composed.edition, composed.changed) == (None, False)
        assert store.editions.days() == []


def test_numbers_stand_beside_those_of_the_edition_before(made: tuple[Store, Edition]) -> None:
    store, edition = made
    tomorrow = DAY + timedelta(days=1)
    fresh = paper("Fresh Water", sighting=sighting(tomorrow))
    add(store, fresh)
    annotate(store, fresh)
    composed = compose(store, tomorrow, taxonomy=TAXONOMY).edition
    assert composed is not None
    assert composed.before == DAY
    counts = {count.label: (count.value, count.before) for count in composed.sections[-1].counts}
    assert counts == {
        "Papers": (1, 8),
        "Code available": (1, 2),
        "Code announced": (0, 1),
        "Claims withheld by the check": (0, 1),
    }
    assert all(count.before is None for count in edition.sections[-1].counts)


def test_printed_counts_equal_what_sql_counts(made: tuple[Store, Edition]) -> None:
    store, edition = made
    counted = dict(
        rows(
            store,
            """SELECT code_status, count(*) FROM papers JOIN annotations ON key = current_key
               WHERE id IN (SELECT paper_id FROM edition_papers) GROUP BY code_status""",
        )
    )
    assert dict(edition.code) == counted == {"available": 2, "announced": 1, "none": 3}
    withheld = rows(store, "SELECT count(*) FROM findings WHERE severity = 'withheld'")[0][0]
    printed = {count.label: count.value for count in edition.sections[-1].counts}
    assert printed["Papers"] == rows(store, "SELECT count(*) FROM edition_papers")[0][0] == 8
    assert printed["Code available"] == counted["available"]
    assert printed["Code announced"] == counted["announced"]
    assert printed["Claims withheld by the check"] == withheld == 1
    by_engine = dict(
        rows(
            store, "SELECT engine, count(*) FROM papers JOIN annotations ON key = current_key GROUP BY engine"
        )
    )
    assert {made.engine: made.papers for made in edition.made} == by_engine


def test_picks_follow_votes_then_code_then_place_and_share_no_topic(made: tuple[Store, Edition]) -> None:
    _, edition = made
    picks = next(section for section in edition.sections if section.id == "picks")
    assert picks.title == "Picks"
    topics = [edition.place[pick.paper_id][0].id for pick in picks.picks]
    assert topics == ["language", "computer-vision", "graphs"]
    assert [pick.why for pick in picks.picks] == [
        ("12 votes", "no. 3 on the list"),
        ("3 votes", "code available", "no. 4 on the list"),
        ("code available", "no. 1 on the list"),
    ]


def test_a_paper_whose_summary_was_withheld_is_never_picked(tmp_path: Path) -> None:
    store, edition = small_edition(tmp_path / "e.db")
    with store:
        store._db.execute("UPDATE findings SET key = (SELECT current_key FROM papers WHERE votes = 12)")
        changed = compose(store, DAY, taxonomy=TAXONOMY).edition
    assert changed is not None
    titles = [changed.place[pick.paper_id][1].record.title for pick in changed.sections[0].picks]
    assert not any("Scripts" in title for title in titles)
    assert edition.place[edition.sections[0].picks[0].paper_id][1].record.votes == 12


def test_a_topic_that_the_taxonomy_lost_gives_way_to_the_next(tmp_path: Path) -> None:
    lost, kept = paper("Lost"), paper("Kept")
    with Store.open(tmp_path / "e.db") as store:
        add(store, lost, kept)
        annotate(store, lost, said=annotation(topics=("alchemy",)))
        annotate(store, kept, said=annotation(topics=("alchemy", "graphs")))
        edition = compose(store, DAY, taxonomy=TAXONOMY).edition
    assert edition is not None
    assert edition.place[kept.id][0].id == "graphs"
    assert edition.place[lost.id][0].id == "also-today"
    assert "taxonomy" in edition.place[lost.id][1].why_bare


def test_a_section_that_loses_a_paper_stops_the_edition_and_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(tmp_path / "e.db") as store:
        add(store, paper())
        monkeypatch.setattr(compose_module, "SECTIONS", SECTIONS[:2])
        with pytest.raises(RuntimeError, match="exactly one section"):
            compose(store, DAY, taxonomy=TAXONOMY)
        assert store.editions.days() == []
