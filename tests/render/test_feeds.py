"""Feeds that a strict reader takes without a word, whose ids last."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.record import Provenance, Record
from broadsheet.render.feeds import Feed, FeedEntry, atom, entry_views, json_feed
from builders import DAY, annotation, paper
from editions import HOSTILE, TAXONOMY

NOW = datetime(2026, 1, 5, 9, 30, 0, 250_000, tzinfo=UTC)
_TEXT = st.text(
    st.sampled_from("<>&\"'\x00\x08\x0b\x1b\ufffe\uffff\u202e]") | st.characters(codec="utf-8"), max_size=40
)


def record(title: str, **fields: Any) -> Record:
    said = fields.pop("said", annotation())
    made = Provenance(engine="openai", model="model-a", prompt="p", annotated_at=NOW)
    one = paper(title, **{"id": title[:20] or "x", **fields}).model_copy(update={"sighting": None})
    return Record(paper=one, first_seen=DAY, source="jsonl", annotation=said, provenance=made)


def feed(*records: Record, **fields: Any) -> Feed:
    entries = [
        FeedEntry(each, f"https://example.org/p/{number}.html", NOW + timedelta(seconds=number), NOW)
        for number, each in enumerate(records)
    ]
    given = {
        "key": "feed",
        "domain": "example.org",
        "title": "Broadsheet",
        "publisher": "Broadsheet",
        "page_url": "https://example.org/",
        "feed_url": "https://example.org/feed.atom",
        "updated": NOW,
        "entries": entry_views(entries, "example.org", TAXONOMY.names),
    }
    return Feed(**{**given, **fields})


def parsed(made: Feed) -> Any:
    found = feedparser.parse(atom(made).encode())
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == "atom10"
    return found


@given(_TEXT, _TEXT, _TEXT)
def test_any_text_makes_a_well_formed_feed(title: str, abstract: str, author: str) -> None:
    made = feed(record(title or "x", abstract=abstract, authors=(author,), id="one"))
    assert len(parsed(made).entries) == 1
    assert json.loads(json_feed(made))["items"][0]["content_html"]


def test_both_formats_have_the_same_papers_in_the_same_order_with_their_whole_content() -> None:
    records = [record(f"Paper {number}", abstract=f"Abstract {number} & more.") for number in range(5)]
    one, other = (
        parsed(feed(*records)).entries,
        json.loads(json_feed(feed(*records)))["items"],
    )
    assert [entry.id for entry in one] == [item["id"] for item in other]
    assert [entry.content[0].value.strip() for entry in one] == [
        item["content_html"].strip() for item in other
    ]
    assert [entry.title for entry in one] == [item["title"] for item in other]
    assert "Abstract 3 &amp; more." in other[3]["content_html"]


def test_hostile_words_are_text_in_the_content_and_nothing_else() -> None:
    made = json.loads(json_feed(feed(record(HOSTILE, abstract="<script>alert(1)</script>"))))
    assert "<script" not in made["items"][0]["content_html"]
    assert "&lt;script&gt;" in made["items"][0]["content_html"]


def test_an_id_outlives_title_tags_version_and_host() -> None:
    before = record("A Title", id="2601.00001", version=1)
    after = record("Another Title", id="2601.00001", version=2, said=annotation(topics=("language",)))
    moved = feed(after, page_url="https://elsewhere.org/x/", feed_url="https://elsewhere.org/x/feed.atom")
    ids = {parsed(each).entries[0].id for each in (feed(before), feed(after), moved)}
    assert ids == {"tag:example.org,2026:paper/2601.00001"}


def test_each_paper_keeps_its_own_times_to_the_microsecond() -> None:
    made = json.loads(json_feed(feed(record("One"), record("Two"))))
    assert [item["date_published"] for item in made["items"]] == [
        "2026-01-05T09:30:00.250000+00:00",
        "2026-01-05T09:30:01.250000+00:00",
    ]


def test_a_feed_says_where_it_is_and_which_page_it_follows() -> None:
    links = {link.rel: link.href for link in parsed(feed(record("One"))).feed.links}
    assert links == {"self": "https://example.org/feed.atom", "alternate": "https://example.org/"}


@pytest.mark.skipif(not shutil.which("xmllint"), reason="xmllint is not installed")
def test_xmllint_finds_nothing_to_say() -> None:
    text = atom(feed(record(HOSTILE), record("Two")))
    subprocess.run(["xmllint", "--noout", "-"], input=text.encode(), check=True)
