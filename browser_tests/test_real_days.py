"""The site of six weeks of real days, where ``BROADSHEET_SHARED`` says that there are such."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from looking import opened, published, violations
from playwright.sync_api import Browser, Page, expect

from broadsheet.annotation import Annotation
from broadsheet.compose import compose
from broadsheet.llm.extractive import extract
from broadsheet.paper import Paper, Sighting
from broadsheet.record import Maker
from broadsheet.site import Publication, write_site
from broadsheet.store import Store
from editions import TAXONOMY

DAYS = sorted((Path(os.environ.get("BROADSHEET_SHARED", "nowhere")) / "arxiv").glob("*.jsonl"))
pytestmark = [
    pytest.mark.skipif(not DAYS, reason="BROADSHEET_SHARED names no folder with real days"),
    pytest.mark.timeout(1_800),  # the first test makes a site of thousands of pages
]
MAKER = Maker("extractive", "rules", "test", "test")


def _papers(path: Path) -> Iterator[Paper]:
    for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        yield Paper(
            title=" ".join(row["title"].split()),
            abstract=" ".join(row["summary"].split()),
            authors=tuple(row["authors"]),
            arxiv_id=row["id"],
            url=f"https://arxiv.org/abs/{row['id']}",
        )


def _compose(store: Store, path: Path) -> None:
    day = date.fromisoformat(path.stem)
    with store.transaction():
        for rank, paper in enumerate(_papers(path), start=1):
            if store.papers.by_id(paper.id) is None:
                said = Annotation.model_validate(extract(paper, TAXONOMY), context={"taxonomy": TAXONOMY})
                store.papers.add(paper, day)
                store.papers.sight(paper.id, Sighting(source="arxiv", origin="cs", day=day, rank=rank))
                store.annotations.keep(paper, MAKER, said)
    compose(store, day, taxonomy=TAXONOMY)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site."""
    root = tmp_path_factory.mktemp("real")
    with Store.open(root / "broadsheet.db") as store:
        for path in DAYS:
            _compose(store, path)
        write_site(store, TAXONOMY, root / "www", Publication())
    return root / "www"


def _walk(page: Page, base: str) -> Iterator[str]:
    """Open one page of each kind, each by a link of another, and yield what it is."""
    page.goto(f"{base}index.html")
    yield "an edition"
    for place in ("Trends", "Tags", "Archive"):
        page.get_by_role("link", name=place, exact=True).first.click()
        yield place
    page.locator("main a").last.click()
    yield "the first edition"
    page.get_by_role("link", name="permalink").first.click()
    yield "a paper"


@pytest.mark.parametrize("served", [False, True], ids=["file", "http"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_six_weeks_read_well_ask_nobody_else_and_report_no_error(
    browser: Browser, real: Path, served: bool, scheme: str
) -> None:
    with published(real, served=served) as base, opened(browser, color_scheme=scheme) as (page, wrong):
        for place in _walk(page, base):
            for width in (320, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (place, width)
                assert violations(page) == [], (place, width)
    assert wrong == []


@pytest.mark.parametrize("served", [False, True], ids=["file", "http"])
def test_search_over_six_weeks_finds(browser: Browser, real: Path, served: bool) -> None:
    with published(real, served=served) as base, opened(browser) as (page, wrong):
        page.goto(f"{base}search.html")
        page.get_by_role("searchbox").fill("diffusion")
        # The latest 5,000 are read at first, and the older ones when one asks for them.
        page.get_by_role("button", name="older papers too").click(timeout=60_000)
        found = re.compile(r"^[1-9][\d,]* of [\d,]+ papers\.$")
        expect(page.get_by_role("status")).to_have_text(found, timeout=60_000)
        expect(page.locator("#found article").first).to_be_visible()
    assert wrong == []


def test_six_weeks_are_read_without_javascript(browser: Browser, real: Path) -> None:
    with (
        published(real, served=True) as base,
        opened(browser, java_script_enabled=False) as (page, wrong),
    ):
        assert [page.get_by_role("heading", level=1).is_visible() for _ in _walk(page, base)] == [True] * 6
    assert wrong == []
