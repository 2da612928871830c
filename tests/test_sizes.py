"""The size of a newsletter, its rank, and what was revised since its last edition."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from broadsheet.compose import compose
from broadsheet.filters import Filter
from broadsheet.newsletter import Newsletter
from broadsheet.render import render
from broadsheet.render.mail import Postmark, render_mail
from broadsheet.sections.picks import RULE
from broadsheet.store import Store
from builders import DAY, TLDR, add, annotate, annotation, paper, sighting
from editions import TAXONOMY

MARK = Postmark("Broadsheet", "daily", "", "https://example.org/u", "https://example.org/p")


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open("b.db") as made:
        yield made


def test_only_the_best_are_told_in_full_and_the_rest_stand_as_titles_once(store: Store) -> None:
    papers = [paper(f"Paper {number}", sighting=sighting(votes=number)) for number in range(20)]
    add(store, *papers)
    for one in papers:
        annotate(store, one, said=annotation(topics=("graphs",)))
    edition = compose(store, DAY, taxonomy=TAXONOMY, newsletter=Newsletter(top=8)).edition
    assert edition
    assert [card.record.title for card in edition.cards if card.is_brief] == [
        f"Paper {number}" for number in reversed(range(12))
    ]
    assert len(edition.cards) == 20
    pages = render(edition, TAXONOMY)
    assert pages.html.count(TLDR) == 8 + 1
    assert pages.text.count(" ".join(TLDR.split()[:6])) == 8 + 1
    for page in (pages.html, pages.markdown, pages.text):
        assert all(f"Paper {number}" in page for number in range(20))


def test_more_of_the_newsletters_own_tags_come_before_votes(store: Store) -> None:
    both = paper("Both", sighting=sighting(rank=2))
    loved = paper("Loved", sighting=sighting(votes=90, rank=1))
    others = [paper(f"Other {number}", sighting=sighting(rank=3 + number)) for number in range(5)]
    add(store, both, loved, *others)
    annotate(store, both, said=annotation(topics=("graphs", "robotics")))
    for one in (loved, *others):
        annotate(store, one, said=annotation(topics=("language", "robotics")))
    wanted = Newsletter(name="n", filter=Filter(tags=("graphs", "robotics")))
    edition = compose(store, DAY, taxonomy=TAXONOMY, newsletter=wanted).edition
    assert edition
    picks = edition.sections[0].picks
    assert [edition.record_of(pick).title for pick in picks] == ["Both", "Loved"]
    assert picks[0].why[0] == "2 of your tags"


def test_what_a_pick_says_is_why_it_stands_there_in_every_format(store: Store) -> None:
    told = {
        "Both tags": {"topics": ("graphs", "robotics"), "rank": 9},
        "Grasping tides": {"topics": ("language", "graphs"), "rank": 8},
        "Loved": {"topics": ("computer-vision", "graphs"), "votes": 90, "rank": 7},
        "Coded": {"topics": ("time-series", "graphs"), "code": "available", "rank": 6},
        **{f"Other {number}": {"topics": ("robotics",), "rank": number + 1} for number in range(5)},
    }
    for title, each in told.items():
        listing = sighting(votes=each.get("votes"), rank=each["rank"])
        one = paper(title, abstract="They grasp the tide.", sighting=listing)
        add(store, one)
        annotate(store, one, said=annotation(topics=each["topics"], code=each.get("code", "none")))
    wanted = Filter(tags=("graphs", "robotics"), words="grasp")
    newsletter = Newsletter(name="n", filter=wanted)
    edition = compose(store, DAY, taxonomy=TAXONOMY, newsletter=newsletter).edition
    assert edition
    picks = edition.sections[0].picks
    new = store.editions.candidates(DAY, newsletter)
    whys = {edition.record_of(pick).title: pick.why for pick in picks}
    listed = {title: f"no. {new.index(paper(title).id) + 1} on the list" for title in told}
    assert whys == {
        "Both tags": ("2 of your tags", listed["Both tags"]),
        "Grasping tides": ("1 of your tags", "“grasp” in the title", listed["Grasping tides"]),
        "Loved": ("1 of your tags", "90 votes", listed["Loved"]),
    }
    pages, mail = render(edition, TAXONOMY), render_mail(edition, TAXONOMY, MARK)
    for page in (pages.html, pages.markdown, pages.text, mail.html, mail.text):
        words = " ".join(page.split())
        assert all(", ".join(why) in words for why in whys.values())
        assert RULE.replace("'", "&#39;") in words or RULE in words


def test_a_paper_that_was_revised_is_listed_once_in_the_next_edition_outside_its_cards(store: Store) -> None:
    old, new = paper("Old"), paper("New", sighting=sighting(DAY + timedelta(days=1)))
    add(store, old)
    annotate(store, old)
    compose(store, DAY, taxonomy=TAXONOMY)
    with store.transaction():
        store.papers.revise(old.model_copy(update={"abstract": "Other words."}))
    assert compose(store, DAY + timedelta(days=1), taxonomy=TAXONOMY).edition is None
    add(store, new)
    edition = compose(store, DAY + timedelta(days=1), taxonomy=TAXONOMY).edition
    assert edition
    (section,) = [each for each in edition.sections if each.id == "revised-since"]
    assert [edition.record_of(pick).title for pick in section.picks] == ["Old"]
    assert [card.record.title for card in edition.cards] == ["New"]
    again = store.editions.get(DAY + timedelta(days=1))
    assert again == edition
    for page in (render(edition, TAXONOMY).html, render(edition, TAXONOMY).text):
        assert "Old" in page
    assert not compose(store, DAY + timedelta(days=1), taxonomy=TAXONOMY).changed
    later = paper("Later", sighting=sighting(DAY + timedelta(days=2)))
    add(store, later)
    third = compose(store, DAY + timedelta(days=2), taxonomy=TAXONOMY).edition
    assert third
    assert "revised-since" not in [each.id for each in third.sections]
