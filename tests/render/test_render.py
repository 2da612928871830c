"""Rendering: three pages that agree paper for paper, carry a stranger's words safely and ask for nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pydantic import Field
from rich.cells import cell_len

from broadsheet.annotation import Annotation, Show
from broadsheet.edition import Card, Edition, Section
from broadsheet.errors import UserError
from broadsheet.paper import Paper
from broadsheet.record import Record, Repository
from broadsheet.render import Rendered, fields, render, write
from broadsheet.render import page as page_module
from broadsheet.render.environments import COLUMNS, destination, markdown, wrapped
from broadsheet.render.page import anchor
from broadsheet.render.reading import heading, readable
from broadsheet.visible import visible
from builders import DAY, TLDR, annotation
from editions import APPROVED, HOSTILE, TAXONOMY, small_edition

UPDATE = "BROADSHEET_APPROVE"
_APPROVING = UPDATE in os.environ  # read here: tests run under a scrubbed environment
# Letters that mean something in a format come up as often as all others together.
_TEXT = st.text(
    st.sampled_from("\\`*_[]{}()<>|~$#&;!-+=.:/ 12a\n\t\u202e") | st.characters(codec="utf-8"), max_size=60
)
_VOID = {"meta", "link", "br", "img", "hr", "input"}


class Tree(HTMLParser):
    """The tags of a page, its words by tag, and every attribute."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: dict[str, list[str]] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)
            self.words.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.words[tag][-1] += data


@pytest.fixture
def edition(tmp_path: Path) -> Iterator[Edition]:
    store, made = small_edition(tmp_path / "e.db")
    with store:
        yield made


@pytest.fixture
def pages(edition: Edition) -> Rendered:
    return render(edition, TAXONOMY)


def _headings(text: str) -> list[str]:
    """Titles of the cards of a Markdown page, as CommonMark shows them."""
    tokens = MarkdownIt().parse(text)
    return [
        "".join(child.content for child in tokens[number + 1].children or [])
        for number, token in enumerate(tokens)
        if token.type == "heading_open" and token.tag == "h3"
    ]


def _items(text: str) -> list[str]:
    """Titles of the cards of a text page, their lines joined."""
    found = re.findall(r"^\* (.*(?:\n  .*)*)", text, re.MULTILINE)
    return [" ".join(card.split()) for card in found]


@pytest.mark.parametrize("ending", ["html", "md", "txt"])
def test_the_page_is_the_approved_one(pages: Rendered, ending: str) -> None:
    """Run with BROADSHEET_APPROVE=1 to approve what is rendered now, and read the difference."""
    made = {"html": pages.html, "md": pages.markdown, "txt": pages.text}[ending]
    approved = APPROVED / f"small.{ending}"
    if _APPROVING:
        approved.write_text(made, encoding="utf-8")
    assert made == approved.read_text(encoding="utf-8")


def test_the_three_pages_hold_the_same_papers_once_in_the_same_order(
    edition: Edition, pages: Rendered
) -> None:
    # Readers see the formula of a title, not the TeX that stands for it.
    titles = [readable(card.record.title) for card in edition.cards]
    assert Tree(pages.html).words["h3"] == titles
    assert _headings(pages.markdown) == titles
    cards = _items(pages.text)
    assert len(cards) == len(titles)
    assert all(card.startswith(title) for card, title in zip(cards, titles, strict=True))


def test_the_three_pages_give_the_same_extent_and_counts(edition: Edition, pages: Rendered) -> None:
    extent = f"{len(edition.cards)} papers · {edition.words:,} words · {edition.minutes} min"
    for page in (pages.html, pages.markdown, pages.text):
        assert extent in page
        assert "Code available for 2, announced for 1, no link found for 3" in page
    for section in edition.sections:
        if section.cards:
            assert f"## {section.title} ({len(section.cards)})" in pages.markdown
            assert f"\n{section.title} ({len(section.cards)})\n" in pages.text
            assert (
                f'<a href="#{section.id}">{section.title}</a> <span>{len(section.cards)}</span>' in pages.html
            )


def test_rendering_twice_gives_the_same_bytes(edition: Edition, pages: Rendered) -> None:
    stored = Edition.model_validate_json(edition.model_dump_json())
    assert render(stored, TAXONOMY) == pages


def test_the_html_asks_for_nothing_and_links_only_to_itself_papers_and_code(
    edition: Edition, pages: Rendered
) -> None:
    tree = Tree(pages.html)
    assert tree.open == []
    assert not {"script", "form", "img", "iframe", "link", "input", "button", "object"} & set(tree.tags)
    ids = [value for _, name, value in tree.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    known = {card.record.paper.url for card in edition.cards} | {
        url for card in edition.cards if card.record.annotation for url in card.record.annotation.code.urls
    }
    for tag, name, value in tree.attributes:
        assert not name.startswith("on")
        assert name not in {"src", "srcset", "style", "action"}
        if name == "href":
            assert tag == "a"
            assert value.removeprefix("#") in ids if value.startswith("#") else value in known
            assert not value.startswith("javascript")
    style = tree.words["style"][0]
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style


def test_the_html_has_one_h1_and_never_skips_a_heading(pages: Rendered) -> None:
    levels = [int(tag[1]) for tag in Tree(pages.html).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_hostile_title_stands_letter_for_letter_but_for_its_formula_and_does_nothing(
    pages: Rendered,
) -> None:
    shown = HOSTILE.replace("$\\alpha_i$", "α_i")
    assert shown in Tree(pages.html).words["h3"]
    assert shown in _headings(pages.markdown)
    assert pages.text.count("{{ 7*7 }}") == 2  # its title and its sentence
    assert "<script" not in pages.html
    assert "<b>" not in pages.html


def test_no_invisible_or_reordering_character_reaches_a_page(pages: Rendered) -> None:
    for page in (pages.html, pages.markdown, pages.text):
        assert not {"\u202e", "\u200b", "\x07"} & set(page)
        assert "Tides in Two Scripts" in page


def test_the_text_is_at_most_76_columns_wide_but_for_addresses(pages: Rendered) -> None:
    for line in pages.text.splitlines():
        assert cell_len(line) <= COLUMNS or "://" in line


def test_withheld_claims_and_makers_are_said_on_every_page(pages: Rendered) -> None:
    for page in (pages.html, pages.markdown.replace("\\", ""), " ".join(pages.text.split())):
        assert "TL;DR withheld by the check: number not in abstract, an extracted sentence is shown" in page
        assert "4 written by model-a from the abstract, 2 extracted from the abstract by rules" in page
        assert "extracted from the abstract by rules" in page


def test_a_link_found_gone_says_so(edition: Edition) -> None:
    section = next(section for section in edition.sections if section.id == "computer-vision")
    card = section.cards[0]
    record = card.record.model_copy(update={"links": {"https://example.org/a": "gone"}})
    changed = section.model_copy(update={"cards": (card.model_copy(update={"record": record}),)})
    pages = render(Edition(day=DAY, sections=(changed,)), TAXONOMY)
    assert '<a href="https://example.org/a">code</a> (link gone)' in pages.html
    assert "[code](https://example.org/a) (link gone)" in pages.markdown
    assert "code (link gone): https://example.org/a" in pages.text


@pytest.mark.parametrize("annotated", [True, False])
def test_a_listed_repository_is_called_what_it_is_on_every_page(edition: Edition, annotated: bool) -> None:
    section = next(section for section in edition.sections if section.id == "graphs")
    card = section.cards[0]
    update = {"repository": Repository(url="https://example.org/r", listed_by="Hugging Face")}
    record = card.record.model_copy(update=update if annotated else {**update, "annotation": None})
    changed = section.model_copy(update={"cards": (card.model_copy(update={"record": record}),)})
    pages = render(Edition(day=DAY, sections=(changed,)), TAXONOMY)
    assert '<a href="https://example.org/r">repository listed by Hugging Face</a>' in pages.html
    assert "[repository listed by Hugging Face](https://example.org/r)" in pages.markdown
    assert "repository listed by Hugging Face: https://example.org/r" in " ".join(pages.text.split())


def test_a_revised_paper_is_marked(edition: Edition) -> None:
    section = next(section for section in edition.sections if section.id == "graphs")
    cards = tuple(
        card.model_copy(update={"record": card.record.model_copy(update={"revised": True})})
        for card in section.cards
    )
    one = Edition(day=DAY, sections=(section.model_copy(update={"cards": cards}),))
    pages = render(one, TAXONOMY)
    since = "revised since Monday, 5 January 2026"
    assert pages.html.count(f"<em>{since}</em>") == pages.markdown.count(f"*{since}*") == len(cards)
    assert " ".join(pages.text.split()).count(f"[{since}]") == len(cards)


def test_a_new_field_of_the_annotation_appears_with_no_template_change(edition: Edition) -> None:
    class Longer(Annotation):
        caveat: Annotated[str, Show("Caveat", at="line")] = Field(description="What it does not show")
        open_weights: Annotated[bool, Show("Open weights", at="badge")] = Field(description="Weights")

    section = next(section for section in edition.sections if section.id == "graphs")
    said = Longer(**annotation().model_dump(), caveat="Only *nine* estuaries", open_weights=True)
    record = section.cards[0].record.model_copy(update={"annotation": said})
    card = section.cards[0].model_copy(update={"record": record})
    pages = render(Edition(day=DAY, sections=(section.model_copy(update={"cards": (card,)}),)), TAXONOMY)
    assert "Caveat: Only *nine* estuaries" in pages.html
    assert "Caveat: Only \\*nine\\* estuaries" in pages.markdown
    assert "Caveat: Only *nine* estuaries" in pages.text
    assert all("Open weights" in page for page in (pages.html, pages.markdown, pages.text))


def test_abstracts_are_left_out_where_they_would_make_the_page_too_big(
    edition: Edition, pages: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "We count their breaths." in pages.html
    monkeypatch.setattr(page_module, "MAX_ABSTRACT_CHARACTERS", 100)
    assert "We count their breaths." not in render(edition, TAXONOMY).html


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.org",
        "https://",
        "https://a b",
        "//example.org",
        "https://example.org/\u202egpj",
        'https://example.org/"onclick',
        "https://[",
        "https://example.org/{x}",
    ],
)
def test_an_address_that_could_mislead_is_no_link(url: str) -> None:
    assert fields.safe_url(url) == ""


@example("- a")
@example("+ a")
@example("1. a")
@example("12) a")
@example("# a")
@example("> a")
@example("a &amp; b")
@example("---")
@given(_TEXT)
def test_markdown_shows_any_text_letter_for_letter(text: str) -> None:
    shown = visible(text)
    tokens = MarkdownIt("commonmark").parse(f"### {markdown(shown)}\n\n{markdown(shown)}\n")
    inlines = [token for token in tokens if token.type == "inline"]
    assert [token.type for token in tokens] == [
        *("heading_open", "inline", "heading_close"),
        *(("paragraph_open", "inline", "paragraph_close") if shown else ()),
    ]
    for inline in inlines[: None if shown else 0]:
        assert {child.type for child in inline.children or []} <= {"text", "text_special"}
        assert "".join(child.content for child in inline.children or []) == shown


@given(_TEXT.filter(visible), _TEXT.filter(visible), st.booleans())
def test_any_words_of_a_paper_stand_on_every_page_as_text_and_nothing_else(
    title: str, tldr: str, linked: bool
) -> None:
    assume(not fields.repeats_title(visible(tldr), title))
    said = annotation(tldr=TLDR).model_copy(update={"tldr": tldr})
    told = Paper(title=title, abstract=tldr, url="https://example.org/p" if linked else "")
    record = Record(paper=told, first_seen=DAY, source="jsonl", annotation=said)
    section = Section(id="graphs", title="Graphs", cards=(Card(record=record),))
    pages = render(Edition(day=DAY, sections=(section,)), TAXONOMY)
    tree = Tree(pages.html)
    assert tree.open == []
    shown = heading(title, record.id)
    assert tree.words["h3"] == [shown]
    assert visible(tldr) in tree.words["p"]
    assert tree.tags.count("a") == 2 + linked + 1  # skip link, contents, the paper, its code
    assert _headings(pages.markdown) == [shown]
    assert "".join((shown + visible(tldr)).split()) in "".join(pages.text.split())


@given(_TEXT)
def test_a_markdown_link_ends_where_its_address_does(rest: str) -> None:
    if url := fields.safe_url("https://example.org/" + rest):
        tokens = MarkdownIt("commonmark").parseInline(f"[x]({destination(url)}) y")[0].children or []
        assert [token.type for token in tokens] == ["link_open", "text", "link_close", "text"]


@given(_TEXT, st.integers(0, 8))
def test_wrapping_keeps_every_letter_and_every_line_narrow(text: str, indent: int) -> None:
    lines = wrapped(visible(text), indent=indent).split("\n")
    assert all(cell_len(line) <= COLUMNS or "://" in line for line in lines)
    assert "".join("".join(lines).split()) == "".join(visible(text).split())


@given(_TEXT | st.text())
def test_plain_text_is_one_line_of_visible_characters_and_stays_as_it_is(text: str) -> None:
    cleaned = visible(text)
    assert visible(cleaned) == cleaned
    assert all(character.isprintable() for character in cleaned)


@given(st.lists(st.text(min_size=1), unique=True, min_size=2, max_size=2))
def test_distinct_papers_have_distinct_anchors(ids: list[str]) -> None:
    one, other = map(anchor, ids)
    assert one != other
    assert re.fullmatch(r"p-[A-Za-z0-9._-]+", one)


def test_the_three_files_are_written_whole_and_only_where_they_change(
    pages: Rendered, tmp_path: Path
) -> None:
    page = write(pages, tmp_path / "out", Edition(day=DAY, sections=()))
    folder = tmp_path / "out" / "2026-01-05"
    assert page == folder / "index.html"
    assert {path.name for path in folder.iterdir()} == {"index.html", "index.md", "index.txt"}
    assert page.read_text(encoding="utf-8") == pages.html
    before = page.stat().st_ino, page.stat().st_mtime_ns
    write(pages, tmp_path / "out", Edition(day=DAY, sections=()))
    assert (page.stat().st_ino, page.stat().st_mtime_ns) == before
    write(Rendered(html="new", markdown="new", text="new"), tmp_path / "out", Edition(day=DAY, sections=()))
    assert page.read_text(encoding="utf-8") == "new"
    assert page.stat().st_ino != before[0]


def test_a_folder_that_cannot_be_written_is_one_sentence(pages: Rendered, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(
        UserError, match=r"^The edition cannot be written to .*; name another folder with --out\.$"
    ):
        write(pages, tmp_path / "file", Edition(day=DAY, sections=()))


def test_the_summary_stands_on_every_page(pages: Rendered) -> None:
    assert TLDR in pages.html
    assert TLDR in pages.markdown
    assert TLDR in " ".join(pages.text.split())


def test_the_page_is_in_the_language_of_its_summaries_and_labels_those_that_are_not(edition: Edition) -> None:
    chinese, english = render(edition, TAXONOMY, "zh").html, render(edition, TAXONOMY).html
    assert '<html lang="zh">' in chinese
    assert '<p class="sentence" dir="auto" lang="en">' in chinese
    assert '<html lang="en">' in english
    assert 'dir="auto" lang=' not in english
