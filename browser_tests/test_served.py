"""The server's pages as a reader meets them: with and without JavaScript, narrow and wide, light and dark."""

from __future__ import annotations

import re
import time

import pytest
from looking import Served, opened, violations
from playwright.sync_api import Browser, Page, expect

from broadsheet.reader_tokens import new_token
from broadsheet.store import Store
from broadsheet.subscribers import address_hash
from builders import paper

REVISED = paper("Salt Lines")
NARROW, WIDE = {"width": 360, "height": 800}, {"width": 1280, "height": 900}
PAGES = (
    "/",
    "/papers",
    "/papers?tag=graphs&tag=robotics&match=all&not=survey&author=Ada+Marsh&q=kelp&sort=top",
    "/papers?q=nothing-of-the-kind",
    "/tag/graphs",
    "/day/2026-01-06",
    "/week/2026-W02",
    "/month/2026-01",
    f"/p/{REVISED.id}",
    "/tags",
    "/archive",
    "/subscribe?tag=graphs",
    "/nowhere",
)
CONFIRM = re.compile(r"http://\S+(/confirm/[\w-]+)")


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without"])
def scripted(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def first_title(page: Page) -> str:
    return page.locator("article a").first.inner_text()


def open_filter(page: Page) -> None:
    summary = page.locator(".facets > summary")
    if summary.is_visible():
        summary.click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_and_nothing_overflows(
    browser: Browser, served: Served, path: str, scheme: str
) -> None:
    with opened(browser, color_scheme=scheme, viewport=NARROW) as (page, wrong):
        page.goto(served.url + path)
        for size in (NARROW, {"width": 768, "height": 900}, WIDE):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), size
            assert violations(page) == [], size
    assert [each for each in wrong if "404" not in each] == []


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["360", "1280"])
def test_one_filters_searches_turns_pages_and_shares_the_address(
    browser: Browser, served: Served, scripted: bool, size: dict[str, int]
) -> None:
    with opened(browser, java_script_enabled=scripted, viewport=size) as (page, wrong):
        page.goto(f"{served.url}/papers")
        total = page.get_by_role("status").inner_text()
        open_filter(page)
        page.get_by_role("checkbox", name=re.compile("Graphs")).check()
        if not scripted:
            page.get_by_role("button", name="Show papers").click()
        expect(page).to_have_url(re.compile("tag=graphs"))
        expect(page.get_by_role("status")).not_to_have_text(total)
        expect(page.get_by_role("link", name="Remove: Graphs")).to_be_visible()
        count = page.get_by_role("status").inner_text()
        first = first_title(page)
        page.get_by_role("searchbox").fill("kelp clock")
        if not scripted:
            page.get_by_role("searchbox").press("Enter")
        expect(page).to_have_url(re.compile(r"q=kelp"))
        expect(page.locator("article").first).to_contain_text("Kelp Clock")
        shared = page.url
        searched = page.get_by_role("status").inner_text()
        page.locator("article a").first.click()
        expect(page.get_by_role("heading", name="Abstract")).to_be_visible()
        page.go_back()
        expect(page.get_by_role("status")).to_have_text(searched)
        page.get_by_role("link", name=re.compile("Remove: “kelp")).click()
        expect(page.get_by_role("status")).to_have_text(count)
        assert first_title(page) == first
        page.goto("about:blank")
        page.goto(shared)
        expect(page.get_by_role("status")).to_have_text(searched)
        expect(page.get_by_role("searchbox")).to_have_value("kelp clock")
        page.goto(f"{served.url}/papers?author=Ada+Marsh")
        expect(page.get_by_role("status")).to_have_text("81 papers · 1 to 30")
        first = first_title(page)
        page.get_by_role("link", name="next page →").click()
        expect(page.get_by_role("status")).to_have_text("81 papers · 31 to 60")
        page.get_by_role("link", name="← previous page").click()
        assert first_title(page) == first
    assert [each for each in wrong if not each.startswith("about:")] == []


def test_a_list_changes_as_one_types_and_the_field_keeps_the_focus(browser: Browser, served: Served) -> None:
    with opened(browser) as (page, wrong):
        page.goto(f"{served.url}/papers")
        field = page.get_by_role("searchbox")
        field.press_sequentially("salt li", delay=20)
        expect(page).to_have_url(re.compile("q=salt"))
        expect(page.locator("article").first).to_contain_text("Salt Lines")
        expect(field).to_be_focused()
        field.press_sequentially('nes "zzzz')
        expect(page.locator("#list")).to_contain_text("No paper passes this filter")
    assert wrong == []


def test_what_was_ticked_keeps_the_focus_and_a_tag_can_be_left_out(browser: Browser, served: Served) -> None:
    with opened(browser, viewport=WIDE) as (page, wrong):
        page.goto(f"{served.url}/papers")
        box = page.get_by_role("checkbox", name=re.compile("Robotics"))
        box.press("Space")
        expect(page.get_by_role("link", name="Remove: Robotics")).to_be_visible()
        expect(page.get_by_role("checkbox", name=re.compile("Robotics"))).to_be_focused()
        page.get_by_role("link", name="Leave out Graphs").click()
        expect(page.get_by_role("link", name="Remove: not Graphs")).to_be_visible()
        page.get_by_role("searchbox").fill("kelp")
        expect(page).to_have_url(re.compile("tag=robotics.*not=graphs|not=graphs.*tag=robotics"))
    assert wrong == []


def test_keys_go_through_a_list(browser: Browser, served: Served) -> None:
    with opened(browser) as (page, wrong):
        page.goto(f"{served.url}/papers")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        expect(page.locator("article a").first).to_be_focused()
        title = first_title(page)
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_contain_text("next paper")
        page.keyboard.press("Escape")
        expect(page.locator("#keys")).to_have_count(0)
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        page.keyboard.type("j?")
        expect(page.get_by_role("searchbox")).to_have_value("j?")
        page.keyboard.press("Escape")
        page.goto(f"{served.url}/papers")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
    assert wrong == []


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["360", "1280"])
def test_one_reads_a_paper_and_copies_its_bibtex(
    browser: Browser, served: Served, size: dict[str, int]
) -> None:
    rights = ["clipboard-read", "clipboard-write"]
    with opened(browser, viewport=size, permissions=rights) as (page, wrong):
        page.goto(f"{served.url}/p/{REVISED.id}")
        expect(page.locator("mark")).to_contain_text("Our code is available at")
        expect(page.locator("del")).to_have_text("nine")
        expect(page.locator("ins")).to_have_text("ten")
        page.get_by_role("button", name="Copy BibTeX").click()
        expect(page.get_by_role("status")).to_have_text("BibTeX copied.")
        assert page.evaluate("navigator.clipboard.readText()") == page.locator("#bibtex-entry").inner_text()
        page.get_by_role("button", name="Copy the link to this page").click()
        expect(page.get_by_role("status")).to_have_text("Link copied.")
        assert page.evaluate("navigator.clipboard.readText()") == page.url
    assert wrong == []


def test_without_javascript_a_paper_shows_no_button_that_does_nothing(
    browser: Browser, served: Served
) -> None:
    with opened(browser, java_script_enabled=False) as (page, _):
        page.goto(f"{served.url}/p/{REVISED.id}")
        assert page.get_by_role("button").count() == 0
        expect(page.locator("#bibtex-entry")).to_contain_text("@misc")


def mailed(served: Served, address: str) -> str:
    """The path of the link in the confirmation, once it has come."""
    for _ in range(200):
        for received in served.mail.received:
            if received.recipients == (address,):
                found = CONFIRM.search(received.message.get_content())
                assert found
                return found[1]
        time.sleep(0.05)
    raise AssertionError("no mail came")


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["360", "1280"])
def test_one_subscribes_to_a_view_confirms_changes_it_and_leaves(
    browser: Browser, served: Served, scripted: bool, size: dict[str, int]
) -> None:
    address = f"reader-{scripted:d}-{size['width']}@example.org"
    with opened(browser, java_script_enabled=scripted, viewport=size) as (page, wrong):
        page.goto(f"{served.url}/papers?tag=graphs&not=survey")
        page.get_by_role("link", name="Mail me this view").click()
        expect(page.locator("header").nth(1)).to_contain_text("tagged Graphs")
        page.get_by_label("Your mail address").fill(address)
        page.get_by_label("weekly", exact=True).check()
        page.get_by_role("button", name="Subscribe").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Please look at your mail")
        assert violations(page) == [] if scripted else True
        page.goto(served.url + mailed(served, address))
        expect(page.locator("dl")).to_contain_text("weekly")
        page.get_by_role("button", name="Confirm").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are subscribed")
        token = reader_token(served, address)
        page.goto(f"{served.url}/preferences/{token}")
        page.get_by_label("monthly").check()
        page.get_by_label("Robotics").first.check()
        if scripted:
            assert violations(page) == []
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_contain_text("monthly")
        expect(page.get_by_label("Robotics").first).to_be_checked()
        page.get_by_role("link", name="Unsubscribe").click()
        page.get_by_role("button", name="Unsubscribe").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You have left")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") if scripted else True
    assert wrong == []


def reader_token(served: Served, address: str) -> str:
    """A token as a newsletter's links have it."""
    with Store.open(served.db) as store, store.transaction():
        return new_token(store, store.subscribers.find(address_hash(address))[0].id, "reader")


def test_no_page_sets_a_cookie_or_keeps_anything_in_the_browser(browser: Browser, served: Served) -> None:
    with opened(browser) as (page, _):
        for path in PAGES:
            page.goto(served.url + path)
        assert page.context.cookies() == []
        assert page.evaluate("localStorage.length + sessionStorage.length") == 0
