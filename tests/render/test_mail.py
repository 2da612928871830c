"""A mail of an edition: its size, its lines, its subject, and nothing in it that a mailbox would not show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from broadsheet.compose import compose
from broadsheet.deliver.selection import restricted
from broadsheet.edition import Edition
from broadsheet.newsletter import Colours, Newsletter
from broadsheet.render.mail import (
    MOST_BYTES,
    MailParts,
    Postmark,
    _largest,
    render_confirmation,
    render_mail,
)
from broadsheet.render.page import KnownCards, Page
from broadsheet.store import Store
from builders import DAY, add, annotate, annotation, paper
from editions import HOSTILE, TAXONOMY, small_edition

MARK = Postmark(
    title="Broadsheet",
    rhythm="daily",
    wanted="tagged Graphs",
    unsubscribe="https://lists.example.org/unsubscribe/x",
    preferences="https://lists.example.org/preferences/x",
    web="https://lists.example.org/issue/2026-01-05.html",
)


class Seen(HTMLParser):
    """What stands in a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edition]:
    store, made = small_edition(tmp_path_factory.mktemp("mail") / "cache.db")
    with store:
        yield made


@pytest.fixture(scope="module")
def parts(edition: Edition) -> MailParts:
    return render_mail(edition, TAXONOMY, MARK)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> MailParts:
    """A day of 420 papers with long summaries, which do not fit."""
    with Store.open(tmp_path_factory.mktemp("large") / "cache.db") as store:
        for number in range(420):
            one = paper(f"Estuary {number}: " + "Tidal Flats " * 6, url=f"https://example.org/{number}")
            add(store, one)
            annotate(store, one, said=annotation(tldr="It measures wonderful tides & flats. " * 5))
        made = compose(store, DAY, taxonomy=TAXONOMY).edition
        assert made is not None
        return render_mail(made, TAXONOMY, MARK)


def test_it_holds_no_script_form_picture_variable_or_anything_from_elsewhere(parts: MailParts) -> None:
    seen = Seen(parts.html)
    forbidden = {"script", "form", "img", "link", "iframe", "object", "details", "svg", "input", "video"}
    assert not forbidden & set(seen.tags)
    assert not any(name.startswith("on") or name in {"src", "background"} for name, _ in seen.attributes)
    assert "var(" not in parts.html
    assert "url(" not in parts.html
    assert "@import" not in parts.html


def test_every_layout_table_says_that_it_is_one(parts: MailParts) -> None:
    assert parts.html.count("<table") == parts.html.count('role="presentation"') > 0


def test_every_link_is_one_that_is_stored_or_belongs_to_the_mail(edition: Edition, parts: MailParts) -> None:
    known = {MARK.unsubscribe, MARK.preferences, MARK.web}
    for card in edition.cards:
        known |= {
            card.record.paper.url,
            *(card.record.annotation.code.urls if card.record.annotation else ()),
        }
    links = {value for name, value in Seen(parts.html).attributes if name == "href"}
    assert links <= known
    assert {MARK.unsubscribe, MARK.preferences} <= links


def test_hostile_words_are_shown_letter_for_letter(parts: MailParts) -> None:
    assert HOSTILE in " ".join("".join(Seen(parts.html).words).split())
    assert "<b>" not in parts.html
    assert HOSTILE in " ".join(parts.text.split())
    assert not re.search("[\u202e\u200b\x07]", parts.html + parts.text)


def test_mail_has_the_papers_order_and_counts_of_the_page(edition: Edition, parts: MailParts) -> None:
    page = Page.of(edition, TAXONOMY)
    headings = [" ".join(card.heading.split()) for section in page.sections for card in section.cards]
    assert len(headings) == len(edition.cards)
    for words in ("".join(Seen(parts.html).words), parts.text):
        shown = " ".join(words.split())
        places = [shown.rfind(heading) for heading in headings]  # picks name some of them before
        assert -1 not in places
        assert places == sorted(places)
        assert page.extent in shown
        assert page.code in shown


def test_dark_colours_are_kept_beside_the_inlined_ones(parts: MailParts) -> None:
    assert "@media (prefers-color-scheme: dark)" in parts.html
    assert 'style="' in parts.html


def test_a_mail_has_the_colours_and_the_words_of_its_newsletter(edition: Edition) -> None:
    colours = Colours(accent="#064e3b", link="#1d4ed8", ink_dark="#fefefe")
    look = Newsletter(title="Tides", logo="THE TIDES <b>", footer="Made on the *pier*.", colours=colours)
    parts = render_mail(edition, TAXONOMY, MARK, newsletter=look)
    words = Seen(parts.html).words
    assert "THE TIDES <b>" in words
    assert "Made on the *pier*." in words
    assert all(colour in parts.html for colour in ("#064e3b", "#1d4ed8", "#fefefe"))
    assert "#9a3412" not in parts.html
    assert parts.text.startswith("THE TIDES <B>\n")
    assert "Made on the *pier*." in parts.text


def test_subject_and_preheader_have_the_lengths_that_mailboxes_show(
    parts: MailParts, large: MailParts
) -> None:
    for each in (parts, large):
        assert 0 < len(each.subject) <= 60
        assert 40 <= len(each.preheader) <= 90
        assert each.subject != each.preheader
        assert each.preheader in "".join(Seen(each.html).words)


def test_text_has_76_columns_but_for_addresses(parts: MailParts, large: MailParts) -> None:
    for each in (parts, large):
        lines = each.text.splitlines()
        assert [line for line in lines if cell_len(line) > 76 and "https://" not in line] == []


def test_a_day_that_is_too_long_stays_below_90_000_bytes_and_names_what_it_can(large: MailParts) -> None:
    assert MOST_BYTES * 0.9 < len(large.html.encode()) <= MOST_BYTES
    assert MARK.unsubscribe in large.html
    left = re.search(r"([\d,]+) more papers on the web", large.html)
    assert left is not None
    named = len(set(re.findall(r"https://example\.org/(\d+)", large.html)))
    assert named + int(left[1]) == 420
    assert set(re.findall(r"https://example\.org/(\d+)", large.text)) == set(
        re.findall(r"https://example\.org/(\d+)", large.html)
    )


@given(st.lists(st.integers(1, 4_000), max_size=150), st.integers(0, 100_000))
def test_as_many_fit_as_leave_hardly_any_room(sizes: list[int], first: int) -> None:
    def size(count: int) -> int:
        return first + sum(sizes[:count])

    found = _largest(size, len(sizes))
    assert size(found) <= MOST_BYTES or found == 0
    assert found == len(sizes) or size(found) >= MOST_BYTES * 0.98 or size(found + 1) > MOST_BYTES


def test_cards_that_another_mail_had_in_words_are_said_the_same(edition: Edition) -> None:
    known: KnownCards = {}
    by_rules = {
        card.record.id
        for card in edition.cards
        if card.record.provenance and card.record.provenance.engine == "extractive"
    }
    others = restricted(edition, by_rules)  # here rules are the usual makers, and no card says so any more
    assert others is not None
    for each in (edition, others):
        assert render_mail(each, TAXONOMY, MARK, known=known) == render_mail(each, TAXONOMY, MARK)
    assert len(known) >= len(edition.cards)


def test_a_hundred_papers_with_long_abstracts_are_all_named(tmp_path: Path) -> None:
    with Store.open(tmp_path / "cache.db") as store:
        for number in range(100):
            one = paper(
                f"Estuary {number}", abstract="Tides rise. " * 300, url=f"https://example.org/{number}"
            )
            add(store, one)
            annotate(store, one, said=annotation(code="none"))
        made = compose(store, DAY, taxonomy=TAXONOMY).edition
        assert made is not None
        html = render_mail(made, TAXONOMY, MARK).html
    assert len(html.encode()) <= MOST_BYTES
    assert set(re.findall(r"https://example\.org/(\d+)", html)) == {str(number) for number in range(100)}


def test_rendering_is_a_pure_function(edition: Edition, parts: MailParts) -> None:
    assert render_mail(edition, TAXONOMY, MARK) == parts


def test_a_confirmation_says_what_it_is_for_in_short_lines() -> None:
    text = render_confirmation("Daily\nPapers", "tagged " + "Graphs or " * 20, "weekly", MARK.unsubscribe)
    assert MARK.unsubscribe in text.splitlines()
    assert all(len(line) <= 76 for line in text.splitlines() if "https" not in line)
    assert "48 hours" in text
