"""The pages list what the API lists, lead nowhere that does not answer, and say in a page what is wrong."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from urllib.parse import quote, urljoin, urlsplit

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet.config import Settings
from broadsheet.filters import Filter
from broadsheet.newsletter import Colours, Newsletter
from broadsheet.store import Store
from broadsheet.web import create_app
from broadsheet.web.addresses import ServedAddresses
from builders import DAY, add, annotate, annotation, paper, sighting

PAPER = re.compile(r'<h[23] dir="auto"><a href="/p/([^"]+)">')
LINK = re.compile(r'<(?!a rel="nofollow"|a class="minus"|form)[^>]*(?:href|src)="([^"]*)"')
"""A link but for those that a crawler is to leave alone: each leads to one more choice of filters."""
NAMES = ["q", "tag", "not", "from", "to", "code", "sort", "limit", "cursor", "match", "x"]


@pytest.fixture(scope="module")
def records(cache):
    with Store.open(cache) as store:
        return list(store.list(Filter()))


def listed(page):
    return [unescape(each) for each in PAPER.findall(page.text)]


def api(client, query):
    answer = client.get(f"/api/papers?{query}").json()
    return [paper["id"] for paper in answer["papers"]], answer["total"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=100",
        "tag=efficiency-and-systems&limit=100",
        "tag=efficiency-and-systems&tag=method&match=all&limit=100",
        "not=method&limit=100",
        "q=attention&limit=100",
        "code=1&limit=100",
        "sort=top&limit=100",
        "from=2026-01-06&limit=100",
        "q=no+such+word+anywhere&limit=100",
    ],
)
def test_page_api_and_both_feeds_list_the_same_papers_for_a_filter(client, query):
    ids, total = api(client, query)
    page = client.get(f"/papers?{query}")
    assert listed(page) == ids
    assert f"{total:,} paper" in page.text
    feed = client.get(f"/papers.json?{query}").json()
    assert {each["id"].partition("paper/")[2] for each in feed["items"]} == set(ids)
    atom = client.get(f"/papers.atom?{query}")
    assert atom.text.count("<entry>") == len(ids)
    assert atom.headers["content-type"].startswith("application/atom+xml")


def test_pages_of_a_list_follow_one_another_and_repeat_no_paper(client, records):
    seen, address = [], "/papers?limit=4"
    while address:
        page = client.get(address)
        seen += listed(page)
        turned = re.search(r'rel="next" href="([^"]+)"', page.text)
        address = urljoin(address, unescape(turned[1])) if turned else ""
    assert seen == [record.id for record in records]


def test_the_form_holds_what_was_asked_for(client):
    page = client.get('/papers?q="a%26b"&tag=method&not=survey&code=1&sort=top&from=2026-01-01').text
    assert 'value="&#34;a&amp;b&#34;"' in page
    assert 'name="tag" value="method" checked' in page
    assert 'type="hidden" name="not" value="survey"' in page
    assert 'name="code" value="available" checked' in page
    assert 'type="hidden" name="sort" value="top"' in page
    assert 'name="from" value="2026-01-01"' in page


def test_the_count_beside_a_tag_is_what_asking_for_it_finds(client):
    choices = re.findall(
        r'name="(\w+)" value="([^"]+)"[^>]*> <b>[^<]*</b> <span>(\d+)</span>',
        client.get("/papers?q=a&tag=method").text,
    )
    assert {name for name, *_ in choices} == {"tag", "contribution", "code", "source"}
    for name, value, papers in choices:
        also = "" if name == "tag" else "&tag=method"  # one of several tags is enough
        assert api(client, f"q=a{also}&{name}={value}")[1] == int(papers), value


def test_a_tag_s_page_is_the_list_of_the_tag(client, records):
    tag = next(record.annotation.topics[0] for record in records if record.annotation)
    page = client.get(f"/tag/{tag}?limit=100")
    assert listed(page) == api(client, f"tag={tag}&limit=100")[0]
    assert client.get("/tag/no-such-tag").status_code == 404


def test_home_is_the_latest_edition_and_each_edition_has_an_address(client):
    day = client.get("/api/editions").json()[0]
    home, edition = client.get("/"), client.get(f"/issue/{day}")
    assert f'<time datetime="{day}">' in home.text
    assert f'<time datetime="{day}">' in edition.text
    assert f'href="/issue/{day}"' in client.get("/archive").text
    assert client.get("/issue/1999-01-01").status_code == 404


def test_an_edition_has_the_colours_and_the_footer_of_its_newsletter(client, cache):
    day = client.get("/api/editions").json()[0]
    assert "colours-" not in client.get(f"/issue/{day}").text
    assert client.get("/assets/colours-daily.css").status_code == 404
    daily = Newsletter(colours=Colours(link="#123456"), footer="Made <here>.")
    with TestClient(create_app(Settings(db=cache, newsletter={"daily": daily}))) as coloured:
        page = coloured.get(f"/issue/{day}").text
        assert "<p>Made &lt;here&gt;.</p>" in page
        (sheet,) = re.findall(r'href="(/assets/colours-[^"]+)"', page)
        answer = coloured.get(sheet)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "--link: #123456" in answer.text


def test_a_paper_is_there_as_page_bibtex_markdown_and_json(client, records):
    for record in records[:5]:
        assert record.id in client.get(f"/p/{record.id}.json").json()["id"]
        assert client.get(f"/p/{record.id}.json").json() == client.get(f"/api/papers/{record.id}").json()
        assert client.get(f"/p/{record.id}.bib").text.startswith("@")
        assert client.get(f"/p/{record.id}.md").headers["content-type"].startswith("text/markdown")
        assert client.get(f"/p/{record.id}").text.count("<h1") == 1


def test_a_paper_s_title_leads_to_its_page(client, records):
    answer = client.get(f"/p/{records[0].title}", follow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["location"] == f"/p/{records[0].id}"


def test_every_link_on_every_page_answers(client):
    waiting, seen = ["/", "/papers?limit=10"], set()
    while waiting:
        address = waiting.pop().partition("#")[0]
        if address in seen:
            continue
        seen.add(address)
        answer = client.get(address)
        assert answer.status_code == 200, address
        if answer.headers["content-type"].startswith("text/html"):
            links = (
                urljoin(f"http://testserver{address}", unescape(each)) for each in LINK.findall(answer.text)
            )
            parts = [urlsplit(each) for each in links if each.startswith("http://testserver/")]
            waiting += [f"{each.path}?{each.query}" if each.query else each.path for each in parts]
    assert {"/archive", "/tags", "/papers", "/assets/site.css", "/assets/keys.js", "/papers.atom"} <= seen
    assert sum(each.startswith("/p/") for each in seen) >= 27


def test_pages_have_no_inline_script_or_style_and_load_nothing_from_elsewhere(client, records):
    for address in ("/", "/papers", "/month/2026-01", "/tags", "/archive", f"/p/{records[0].id}", "/nowhere"):
        page = client.get(address).text
        assert "<style" not in page
        assert not re.search(r"<script(?! src=\"/assets/)|\son\w+=\"|\sstyle=\"", page)
        loaded = re.findall(r'<(?:script|link rel="(?:stylesheet|icon)")[^>]*(?:src|href)="([^"]+)"', page)
        assert loaded
        assert all(each.startswith("/assets/") for each in loaded)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/nowhere", 404),
        ("/p/nothing-of-the-kind", 404),
        ("/papers?from=x", 422),
        ("/issue/soon", 422),
        ("/day/soon", 422),
        ("/week/2026-W54", 422),
        ("/month/2026-13", 422),
        ("/subscribe", 404),
        ("/papers?where=nothing", 422),
        ("/papers?where=nothing%3D1", 422),
        ("/papers?q=" + "x" * 5_000, 414),
    ],
)
def test_an_error_is_a_page_with_its_status_and_for_the_api_a_problem(client, address, status):
    answer = client.get(address)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>" in answer.text
    assert "content-security-policy" in answer.headers
    problem = client.get(f"/api{address}")
    assert problem.headers["content-type"] == "application/problem+json"


def test_words_of_a_query_are_never_markup(client):
    hostile = '"><script>alert(1)</script>'
    for address in ("/papers", "/papers.atom", "/tag/method"):
        page = client.get(address, params={"q": hostile, "tag": hostile, "not": hostile}).text
        assert "<script>alert" not in page
    assert "<script>alert" not in client.get(f"/p/{hostile}").text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    st.sampled_from(["/papers", "/papers.atom", "/papers.json", "/tag/method", "/"]),
    st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=20)), max_size=6),
)
def test_no_query_string_breaks_a_page(client, address, query):
    assert client.get(address, params=query).status_code in {200, 422}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    st.sampled_from(["p", "tag", "issue", "assets"]),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
)
def test_no_path_breaks_a_page(client, folder, name):
    assert client.get(f"/{folder}/{quote(name, safe='')}").status_code in {200, 404, 422}


def test_trends_are_there_once_there_are_weeks_to_compare(client, tmp_path):
    assert client.get("/trends").status_code == 404
    assert 'href="/trends"' not in client.get("/tags").text
    assert client.get("/api/trends").json()["tags"] == []
    with Store.open(tmp_path / "weeks.db") as store:
        for week in range(3):
            for number in range(10):
                day = DAY + timedelta(weeks=week)
                new = paper(f"Kelp {week}.{number}", sighting=sighting(day))
                add(store, new)
                topic = "robotics" if week == 2 else "graphs"
                annotate(store, new, said=annotation(topics=(topic,)))
    with TestClient(create_app(Settings(db=tmp_path / "weeks.db"))) as later:
        page = later.get("/trends").text
        assert 'aria-current="page">Trends' in page
        assert 'href="/tag/robotics"' in page
        assert [each["name"] for each in later.get("/api/trends").json()["tags"]] == ["robotics"]


def test_a_tag_with_any_sign_leads_to_its_page(client):
    to = ServedAddresses({"a/b ü"})
    assert to.tag("a/b ü") == "/tag/a%2Fb%20%C3%BC"
    assert to.tag("a/b") == ""


def test_crawlers_are_asked_to_leave_filters_and_readers_links_alone(client):
    rules = client.get("/robots.txt").text.splitlines()
    assert rules[0] == "User-agent: *"
    assert {"Disallow: /papers?", "Disallow: /unsubscribe/"} <= set(rules)
    assert not any("/p/".startswith(rule.removeprefix("Disallow: ")) for rule in rules[1:])


def test_an_address_with_nothing_at_it_says_so_in_a_sentence(client):
    assert "<p>There is nothing at this address.</p>" in client.get("/nosuch").text
    assert client.get("/api/nosuch").json()["detail"] == "There is nothing at this address."
