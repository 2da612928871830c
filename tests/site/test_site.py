"""The static site: every link leads somewhere, a run writes what changed, a kill leaves whole files."""

from __future__ import annotations

import re
import signal
import struct
import sys
import zlib
from collections.abc import Iterator
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, join, normpath
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

import warm_start
from broadsheet.compose import compose
from broadsheet.config import Settings
from broadsheet.errors import NotFoundError, UserError
from broadsheet.filters import Filter
from broadsheet.newsletter import Colours, Newsletter
from broadsheet.render.addresses import slug
from broadsheet.site import Publication, SiteReport, write_site
from broadsheet.site.layout import paper_path, tag_path
from broadsheet.site.manifest import NAME
from broadsheet.site.picture import drawn
from broadsheet.site.tags import TagPages, closed_pages, newest, numbered
from broadsheet.store import Store
from builders import DAY, add, annotate, annotation, maker, paper, sighting
from commands import _SOURCE
from editions import TAXONOMY, small_edition

BASE = "https://example.org/papers/"
PUBLISHED = Publication(title="Broadsheet", base=BASE, domain="example.org")


class Links(HTMLParser):
    """Where a page leads, what it loads, and what a strict policy forbids."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.ids: list[str] = []
        self.forbidden: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids += [given["id"]] if "id" in given else []
        self.forbidden += [name for name in given if name.startswith("on") or name == "style"]
        self.forbidden += [tag] if tag == "style" or (tag == "script" and "src" not in given) else []
        if tag in {"script", "img", "iframe"} or (
            tag == "link" and given.get("rel") in {"stylesheet", "icon"}
        ):
            self.loaded.append(given.get("src") or given["href"])
        elif "href" in given and given.get("rel") != "canonical":
            self.targets.append(given["href"])


def site_of(store: Store, out: Path, **more: object) -> SiteReport:
    return write_site(store, TAXONOMY, out, PUBLISHED, **more)  # type: ignore[arg-type]


def pages(out: Path) -> Iterator[tuple[str, Links]]:
    for file in sorted(out.rglob("*.html")):
        yield file.relative_to(out).as_posix(), Links(file.read_text(encoding="utf-8"))


def contents(out: Path) -> dict[str, bytes]:
    return {
        file.relative_to(out).as_posix(): file.read_bytes()
        for file in out.rglob("*")
        if file.is_file() and file.name != NAME
    }


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Eight papers of a day, everything a page can show among them, in one edition."""
    store, _ = small_edition(tmp_path / "broadsheet.db")
    with store:
        yield store


def next_day(store: Store, title: str = "Kelp Clocks", days: int = 1) -> str:
    """A paper of a later day and its edition; returns its id."""
    day = DAY + timedelta(days=days)
    new = paper(title, abstract="Kelp grows by the clock. We read it.", sighting=sighting(day))
    add(store, new)
    annotate(store, new, said=annotation(topics=("language",), code="none", keywords=("kelp",)))
    compose(store, day, taxonomy=TAXONOMY)
    return new.id


def test_every_link_leads_to_a_file_and_every_anchor_exists(store: Store, tmp_path: Path) -> None:
    next_day(store)
    site_of(store, tmp_path / "site")
    found = dict(pages(tmp_path / "site"))
    assert {"index.html", "archive.html", "tags.html", "search.html", "issue/2026-01-05.html"} <= found.keys()
    for path, page in found.items():
        assert len(page.ids) == len(set(page.ids)), path
        for target in (*page.targets, *page.loaded):
            parts = urlsplit(target)
            if parts.scheme:
                continue
            file = normpath(join(dirname(path), unquote(parts.path))) if parts.path else path
            assert (tmp_path / "site" / file).is_file(), f"{path} leads to {target}"
            if parts.fragment:
                assert parts.fragment in found[file].ids, f"{path} leads to {target}"


def test_every_page_is_in_the_sitemap_once_and_every_address_there_is_a_page(
    store: Store, tmp_path: Path
) -> None:
    site_of(store, tmp_path / "site")
    names = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}

    def locations(file: str) -> list[str]:
        tree = ET.parse(tmp_path / "site" / file)
        return [each.text or "" for each in tree.iterfind(".//s:loc", names)]

    maps = [address.removeprefix(BASE) for address in locations("sitemap.xml")]
    listed = [address.removeprefix(BASE) or "index.html" for name in maps for address in locations(name)]
    assert sorted(unquote(re.sub(r"/$", "/index.html", path)) for path in listed) == [
        path for path, _ in pages(tmp_path / "site")
    ]


def test_a_page_has_no_script_or_style_of_its_own_and_loads_nothing_from_elsewhere(
    store: Store, tmp_path: Path
) -> None:
    site_of(store, tmp_path / "site")
    for path, page in pages(tmp_path / "site"):
        assert not page.forbidden, path
        assert not [target for target in page.loaded if urlsplit(target).netloc], path
        assert not [target for target in page.targets if urlsplit(target).scheme not in {"", "http", "https"}]


def test_without_a_public_address_there_is_nothing_that_needs_one(store: Store, tmp_path: Path) -> None:
    write_site(store, TAXONOMY, tmp_path / "site", Publication())
    assert not [path for path in contents(tmp_path / "site") if path.endswith((".xml", ".atom", ".json"))]
    assert "canonical" not in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


def test_a_newsletter_is_called_by_its_title(store: Store, tmp_path: Path) -> None:
    graphs = Newsletter(name="graphs", title="Graphs <weekly>", filter=Filter(tags=("graphs",)))
    assert compose(store, DAY, taxonomy=TAXONOMY, newsletter=graphs).edition is not None
    settings = Settings(site_url=BASE, newsletter={"daily": Newsletter(), "graphs": graphs})
    write_site(store, TAXONOMY, tmp_path / "site", Publication.of(settings))
    made = contents(tmp_path / "site")
    edition, feed = f"issue/graphs/{DAY}.html", "issue/graphs/feed.atom"
    assert all(b"Graphs &lt;weekly&gt;" in made[path] for path in ("archive.html", edition, feed))


def test_a_newsletters_pages_have_its_colours_and_footer_and_no_others_do(
    store: Store, tmp_path: Path
) -> None:
    look = Colours(link="#123456", ink_dark="#fedcba")
    graphs = Newsletter(name="graphs", filter=Filter(tags=("graphs",)), colours=look, footer="Made <here>.")
    assert compose(store, DAY, taxonomy=TAXONOMY, newsletter=graphs).edition is not None
    settings = Settings(site_url=BASE, newsletter={"daily": Newsletter(), "graphs": graphs})
    write_site(store, TAXONOMY, tmp_path / "site", Publication.of(settings))
    made = contents(tmp_path / "site")
    sheet = made["assets/colours-graphs.css"]
    assert sheet.index(b"#123456") < sheet.index(b"prefers-color-scheme: dark") < sheet.index(b"#fedcba")
    page = made.pop(f"issue/graphs/{DAY}.html")
    assert b'href="../../assets/colours-graphs.css"' in page
    assert b"Made &lt;here&gt;." in page
    html = [content for path, content in made.items() if path.endswith(".html")]
    assert html
    assert not any(b"colours-" in content or b"Made &lt;here" in content for content in html)


def test_a_newsletters_new_look_makes_its_own_pages_anew_and_a_new_filter_none(
    store: Store, tmp_path: Path
) -> None:
    def made(newsletter: Newsletter) -> int:
        settings = Settings(site_url=BASE, newsletter={"daily": Newsletter(), "graphs": newsletter})
        progress: list[int] = []
        write_site(
            store,
            TAXONOMY,
            tmp_path / "site",
            Publication.of(settings),
            on_progress=lambda done, _: progress.append(done),
        )
        return len(progress)

    graphs = Newsletter(name="graphs", filter=Filter(tags=("graphs",)), colours=Colours(link="#123456"))
    assert compose(store, DAY, taxonomy=TAXONOMY, newsletter=graphs).edition is not None
    assert made(graphs) > 2
    assert made(graphs.model_copy(update={"filter": Filter(code="available"), "top": 3})) == 0
    bright = graphs.model_copy(update={"colours": Colours(link="#abcdef")})
    assert made(bright) == 2  # the edition and its stylesheet
    assert b"#abcdef" in contents(tmp_path / "site")["assets/colours-graphs.css"]
    assert made(bright.model_copy(update={"footer": "Goodbye.", "language": "de"})) == 1
    page = contents(tmp_path / "site")[f"issue/graphs/{DAY}.html"]
    assert b"Goodbye." in page
    assert b'<html lang="de">' in page


def test_a_second_run_writes_nothing(store: Store, tmp_path: Path) -> None:
    first = site_of(store, tmp_path / "site")
    before = {path: (tmp_path / "site" / path).stat().st_mtime_ns for path in contents(tmp_path / "site")}
    second = site_of(store, tmp_path / "site")
    assert first.written == first.files == second.files == len(before)
    assert (second.written, second.removed) == (0, 0)
    assert {path: (tmp_path / "site" / path).stat().st_mtime_ns for path in before} == before


def test_a_new_day_writes_its_own_pages_and_those_that_lead_to_it(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "site"
    site_of(store, out)
    before = contents(out)
    new = next_day(store)
    site_of(store, out)
    after = contents(out)
    tags = {f"tag/{tag}/{name}" for tag in ("language", "method") for name in ("index.html", "feed.atom")}
    assert {path for path in after if before.get(path) != after[path]} == {
        *tags,
        *(path.replace("index.html", "feed.json") for path in tags if path.endswith("index.html")),
        paper_path(new),
        "issue/2026-01-06.html",
        "issue/2026-01-05.html",  # it leads to the next
        "index.html",
        "archive.html",
        "tags.html",
        "search.html",
        "assets/shards/1.js",
        "feed.atom",
        "feed.json",
        "sitemap-pages.xml",
        "sitemap-papers-1.xml",
    }


def test_an_incremental_site_equals_one_made_anew(store: Store, tmp_path: Path) -> None:
    site_of(store, tmp_path / "site")
    next_day(store)
    annotate(store, paper("Salt Lines"), said=annotation(topics=("theory",), code="none"))
    with store.transaction():
        store.papers.remove(paper("Lantern: Night Vision for Ferries").id)
    site_of(store, tmp_path / "site")
    site_of(store, tmp_path / "anew")
    old, new = contents(tmp_path / "site"), contents(tmp_path / "anew")
    assert old.keys() == new.keys()
    # Related papers are looked for when a page is written, so only they may differ.
    assert [path for path in old if old[path] != new[path] and not path.startswith("p/")] == []


def test_a_removed_papers_page_goes_and_no_page_leads_to_it_any_more(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "site"
    site_of(store, out)
    gone = paper("Lantern: Night Vision for Ferries").id
    assert (out / paper_path(gone)).is_file()
    with store.transaction():
        store.papers.remove(gone)
    assert site_of(store, out).removed == 1
    assert not (out / paper_path(gone)).exists()
    assert not [path for path, page in pages(out) if any(slug(gone) in target for target in page.targets)]


def test_a_tag_that_no_paper_has_any_more_leaves_no_folder(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "site"
    site_of(store, out)
    assert (out / "tag" / "computer-vision").is_dir()
    for title in ("Gravel Net: Counting Pebbles", "Lantern: Night Vision for Ferries"):
        annotate(store, paper(title), said=annotation(topics=("theory",), code="none"))
    site_of(store, out)
    assert not (out / "tag" / "computer-vision").exists()


def test_a_merged_papers_page_leads_on_to_the_paper_that_it_became(store: Store, tmp_path: Path) -> None:
    kept, gone = paper("Salt Lines").id, paper("Lantern: Night Vision for Ferries").id
    with store.transaction():
        store.papers.merge(kept, gone)
    site_of(store, tmp_path / "site")
    page = Links((tmp_path / "site" / paper_path(gone)).read_text(encoding="utf-8"))
    assert f"../{paper_path(kept)}" in page.targets


def test_files_of_others_are_neither_touched_nor_overwritten(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "site"
    (out / "p").mkdir(parents=True)
    (out / "CNAME").write_text("example.org")
    (out / "p" / ".notes.123").write_text("mine")
    site_of(store, out)
    site_of(store, out, again=True)
    assert (out / "CNAME").read_text() == "example.org"
    assert (out / "p" / ".notes.123").read_text() == "mine"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.html").write_text("my page")
    with pytest.raises(UserError, match="was not made by this command"):
        site_of(store, tmp_path / "other")
    assert [file.name for file in (tmp_path / "other").iterdir()] == ["index.html"]


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1, "files": {"../../x": ""}}', '{"format": 9}'])
def test_a_damaged_manifest_is_one_sentence_and_deletes_nothing(
    store: Store, tmp_path: Path, text: str
) -> None:
    (tmp_path / "x").write_text("mine")
    (tmp_path / "a" / "site").mkdir(parents=True)
    (tmp_path / "a" / "site" / NAME).write_text(text)
    with pytest.raises(UserError, match="is damaged"):
        site_of(store, tmp_path / "a" / "site")
    assert (tmp_path / "x").exists()


_KILLED = """
import os, signal, sys
from pathlib import Path
import broadsheet.site.manifest as manifest
from broadsheet.cli import main

left, write = int(sys.argv.pop(1)), Path.write_bytes

def mortal(self, content):
    global left
    left -= 1
    if left < 0:
        write(self, content[: len(content) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    return write(self, content)

Path.write_bytes = mortal
main()
"""


@pytest.mark.parametrize("writes", [0, 1, 30])
def test_killed_half_way_it_leaves_whole_files_and_the_next_run_completes(
    store: Store, tmp_path: Path, writes: int
) -> None:
    words = ["site", "--db", tmp_path / "broadsheet.db", "--out", tmp_path / "site", "--url", BASE]
    killed = warm_start.Popen(
        [sys.executable, "-c", _KILLED, str(writes), *words], env={"PYTHONPATH": str(_SOURCE)}
    )
    assert killed.wait() == -signal.SIGKILL
    site_of(store, tmp_path / "whole")
    whole, half = contents(tmp_path / "whole"), contents(tmp_path / "site")
    assert all(whole[path] == half[path] for path in half if path in whole)
    site_of(store, tmp_path / "site")
    assert contents(tmp_path / "site") == whole


def test_a_file_that_was_deleted_by_hand_is_written_again(store: Store, tmp_path: Path) -> None:
    site_of(store, tmp_path / "site")
    (tmp_path / "site" / "tags.html").unlink()
    assert site_of(store, tmp_path / "site").written == 1


def test_without_an_edition_the_error_says_what_to_do(tmp_path: Path) -> None:
    with Store.open(tmp_path / "empty.db") as store, pytest.raises(NotFoundError, match="broadsheet run"):
        site_of(store, tmp_path / "site")


def test_the_feed_of_a_tag_has_the_papers_of_its_page_in_the_same_order(store: Store, tmp_path: Path) -> None:
    next_day(store)
    site_of(store, tmp_path / "site")
    for tag in store.records.tag_counts():
        page = Links((tmp_path / "site" / tag_path(tag)).read_text(encoding="utf-8"))
        shown = [target.removeprefix("../../") for target in page.targets if target.startswith("../../p/")]
        feed = feedparser.parse((tmp_path / "site" / "tag" / slug(tag) / "feed.atom").read_bytes())
        assert [entry.link.removeprefix(BASE) for entry in feed.entries] == shown


def test_the_feed_of_everything_has_the_latest_editions_in_page_order(store: Store, tmp_path: Path) -> None:
    new = next_day(store)
    site_of(store, tmp_path / "site")
    feed = feedparser.parse((tmp_path / "site" / "feed.atom").read_bytes())
    edition = store.editions.get(DAY)
    assert edition
    ids = [new, *(card.record.id for card in edition.cards)]
    assert [entry.link for entry in feed.entries] == [BASE + paper_path(paper_id) for paper_id in ids]


def test_what_the_browser_searches_is_every_paper_once(store: Store, tmp_path: Path) -> None:
    next_day(store)
    site_of(store, tmp_path / "site")
    shards = (tmp_path / "site" / "assets" / "shards").iterdir()
    found = [
        name for shard in shards for name in re.findall(r'^\["([^"]+)"', shard.read_text(), re.MULTILINE)
    ]
    assert sorted(found) == sorted(slug(record.id) for record in store.list())


@given(st.integers(0, 1_000), st.integers(0, 300))
def test_each_paper_is_on_one_page_of_a_tag_and_new_papers_leave_the_numbered_pages_as_they_are(
    papers: int, new: int
) -> None:
    ids = [str(number) for number in range(papers)]
    pages = [numbered(ids, number) for number in range(1, closed_pages(papers) + 1)]
    assert [each for page in reversed(pages) for each in page] == ids[len(newest(ids)) :]
    assert 50 <= len(newest(ids)) < 150 or papers == len(newest(ids))
    later = [f"new {number}" for number in range(new)] + ids
    assert [numbered(later, number) for number in range(1, len(pages) + 1)] == pages


@given(
    st.lists(
        st.text(max_size=300) | st.sampled_from(["..", ".", "a/b", "a_2f_b", "A", "10.1/(x)"]), unique=True
    )
)
def test_a_slug_is_one_safe_part_of_a_path_and_distinct_for_distinct_names(names: list[str]) -> None:
    slugs = [slug(name) for name in names if name]
    assert len(set(slugs)) == len(slugs)
    for each in slugs:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", each)
        assert ".." not in each
        assert len(each) < 200


def test_a_numbered_page_is_written_again_only_when_another_follows_it() -> None:
    def first_page(papers: int) -> str:
        ids = [str(number) for number in range(papers, 0, -1)]
        stamps = {paper_id: paper_id for paper_id in ids}
        site = SimpleNamespace(tagged={"graphs": ids}, stamps=stamps, fingerprint=lambda *parts: repr(parts))
        return TagPages(site).plan()[tag_path("graphs", 1)]  # type: ignore[arg-type]

    assert first_page(150) == first_page(249) != first_page(250) == first_page(349)


def test_a_days_pages_stay_put_when_later_days_come(store: Store, tmp_path: Path) -> None:
    for number in range(3):
        next_day(store, f"Kelp Clocks, Part {number}", days=1 + number)
    site_of(store, tmp_path / "site")
    middle = Links((tmp_path / "site" / "issue" / "2026-01-07.html").read_text(encoding="utf-8"))
    assert {"../issue/2026-01-06.html", "../issue/2026-01-08.html"} <= set(middle.targets)
    assert date(2026, 1, 8) in store.editions.days()


def test_a_summary_made_again_by_another_model_reaches_the_papers_page(store: Store, tmp_path: Path) -> None:
    site_of(store, tmp_path / "site")
    one = paper("Salt Lines")
    annotate(store, one, maker(model="model-b"), annotation(topics=("graphs",), code="none"))
    site_of(store, tmp_path / "site")
    assert "written by model-b" in (tmp_path / "site" / paper_path(one.id)).read_text(encoding="utf-8")


def test_a_link_to_any_page_is_shown_with_title_words_and_a_picture(store: Store, tmp_path: Path) -> None:
    site_of(store, tmp_path / "site")
    for path, _ in pages(tmp_path / "site"):
        page = (tmp_path / "site" / path).read_text(encoding="utf-8")
        told = dict(re.findall(r'<meta property="og:([a-z_:]+)" content="([^"]*)">', page))
        assert told["image"] == f"{BASE}assets/picture.png"
        assert (told["image:width"], told["image:height"]) == ("1200", "630")
        assert told["url"].startswith(BASE)
        assert told["title"]
        assert told["description"]
    content = (tmp_path / "site" / "assets" / "picture.png").read_bytes()
    assert content == drawn()
    assert len(content) < 10_000


def test_the_picture_is_a_png_of_the_size_that_the_pages_say() -> None:
    content, chunks = drawn(), {}
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    place = 8
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        chunks[kind] = content[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack(">I", content[place + 8 + length : place + 12 + length])
        assert checksum == zlib.crc32(kind + chunks[kind])
        place += 12 + length
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (1200, 630, 8, 3, 0, 0, 0)
    pixels = zlib.decompress(chunks[b"IDAT"])
    assert len(pixels) == 630 * 1201
    assert {pixels[row * 1201] for row in range(630)} == {0}
    assert set(pixels) == {0, 1, 2}


def test_the_picture_of_the_users_is_taken(store: Store, tmp_path: Path) -> None:
    own = tmp_path / "own" / "site" / "picture.png"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"\x89PNG mine")
    published = Publication(base=BASE, domain="example.org", templates=tmp_path / "own")
    write_site(store, TAXONOMY, tmp_path / "site", published)
    picture = tmp_path / "site" / "assets" / "picture.png"
    assert picture.read_bytes() == b"\x89PNG mine"
    own.write_bytes(b"\x89PNG another")
    write_site(store, TAXONOMY, tmp_path / "site", published)
    assert picture.read_bytes() == b"\x89PNG another"
