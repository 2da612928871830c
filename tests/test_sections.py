"""A section whose papers have their card elsewhere: one function in the table, drawn in every format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from broadsheet import compose as compose_module
from broadsheet.compose import compose
from broadsheet.edition import Edition, Pick, Section
from broadsheet.record import Record
from broadsheet.render import Rendered, render
from broadsheet.sections import SECTIONS, Today
from builders import DAY, TLDR, annotate, annotation, paper
from editions import HOSTILE, TAXONOMY, small_edition


def code_today(today: Today) -> Iterator[Section]:
    """Point to the papers whose code is available, and to all that have no annotation."""
    chosen = [
        Pick(paper_id=record.id)
        for record in today.records
        if record.annotation is None or record.annotation.code.status == "available"
    ]
    yield Section(id="code-today", title="Code today", picks=tuple(chosen))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Edition, Rendered]:
    monkeypatch.setattr(compose_module, "SECTIONS", (code_today, *SECTIONS))
    store, edition = small_edition(tmp_path / "e.db")
    with store:
        return edition, render(edition, TAXONOMY)


def _part(page: str, start: str, end: str) -> str:
    return page.partition(start)[2].partition(end)[0]


def test_a_line_in_the_table_prints_title_sentence_and_link_in_html(made: tuple[Edition, Rendered]) -> None:
    html = _part(made[1].html, '<section id="code-today"', "</section>")
    assert '<a href="https://example.org/p/1">SandLoom: Tidal Flats from Sparse Soundings</a>' in html
    assert f'<p class="sentence" dir="auto">{TLDR}</p>' in html
    place = re.search(r'<a href="#(p-[^"]+)">Graphs</a>', html)
    assert place
    assert f'<article id="{place[1]}">' in made[1].html
    assert '<p class="title" dir="auto"><a href="#p-' in html  # a paper without a page leads to its card
    assert "Peat Bogs Breathe at Night" in html


def test_a_line_in_the_table_prints_title_sentence_and_link_in_markdown(
    made: tuple[Edition, Rendered],
) -> None:
    text = _part(made[1].markdown, "## Code today (4)\n", "\n## ")
    first = text.strip().split("\n\n")[0].splitlines()
    assert first == [
        "1. **[SandLoom: Tidal Flats from Sparse Soundings](https://example.org/p/1)**\\",
        f"   {TLDR}\\",
        "   *Graphs*",
    ]
    assert [token.tag for token in MarkdownIt().parse(text)].count("li") == 2 * 4
    assert "   *Also today*" in text


def test_a_line_in_the_table_prints_title_sentence_and_link_in_text(made: tuple[Edition, Rendered]) -> None:
    text = _part(made[1].text, "Code today (4)\n==============\n", "\n\n\n")
    first = " ".join(text.strip().split("\n\n")[0].split())
    assert first == (
        f"1. SandLoom: Tidal Flats from Sparse Soundings {TLDR} Graphs paper: https://example.org/p/1"
    )
    assert "Peat Bogs Breathe at Night\n   Also today\n" in text


def test_the_contents_name_it_with_its_papers_in_every_format(made: tuple[Edition, Rendered]) -> None:
    _, pages = made
    assert '<li><a href="#code-today">Code today</a> <span>4</span></li>' in pages.html
    assert "\n- Code today (4)\n" in pages.markdown
    assert "\n  Code today (4)\n" in pages.text


def test_each_paper_still_has_one_card_and_what_is_repeated_is_counted(
    made: tuple[Edition, Rendered], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    store, plain = small_edition(tmp_path / "plain.db")
    store.close()
    edition, pages = made
    assert pages.html.count("<article ") == len(edition.cards) == len(plain.cards) == 8
    pointed = [edition.place[pick.paper_id][1].record for pick in edition.sections[0].picks]
    repeated = sum(
        len(f"{record.title} {record.annotation.tldr if record.annotation else ''}".split())
        for record in pointed
    )
    assert edition.words == plain.words + repeated


def test_a_hostile_title_in_a_pick_is_text_in_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose_module, "SECTIONS", (_all_of_them, *SECTIONS))
    store, _ = small_edition(tmp_path / "e.db")
    with store:
        annotate(store, paper("On the Drift of Buoys", abstract="Buoys drift. We follow forty of them."))
        edition = compose(store, DAY, taxonomy=TAXONOMY).edition
    assert edition
    pages = render(edition, TAXONOMY)
    section = _part(pages.markdown, "## All (8)\n", "\n## ")
    inlines = [token for token in MarkdownIt("commonmark").parse(section) if token.type == "inline"]
    shown = [
        "".join(child.content for child in token.children or [] if child.type != "link") for token in inlines
    ]
    assert any(HOSTILE in each for each in shown)
    html = _part(pages.html, '<section id="all"', "</section>")
    assert "<b>" not in html
    assert "&lt;b&gt;Bold&lt;/b&gt;" in html


def _all_of_them(today: Today) -> Iterator[Section]:
    picks = tuple(Pick(paper_id=record.id, why=("listed",)) for record in today.records)
    yield Section(id="all", title="All", picks=picks)


def day_of(*records: Record) -> list[Section]:
    """The sections of a day with these papers."""
    return [section for make in SECTIONS for section in make(Today(DAY, records, TAXONOMY))]


def listed(title: str, topic: str, *, votes: int = 0, code: str = "none") -> Record:
    said = annotation(topics=(topic,), code=code)
    return Record(paper=paper(title), first_seen=DAY, source="jsonl", votes=votes, annotation=said)


def test_within_a_section_votes_come_before_code_and_code_before_the_place_on_the_list() -> None:
    papers = [
        listed("Listed first", "graphs"),
        listed("With code", "graphs", code="available"),
        listed("With votes", "graphs", votes=3),
        listed("With both", "graphs", votes=3, code="available"),
    ]
    (section,) = [section for section in day_of(*papers) if section.cards]
    assert [card.record.title for card in section.cards] == [
        "With both",
        "With votes",
        "With code",
        "Listed first",
    ]


@pytest.mark.parametrize("papers", range(1, 16))
def test_topics_of_one_paper_share_a_section_unless_the_edition_is_small(papers: int) -> None:
    alone = [listed("Robots", "robotics", votes=1)] + [listed("Pixels", "computer-vision")] * (papers > 1)
    many = [listed(f"Graph {number}", "graphs") for number in range(papers - len(alone))]
    sections = {section.id: section for section in day_of(*many, *alone)}
    assert ("robotics" in sections) == (papers < 12)
    if papers >= 12:
        assert [card.record.title for card in sections["also-today"].cards] == ["Robots", "Pixels"]
        assert [card.why_bare for card in sections["also-today"].cards] == ["", ""]
    if papers >= 6:
        assert alone[0].id in {pick.paper_id for pick in sections["picks"].picks}


def test_a_printed_page_hides_what_cannot_be_opened_and_spells_out_links_to_code(
    made: tuple[Edition, Rendered],
) -> None:
    printed = _part(made[1].html, "@media print {", "\n}")
    assert "nav, details, .skip { display: none }" in printed
    assert '.badges a::after { content: " (" attr(href) ")" }' in printed
