"""The site as a reader meets it: readable for everyone, alone with itself, and whole without JavaScript."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urljoin

import feedparser
import pytest
from judges import nu_errors
from looking import opened, violations
from playwright.sync_api import Browser, Page, expect

from broadsheet.render.addresses import slug
from builders import paper
from editions import HOSTILE

REVISED = paper("Salt Lines")
WIDTHS = (320, 375, 700, 1280)
PAGES = (
    "index.html",
    "issue/2026-01-05.html",
    "archive.html",
    "tags.html",
    "trends.html",
    "tag/method/index.html",
    "tag/method/1.html",
    f"p/{slug(REVISED.id)}.html",
    f"p/{slug(paper().id)}.html",
    f"p/{slug(paper(HOSTILE).id)}.html",
    "search.html?q=kelp",
)


def go(page: Page, address: str) -> None:
    page.goto(address)
    if "search.html" in address:
        expect(page.locator("#found article").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_and_nothing_overflows_at_any_width(
    browser: Browser, folder: Path, path: str, scheme: str
) -> None:
    with opened(browser, color_scheme=scheme) as (page, wrong):
        go(page, f"{(folder / 'papers').as_uri()}/{path}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
            assert violations(page) == [], width
    assert wrong == []


def test_axe_would_find_grey_on_white(browser: Browser, folder: Path) -> None:
    with opened(browser) as (page, _):
        go(page, f"{(folder / 'papers').as_uri()}/tags.html")
        page.evaluate("document.querySelectorAll('dd').forEach((each) => (each.style.color = '#a0a0a0'))")
        assert [each for each in violations(page) if each.startswith("color-contrast")]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_reports_no_error_and_asks_nobody_else(browser: Browser, base: str, path: str) -> None:
    with opened(browser) as (page, wrong):
        go(page, base + path)
    assert wrong == []


def test_search_finds_as_one_types_and_its_address_brings_the_view_back(browser: Browser, base: str) -> None:
    with opened(browser) as (page, wrong):
        page.goto(f"{base}search.html")
        page.get_by_role("searchbox").fill('kelp "depth 7" -robotics')
        expect(page.get_by_role("status")).to_have_text("5 of 424 papers.")
        first = page.locator("#found article a").first
        expect(first).to_contain_text("α-Tides")
        title = first.inner_text()
        expect(page).to_have_url(re.compile("q=kelp"))
        shared = page.url
        first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        page.go_back()
        expect(page.get_by_role("status")).to_have_text("5 of 424 papers.")
        page.goto("about:blank")
        page.goto(shared)
        expect(page.get_by_role("status")).to_have_text("5 of 424 papers.")
        page.get_by_role("searchbox").fill("zzzz")
        expect(page.get_by_role("status")).to_have_text("0 of 424 papers.")
    assert not [each for each in wrong if not each.startswith("about:")]


def test_the_best_match_comes_first_and_accents_do_not_matter(browser: Browser, base: str) -> None:
    with opened(browser) as (page, _):
        page.goto(f"{base}search.html?q=sandloom tidal")
        expect(page.locator("#found article a").first).to_contain_text("SandLoom")
        page.get_by_role("searchbox").fill("bela toth")
        expect(page.get_by_role("status")).to_have_text("417 of 424 papers.")


def test_hostile_words_do_nothing_in_search_results(browser: Browser, base: str) -> None:
    with opened(browser) as (page, wrong):
        go(page, f"{base}search.html?q=bold star")
        expect(page.locator("#found a").first).to_contain_text("<b>Bold</b>")
        assert page.locator("#found b, #found script").count() == 0
    assert wrong == []


def test_without_javascript_one_reads_every_page_and_search_says_what_it_needs(
    browser: Browser, base: str
) -> None:
    with opened(browser, java_script_enabled=False) as (page, wrong):
        page.goto(f"{base}index.html")
        page.get_by_role("link", name="← Sat 14 February").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Saturday, 14 February 2026")
        page.get_by_role("link", name="permalink").first.click()
        expect(page.get_by_role("heading", name="Abstract")).to_be_visible()
        page.get_by_role("link", name="Method").first.click()
        page.get_by_role("link", name="← older papers").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Method page 3")
        page.get_by_role("link", name="Search").click()
        expect(page.locator("noscript p")).to_contain_text("needs JavaScript")
        expect(page.locator("form")).to_be_hidden()
    assert wrong == []


def test_a_revised_papers_page_shows_what_changed(browser: Browser, base: str) -> None:
    with opened(browser) as (page, _):
        page.goto(f"{base}p/{slug(REVISED.id)}.html")
        expect(page.locator("del")).to_have_text("nine")
        expect(page.locator("ins")).to_have_text("ten")


def test_the_nu_checker_finds_no_error_on_any_page(folder: Path) -> None:
    assert nu_errors(folder / "papers") == ""


def test_feedparser_and_xmllint_take_every_feed_and_sitemap(folder: Path) -> None:
    feeds = sorted(folder.rglob("*.atom"))
    assert len(feeds) > 5
    for feed in feeds:
        assert not feedparser.parse(feed.read_bytes()).bozo
    if shutil.which("xmllint"):
        subprocess.run(["xmllint", "--noout", *feeds, *sorted(folder.rglob("*.xml"))], check=True)


def test_every_link_and_every_address_in_the_sitemap_answers(
    browser: Browser, folder: Path, base: str
) -> None:
    if not base.startswith("http"):
        pytest.skip("a file system answers nothing")
    with opened(browser) as (page, _):
        tried: set[str] = set()
        waiting = [base]
        while waiting:
            address = waiting.pop()
            if address in tried or not address.startswith(base):
                continue
            tried.add(address)
            answer = page.request.get(address)
            assert answer.ok, address
            if "html" in answer.headers["content-type"]:
                found = re.findall(r'<a [^>]*href="([^"#]+)', answer.text())
                waiting += [urljoin(address, target) for target in found]
        maps = (folder / "papers").glob("sitemap-*.xml")
        text = " ".join(path.read_text(encoding="utf-8") for path in maps)
        listed = {part.partition("</loc>")[0] for part in text.split("<loc>")[1:]}
        reached = {address.replace(base, "https://example.org/papers/") for address in tried}
        assert {address.removesuffix("index.html") for address in reached} >= listed
