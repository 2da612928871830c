"""An edition's page and its mail as a reader meets them, before those who judge pages."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from judges import not_shown_by_mail_programs, nu_errors
from looking import opened, violations
from playwright.sync_api import Browser

from broadsheet.compose import compose
from broadsheet.edition import Edition
from broadsheet.newsletter import Colours, Newsletter
from broadsheet.render import render
from broadsheet.render.mail import Postmark, render_mail
from broadsheet.store import Store
from builders import DAY, add, annotate, annotation, paper
from editions import HOSTILE, TAXONOMY, small_edition

WIDTHS = (320, 375, 700, 1280)
MARK = Postmark(
    title="Broadsheet",
    rhythm="daily",
    wanted="tagged Graphs",
    unsubscribe="https://lists.example.org/unsubscribe/" + "x" * 32,
    preferences="https://lists.example.org/preferences/" + "x" * 32,
    web="https://lists.example.org/issue/2026-01-05.html",
)
FILES = ("edition.html", "recoloured.html", "mail.html", "recoloured-mail.html", "long-mail.html")
NOT_EVERYWHERE = {
    "@media": "dark colours; the light ones stay without it",
    "<style> element": "it holds the dark colours alone: all others are inlined",
    "display:none": "the line that mailboxes list is shown at the top as well",
    "overflow": "the same",
    "role attribute": "layout tables are read as tables",
    "word-break": "a word wider than the screen is scrolled to",
    "<body> element": "the colours of the cell stand",
    "height property": "no height is set but those of lines",
    "text-decoration": "links keep their colour",
}
"""What some program does not show, and why the mail can do without."""


def large_edition(path: Path) -> Edition:
    """A day of 300 papers, of which a mail tells some in full, some by title, and some not at all."""
    with Store.open(path) as store:
        for number in range(300):
            one = paper(f"Estuary {number}: {HOSTILE}", url=f"https://example.org/{number}")
            add(store, one)
            annotate(store, one, said=annotation(tldr="It measures wonderful tides & flats. " * 5))
        made = compose(store, DAY, taxonomy=TAXONOMY).edition
        assert made is not None
        return made


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the files."""
    root = tmp_path_factory.mktemp("pages")
    store, small = small_edition(root / "cache.db")
    large = large_edition(root / "large.db")
    colours = Colours(accent="#064e3b", link="#1d4ed8", accent_dark="#6ee7b7", link_dark="#93c5fd")
    plain, green = (
        Newsletter(),
        Newsletter(title="Tides", logo="TIDES", footer="By the sea.", colours=colours),
    )
    with store:
        written = {
            "edition.html": render(small, TAXONOMY, newsletter=plain).html,
            "recoloured.html": render(small, TAXONOMY, newsletter=green).html,
            "mail.html": render_mail(small, TAXONOMY, MARK).html,
            "recoloured-mail.html": render_mail(small, TAXONOMY, MARK, newsletter=green).html,
            "long-mail.html": render_mail(large, TAXONOMY, MARK).html,
        }
    (root / "pages").mkdir()
    for name, html in written.items():
        (root / "pages" / name).write_text(html, encoding="utf-8")
    return root / "pages"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", FILES)
def test_axe_finds_nothing_nothing_overflows_and_nobody_else_is_asked(
    browser: Browser, pages: Path, name: str, scheme: str
) -> None:
    with opened(browser, color_scheme=scheme) as (page, wrong):
        page.goto((pages / name).as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
            assert violations(page) == [], width
    assert wrong == []


def test_the_nu_checker_finds_no_error(pages: Path) -> None:
    assert nu_errors(pages) == ""


@pytest.mark.parametrize("name", [name for name in FILES if "mail" in name])
def test_mail_uses_nothing_that_a_mail_program_needs_and_does_not_know(pages: Path, name: str) -> None:
    assert not_shown_by_mail_programs(pages / name).keys() <= NOT_EVERYWHERE.keys()


def test_mail_reads_in_the_same_order_without_its_styles(browser: Browser, pages: Path) -> None:
    with opened(browser) as (page, _):
        page.goto((pages / "mail.html").as_uri())
        page.evaluate("document.querySelectorAll('style').forEach((each) => each.remove())")
        page.evaluate("document.querySelectorAll('[style]').forEach((each) => each.removeAttribute('style'))")
        headings = page.locator("h1, h2, h3").evaluate_all("all => all.map((each) => each.tagName)")
        assert headings[0] == "H1"
        assert headings.count("H1") == 1
        levels = [int(name[1]) for name in headings]
        assert all(now - before <= 1 for before, now in pairwise(levels))
