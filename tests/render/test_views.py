"""A paper's page shows what the cache knows, and formulas as a reader expects them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.annotation import Code
from broadsheet.compose import compose
from broadsheet.record import Record
from broadsheet.render import render
from broadsheet.render.reading import readable
from broadsheet.render.views.listing import PaperRow
from broadsheet.render.views.paper import PaperPage, Surroundings
from broadsheet.store import Store
from broadsheet.store.overview import Version
from builders import DAY, add, annotate, annotation, paper, sighting
from editions import TAXONOMY

SEEN = datetime(2026, 1, 7, 9, tzinfo=UTC)


def page(around: Surroundings | None = None, **fields: object) -> PaperPage:
    record = Record(paper=paper(**fields), first_seen=DAY, source="jsonl", annotation=annotation())  # type: ignore[arg-type]
    return PaperPage.of(record, TAXONOMY.names, around or Surroundings())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"Rates of $\alpha$-mixing", "Rates of α-mixing"),
        (r"$O(n^2)$ time", "O(n²) time"),
        ("It costs $5, not $10", "It costs $5, not $10"),
        ("It costs $5 or $10 a day", "It costs $5 or $10 a day"),
        (r"at \emph{\textcolor{magenta}{https://a.b/c}}.", "at https://a.b/c."),
        (r"Schr\"odinger", "Schrödinger"),
        ("A *star* and a {brace}", "A *star* and a {brace}"),
        (r"$\mathcal{L}_1$ loss", "L_1 loss"),
    ],
)
def test_formulas_are_shown_in_letters_and_money_is_left_alone(text: str, shown: str) -> None:
    assert readable(text) == shown


@given(st.text(st.sampled_from("$\\{}^_ab 1\n\x07") | st.characters(codec="utf-8")))
def test_readable_text_is_one_line_without_control_characters(text: str) -> None:
    assert readable(text).isprintable()


def test_a_row_links_to_code_and_names_each_tag() -> None:
    tides = paper("Tide Tables of Nine Estuaries")
    said = annotation(
        topics=("graphs", "robotics"),
        contribution="method",
        code=Code(status="available", evidence="Code is out", urls=("https://a.b/tides",)),
    )
    with Store.in_memory() as store:
        add(store, tides)
        annotate(store, tides, said=said)
        record = store.get(tides.id)
    row = PaperRow.of(record, {"graphs": "Graphs", "method": "New method"})
    assert [(link.text, link.url) for link in row.code] == [("code", "https://a.b/tides")]
    assert set(row.tags) == {("graphs", "Graphs"), ("robotics", "robotics"), ("method", "New method")}
    assert PaperRow.of(record).tags == ()


def test_a_line_that_only_says_the_title_again_is_not_printed() -> None:
    tides = paper("Tide Tables of Nine Estuaries")
    with Store.in_memory() as store:
        add(store, tides)
        annotate(store, tides, said=annotation(tldr="Tide tables of nine estuaries."))
        record = store.get(tides.id)
        edition = compose(store, DAY, taxonomy=TAXONOMY).edition
        assert edition
    assert PaperPage.of(record, TAXONOMY.names, Surroundings()).sentence == ""
    assert PaperRow.of(record).sentence == ""
    pages = render(edition, TAXONOMY)
    for text in (pages.html, pages.markdown, pages.text):
        assert "Tide Tables of Nine Estuaries" in text
        assert "Tide tables" not in text


def test_the_words_that_are_evidence_for_code_are_marked() -> None:
    before, evidence, after = page().abstract
    assert evidence == "Our code is available at https://example.org/sandloom"
    assert before.endswith("estuaries. ")
    assert after == "."


def test_what_a_version_changed_is_shown_word_by_word() -> None:
    versions = [
        Version(1, "Tides", "We measure nine estuaries by hand.", SEEN),
        Version(2, "Tides", "We measure ten estuaries by hand.", SEEN),
    ]
    (change,) = page(Surroundings(versions=versions)).changes
    assert change.heading == "Version 2, read Wednesday, 7 January 2026"
    assert not change.title
    assert [(piece.kind, piece.text) for piece in change.abstract] == [
        ("same", "We measure"),
        ("removed", "nine"),
        ("added", "ten"),
        ("same", "estuaries by hand."),
    ]


def test_sightings_say_where_when_and_how_many() -> None:
    around = Surroundings(sightings=[sighting(rank=2, votes=1, stars=2_000)])
    assert page(around).sightings == (
        "jsonl (made.jsonl), Monday, 5 January 2026, rank 2, 1 vote, 2,000 stars",
    )


def test_an_address_that_no_reader_should_follow_is_not_linked() -> None:
    assert page(url="javascript:alert(1)").url == ""
