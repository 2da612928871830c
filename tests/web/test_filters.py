"""Page, API, feed and command line let the same papers through as a plain reading of the filter does."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from datetime import date, timedelta
from html import unescape
from urllib.parse import urlencode

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from broadsheet.filter_words import as_query
from broadsheet.filters import Filter
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from broadsheet.web import facets
from broadsheet.web.asking import Asked
from broadsheet.web.choosing import choices
from broadsheet.web.facets import Counts, FacetIndex, bits
from brute_force import finds, matches
from in_process import broadsheet

DAY = date(2026, 1, 5)
PAPER = re.compile(r'<h[23] dir="auto"><a href="/p/([^"]+)">')


@pytest.fixture(scope="module")
def records(cache):
    with Store.open(cache) as store:
        return list(store.list(Filter()))


@pytest.fixture(scope="module")
def store(cache):
    with Store.open(cache, reading=True) as store:
        yield store


@pytest.fixture(scope="module")
def index(store):
    return FacetIndex.of(store)


TOPICS = ["large-language-models", "efficiency-and-systems", "robotics", "computer-vision", "unheard-of"]
KINDS = list(Prompts.load().taxonomy.contribution_ids[:4])
days = st.none() | st.dates(DAY - timedelta(days=1), DAY + timedelta(days=1))
filters = st.builds(
    Filter,
    tags=st.lists(st.sampled_from([*TOPICS, *KINDS]), max_size=3).map(tuple),
    match=st.sampled_from(["any", "all"]),
    without=st.lists(st.sampled_from([*TOPICS, *KINDS]), max_size=2).map(tuple),
    contribution=st.lists(st.sampled_from([*KINDS, "unheard-of"]), max_size=2).map(tuple),
    authors=st.lists(st.sampled_from(["Quay", "reed", "?"]), max_size=1).map(tuple),
    sources=st.lists(st.sampled_from(["sample", "SAMPLE", "hf"]), max_size=2).map(tuple),
    code=st.sampled_from([None, None, "available", "announced", "none"]),
    repository=st.sampled_from([None, None, True, False]),
    since=days,
    until=days,
    published_since=st.none() | st.just(DAY),
    fields=st.lists(st.sampled_from([("contribution", "METHOD"), ("code.status", "none")]), max_size=1).map(
        tuple
    ),
    words=st.sampled_from(["", "", "a", "model rob"]),
    search=st.sampled_from(["", "", "a", "attention", "model", "zebra", "+", "learning rob", "model -robot"]),
)


def plain(where, records):
    """The ids of the papers that pass, in the order of the cache."""
    rest = where.model_copy(update={"search": ""})
    return [record.id for record in records if matches(rest, record) and finds(where.search, record)]


def in_cache_order(ids, records):
    """The ids sorted, if they are ranked, as `plain` has them."""
    return [record.id for record in records if record.id in ids]


def query_of(where):
    return Asked.of(where).query()


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(where=filters)
def test_the_api_lists_what_a_plain_reading_of_its_query_does(client, records, where):
    answer = client.get(f"/api/papers?limit=100&{query_of(where)}").json()
    ids = [paper["id"] for paper in answer["papers"]]
    assert (in_cache_order(ids, records) if where.search else ids) == plain(where, records)
    assert answer["total"] == len(answer["papers"])


@settings(max_examples=300, deadline=None)
@given(where=filters)
def test_a_filter_goes_into_a_query_and_comes_back_from_it(where):
    asked = Asked.of(where)
    assert asked.filter == where
    again = {}
    for name, value in asked.pairs:
        again.setdefault(name, []).append(value)
    several = {"tag", "not", "contribution", "author", "source", "where"}
    given = {name: values if name in several else values[0] for name, values in again.items()}
    assert Asked.model_validate(given).filter == where


@settings(max_examples=150, deadline=None)
@given(where=filters)
def test_every_count_is_what_asking_for_its_value_finds(store, records, index, where):
    counts = index.counts(where, store)
    assert counts.total == len(plain(where, records))
    for tag in TOPICS[:2]:
        tags = (*where.tags, tag) if where.match == "all" else (tag,)
        asked = where.model_copy(update={"tags": tags})
        assert counts.by["tag"].get(tag, 0) == len(plain(asked, records))
    for kind in KINDS[:2]:
        asked = where.model_copy(update={"contribution": (kind,)})
        assert counts.by["contribution"].get(kind, 0) == len(plain(asked, records))
    asked = where.model_copy(update={"code": "available"})
    assert counts.by["code"].get("available", 0) == len(plain(asked, records))
    asked = where.model_copy(update={"sources": ("sample",)})
    assert counts.by["source"].get("sample", 0) == len(plain(asked, records))
    month = where.model_copy(update={"since": DAY.replace(day=1), "until": DAY.replace(day=31)})
    assert counts.by["month"].get("2026-01", 0) == len(plain(month, records))


@example(rows=[0, 159, 160], has_numpy=True, start=40)
@given(rows=st.lists(st.integers(0, 300)), has_numpy=st.booleans(), start=st.sampled_from([0, 40]))
def test_bits_hold_the_rows_that_they_were_made_of(rows, has_numpy, start):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facets, "can_count", lambda: has_numpy)
        held = bits(rows, range(start, 160))
    assert {row for row in range(400) if held >> row & 1} == {row for row in rows if start <= row < 160}


def test_facets_are_the_same_whether_read_at_once_or_in_parts(store, index, monkeypatch):
    monkeypatch.setattr("broadsheet.store.facets.ROWS_AT_ONCE", 7)
    assert len(list(store.facets.parts())) > 2
    assert FacetIndex.of(store) == index


def test_facets_are_the_same_without_numpy(store, index, monkeypatch):
    monkeypatch.setattr("broadsheet.store.facets.can_count", lambda: False)
    monkeypatch.setattr(facets, "can_count", lambda: False)
    assert FacetIndex.of(store) == index


def some_filters(count):
    dice = random.Random(11)
    for _ in range(count):
        yield Filter(
            tags=tuple(dice.sample(TOPICS[:4], dice.randint(0, 2))),
            match=dice.choice(["any", "all"]),
            without=tuple(dice.sample(KINDS, dice.randint(0, 1))),
            contribution=tuple(dice.sample(KINDS, dice.choice([0, 0, 1]))),
            code=dice.choice([None, None, "available", "none"]),
            sources=dice.choice([(), ("sample",)]),
            search=dice.choice(["", "", "model", "a way to make attention cheap"]),
        )


def test_page_feed_api_files_and_command_line_agree_on_fifty_filters(client, cache):
    seen = set()
    for where in some_filters(50):
        query = query_of(where)
        api = [paper["id"] for paper in client.get(f"/api/papers?limit=100&{query}").json()["papers"]]
        page = client.get(f"/papers?limit=100&{query}")
        assert [unescape(each) for each in PAPER.findall(page.text)] == api
        feed = client.get(f"/papers.json?{query}").json()
        assert {each["id"].partition("paper/")[2] for each in feed["items"]} == set(api)
        rows = list(csv.DictReader(io.StringIO(client.get(f"/papers.csv?{query}").text)))
        assert [row["title"] for row in rows] == [
            paper["title"] for paper in client.get(f"/api/papers?limit=100&{query}").json()["papers"]
        ]
        code, told = broadsheet("list", "--json", "--db", cache, *options(where))
        assert code == 0
        assert [json.loads(line)["id"] for line in told.splitlines()] == api
        seen.add(tuple(api))
    assert len(seen) > 15


def options(where):
    for name, values in (
        ("--tag", where.tags),
        ("--not", where.without),
        ("--contribution", where.contribution),
        ("--source", where.sources),
    ):
        for value in values:
            yield from (name, value)
    yield from ("--match", where.match)
    if where.code:
        yield from ("--code", where.code)
    if where.search:
        yield from ("--search", where.search)


def test_the_words_of_a_subscriber_s_filter_are_a_query_of_the_page(client, records):
    where = Filter(tags=("robotics",), authors=("Quay",), fields=(("contribution", "method"),), words="a")
    answer = client.get(f"/api/papers?limit=100&{as_query(where)}").json()
    assert [paper["id"] for paper in answer["papers"]] == plain(where, records)


def test_parquet_holds_the_records_of_the_api(client, tmp_path):
    answer = client.get("/papers.parquet?tag=method")
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    rows = pq.read_table(io.BytesIO(answer.content)).to_pylist()
    papers = client.get("/api/papers?tag=method&limit=100").json()["papers"]
    assert [row["id"] for row in rows] == [paper["id"] for paper in papers]
    assert [row["topics"] for row in rows] == [paper["topics"] for paper in papers]


def test_too_many_papers_for_a_file_are_refused_with_what_to_do(client, monkeypatch):
    monkeypatch.setattr("broadsheet.web.downloads.MOST_IN_CSV", 5)
    answer = client.get("/papers.csv")
    assert answer.status_code == 422
    assert "narrow the filter" in answer.text
    assert client.get("/papers.csv?q=zebra").text == ""


def test_a_day_a_week_and_a_month_list_their_papers_and_lead_to_their_neighbours(client, records):
    ids = [record.id for record in records if record.first_seen == DAY]
    for address in ("/day/2026-01-05", "/week/2026-W02", "/month/2026-01"):
        page = client.get(f"{address}?limit=100")
        assert [unescape(each) for each in PAPER.findall(page.text)] == ids
        assert f'action="{address}"' in page.text
    later = client.get("/day/2026-02-01").text
    assert 'rel="prev" href="/day/2026-01-05"' in later
    assert 'rel="prev" href="/month/2026-01"' in client.get("/month/2026-03").text
    assert 'rel="next" href="/week/2026-W02"' in client.get("/week/2025-W30").text
    assert "No paper passes" in later


def test_what_was_chosen_can_be_taken_back_one_by_one(client):
    query = urlencode([("tag", "robotics"), ("not", "survey"), ("author", "Quay"), ("q", "a")])
    page = client.get(f"/papers?{query}").text
    taken_back = [
        unescape(each) for each in re.findall(r'<li><a href="([^"]+)" rel="nofollow" aria-label', page)
    ]
    assert len(taken_back) == 4
    assert "/papers?not=survey&author=Quay&q=a" in taken_back
    assert "/papers?tag=robotics&author=Quay&q=a" in taken_back


@given(
    tags=st.lists(st.sampled_from(["robotics", "language", "a & b"]), unique=True),
    without=st.lists(st.sampled_from(["reasoning", "c+d"]), unique=True),
    q=st.sampled_from(["", "stripes of \0 herds", "without=%00"]),
)
def test_each_tag_is_left_out_by_the_query_string_that_asks_for_it(tags, without, q):
    asked = Asked(tag=tuple(tags), without=tuple(without), q=q, cursor="")
    counts = Counts(
        9, {facet: {} for facet in facets.FACETS} | {"tag": dict.fromkeys(("robotics", "a & b"), 3)}
    )
    groups = choices(asked, Prompts.load().taxonomy, counts).groups
    offered = [choice for group in groups if group.parameter == "tag" for choice in group.choices]
    assert {choice.value for choice in offered} >= {"robotics", "a & b"}
    for choice in offered:
        rest = tuple(tag for tag in tags if tag != choice.value)
        assert choice.without == asked.query(tag=rest, without=(*without, choice.value), cursor="")
