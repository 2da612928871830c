"""The API answers with the records of the command line, or says in a problem's body why not."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet.config import Settings
from broadsheet.errors import StoreError
from broadsheet.filters import Filter
from broadsheet.store import Store
from broadsheet.web import create_app
from broadsheet.web.asking import read_cursor, write_cursor
from broadsheet.web.guards import Guard
from broadsheet.web.keeping import Kept
from builders import add, paper

A, B = {"origin": "https://a.example"}, {"origin": "https://b.example"}


@pytest.fixture
def records(cache):
    with Store.open(cache) as store:
        return [record.as_dict(store.annotation) for record in store.list(Filter())]


def test_papers_are_the_records_of_list(client, records):
    answer = client.get("/api/papers", params={"limit": 100}).json()
    assert answer == {"papers": records, "total": len(records), "next": None}


def test_pages_follow_one_another_by_their_cursors_and_repeat_no_paper(client, records):
    seen, cursor = [], ""
    while cursor is not None:
        answer = client.get("/api/papers", params={"limit": 4, "cursor": cursor}).json()
        seen += [paper["id"] for paper in answer["papers"]]
        cursor = answer["next"]
    assert seen == [record["id"] for record in records]


def test_filters_pass_the_papers_that_they_name(client, records):
    tag = records[0]["topics"][0]
    tagged = client.get("/api/papers", params={"tag": tag, "limit": 100}).json()["papers"]
    assert [each["id"] for each in tagged] == [each["id"] for each in records if tag in each["topics"]]
    others = client.get("/api/papers", params={"not": tag, "limit": 100}).json()["papers"]
    assert {each["id"] for each in others} == {each["id"] for each in records if tag not in each["topics"]}
    with_code = client.get("/api/papers", params={"code": "1", "limit": 100}).json()["papers"]
    assert {each["id"] for each in with_code} == {
        each["id"] for each in records if each["code"]["status"] == "available"
    }


def test_a_form_that_was_left_empty_filters_nothing(client, records):
    empty = "/api/papers?q=&from=&to=&code=&sort=&limit=100"
    assert client.get(empty).json()["total"] == len(records)


def test_a_paper_is_found_by_id_address_and_title(client, records):
    record = records[0]
    for name in (record["id"], record["url"], record["title"]):
        if name:
            assert client.get(f"/api/papers/{name}").json() == record


def test_what_is_not_there_is_a_problem_with_404(client):
    for path in ("/api/papers/nothing-of-the-kind", "/api/editions/1999-01-01", "/api/nowhere"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == 404


@pytest.mark.parametrize(
    "query", ["from=yesterday", "match=some", "limit=0", "limit=x", "cursor=%2B", "sort=best", "code=2"]
)
def test_what_is_malformed_is_a_problem_with_422_that_names_the_parameter(client, query):
    answer = client.get(f"/api/papers?{query}")
    assert answer.status_code == 422
    assert query.split("=")[0] in answer.json()["detail"]


def test_what_is_unknown_is_ignored(client, records):
    assert client.get("/api/papers?utm_source=mail&limit=100").json()["total"] == len(records)


def test_a_thousand_names_are_looked_up_in_one_request_and_more_refused(client, records):
    wanted = [records[0]["id"], "nothing of the kind", records[1]["title"]]
    answer = client.post("/api/lookup", json={"wanted": wanted}).json()
    assert [found["paper"] and found["paper"]["id"] for found in answer["found"]] == [
        records[0]["id"],
        None,
        records[1]["id"],
    ]
    assert answer["missing"] == 1
    assert client.post("/api/lookup", json={"wanted": ["x"] * 1001}).status_code == 422


def test_stats_say_of_papers_what_the_command_says_and_nothing_else(client, cache):
    with Store.open(cache) as store:
        said = store.statistics.summary()
    told = client.get("/api/stats").json()
    assert told == {name: said[name] for name in ("papers", "annotated", "revised", "editions", "code")}
    assert told["annotated"] == told["papers"] > 0


def test_tags_count_what_a_filter_finds(client):
    for each in client.get("/api/tags").json():
        total = client.get("/api/papers", params={"tag": each["tag"]}).json()["total"]
        assert total == each["papers"]


def test_an_edition_is_the_one_that_was_composed(client):
    days = client.get("/api/editions").json()
    edition = client.get(f"/api/editions/{days[0]}").json()
    assert edition["day"] == days[0]
    assert edition["sections"]


def test_a_reader_who_has_it_already_is_sent_nothing(client):
    first = client.get("/api/papers")
    again = client.get("/api/papers", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert client.get("/api/papers", headers={"if-none-match": '"another"'}).status_code == 200


def test_too_long_a_query_or_body_is_refused_unread(client):
    assert client.get("/api/papers?q=" + "x" * 5_000).status_code == 414
    assert client.post("/api/lookup", content=b" " * 300_000).status_code == 413

    def endless():
        for _ in range(300):
            yield b" " * 1_000

    assert client.post("/api/lookup", content=endless()).status_code == 413


def test_every_answer_protects_its_reader(client):
    for path in ("/api/papers", "/api/nowhere", "/api/papers?limit=x"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]


def test_other_origins_are_not_let_in(client):
    assert (
        "access-control-allow-origin"
        not in client.get("/api/papers", headers={"origin": "https://a.org"}).headers
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["q", "tag", "not", "from", "to", "code", "sort", "limit", "cursor", "match", "x"]
            ),
            st.text(max_size=20),
        ),
        max_size=6,
    )
)
def test_no_query_string_breaks_the_server(client, query):
    assert client.get("/api/papers", params=query).status_code in {200, 422}


@given(st.integers(0, 10**9))
def test_a_cursor_is_read_as_it_was_written(offset):
    assert read_cursor(write_cursor(offset)) == offset


def test_the_description_covers_every_path_and_its_problems(client):
    described = client.get("/api/openapi.json").json()
    assert {"/api/papers", "/api/papers/{paper_id}", "/api/lookup", "/api/tags", "/api/stats"} <= described[
        "paths"
    ].keys()
    assert "422" in described["paths"]["/api/papers"]["get"]["responses"]
    json.dumps(described)


def test_an_answer_is_kept_for_a_minute_and_renewed_meanwhile(tmp_path, monkeypatch):
    monkeypatch.setattr("broadsheet.web.keeping.FRESH_S", -1.0)
    with (
        Store.open(tmp_path / "kept.db") as store,
        TestClient(create_app(Settings(db=tmp_path / "kept.db"))) as client,
    ):
        assert client.get("/api/stats").json()["papers"] == 0
        add(store, paper())
        answers = (client.get("/api/stats").json()["papers"] for _ in range(1_000))
        assert next(answers) == 0
        assert 1 in answers
    now = [0.0]
    kept = Kept(lambda: now[0])
    key = ("http", b"a", "/", b"", False)
    kept.keep(key, [], b"x", '"1"')
    now[0] = 59.9
    assert kept.get(key)
    now[0] = 60.1
    assert kept.get(key) is None


def test_who_takes_no_gzip_gets_none_whoever_asked_before(client):
    zipped = client.get("/papers", headers={"accept-encoding": "gzip"})
    plain = client.get("/papers", headers={"accept-encoding": "identity"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.text == zipped.text
    assert zipped.headers["etag"] == "W/" + plain.headers["etag"]
    for etag in (plain.headers["etag"], zipped.headers["etag"]):
        known = client.get("/papers", headers={"accept-encoding": "gzip", "if-none-match": etag})
        assert known.status_code == 304
        assert not {"content-encoding", "content-type", "content-length"} & known.headers.keys()


def test_a_kept_answer_is_packed_and_protected_once(client, monkeypatch):
    passed, guarded = [], Guard.__call__
    for name in ("FRESH_S", "KEPT_S"):
        monkeypatch.setattr(f"broadsheet.web.keeping.{name}", float("inf"))

    async def passing(guard, scope, receive, send):
        passed.append(scope["path"])
        await guarded(guard, scope, receive, send)

    monkeypatch.setattr(Guard, "__call__", passing)
    first, again = (client.get("/tags", headers={"accept-encoding": "gzip"}) for _ in range(2))
    assert passed.count("/tags") == 1
    assert again.headers["content-encoding"] == "gzip"
    assert "default-src 'none'" in again.headers["content-security-policy"]
    assert (again.headers, again.content) == (first.headers, first.content)


def test_an_answer_kept_for_one_origin_does_not_let_another_in(cache):
    ours = Settings(db=cache, cors_origins=("https://a.example",))
    with TestClient(create_app(ours)) as client:
        asked = [client.get("/api/tags", headers=origin) for origin in ({}, A, B, {}, A)]
    let_in = [answer.headers.get("access-control-allow-origin") for answer in asked]
    assert let_in == [None, A["origin"], None, None, A["origin"]]


def test_kept_answers_take_no_more_than_their_room(monkeypatch):
    monkeypatch.setattr("broadsheet.web.keeping.MOST_BYTES", 100)
    monkeypatch.setattr("broadsheet.web.keeping._BESIDE_BYTES", 20)
    kept = Kept(lambda: 0.0)
    for number in range(50):
        kept.keep(("http", b"a", f"/{number}", b"", False), [], b"x" * 30, '"1"')
    assert [number for number in range(50) if kept.get(("http", b"a", f"/{number}", b"", False))] == [48, 49]


def test_an_answer_for_one_host_is_not_given_to_another(client):
    ours = client.get("/papers.atom", headers={"host": "papers.example.org"}).text
    theirs = client.get("/papers.atom", headers={"host": "elsewhere.example"}).text
    assert "elsewhere.example" not in ours
    assert "papers.example.org" not in theirs


def test_looking_names_up_reads_no_more_of_the_cache_than_the_answer(cache):
    plans = []
    with Store.open(cache, reading=True) as store:
        store._db.conn.set_trace_callback(plans.append)
        for name in ("nothing of the kind", "2503.99999", "https://example.org/nothing", "10.1/x"):
            assert store.records.named(name) == []
        store._db.conn.set_trace_callback(None)
        asked = [plan for plan in plans if plan.lstrip().startswith("SELECT")]
        assert len(asked) == 8
        scans = [
            row[3]
            for plan in asked
            for row in store._db.execute(f"EXPLAIN QUERY PLAN {plan}")
            if row[3].startswith("SCAN") and "json_each" not in row[3] and "CONSTANT" not in row[3]
        ]
    assert scans == []


def test_related_papers_are_those_of_the_command_line(client, cache):
    with Store.open(cache) as store:
        wanted = next(record.id for record in store.list() if store.related(record.id))
        expected = [record.id for record in store.related(wanted, 3)]
    answer = client.get(f"/api/related/{wanted}?limit=3")
    assert [paper["id"] for paper in answer.json()["papers"]] == expected
    assert client.get("/api/related/no-such-paper").status_code == 404


def test_a_paper_is_looked_up_by_its_id_before_a_request_is_routed(cache, client, monkeypatch):
    with Store.open(cache) as store:
        record = next(store.list(limit=1))
        expected = record.as_dict(store.annotation)
    routed = client.get("/api/papers/" + quote(record.title))
    assert routed.json() == expected
    monkeypatch.setattr(Store, "get", None)
    found = client.get(f"/api/papers/{record.id}")
    assert (found.status_code, found.json()) == (200, expected)
    for name in ("content-type", "content-security-policy", "cache-control"):
        assert found.headers[name] == routed.headers[name]


def test_what_is_no_id_of_one_paper_is_answered_as_before(cache, client, monkeypatch):
    with Store.open(cache) as store:
        wanted = store.records.ids(Filter(), limit=1)[0]
    assert client.head(f"/api/papers/{wanted}").status_code == 405
    assert client.get("/api/papers/").status_code in {404, 422}
    assert client.get("/api/papers/nothing-of-the-kind").json()["status"] == 404

    def unread(*_: object) -> None:
        raise StoreError("The cache is locked.")

    monkeypatch.setattr("broadsheet.store.records.Records.by_ids", unread)
    refused = client.get(f"/api/papers/{wanted}")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")


def test_an_id_that_two_papers_have_is_answered_with_neither(tmp_path):
    """Two files may number their papers alike."""
    with Store.open(tmp_path / "b.db") as store:
        add(store, *(paper(title).model_copy(update={"local_id": "7"}) for title in ("Ebb", "Flow")))
    with TestClient(create_app(Settings(db=tmp_path / "b.db"))) as client:
        answer = client.get("/api/papers/7")
    assert answer.json()["status"] == answer.status_code
    assert answer.status_code in range(400, 500)
