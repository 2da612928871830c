"""Readers subscribe, confirm, choose and leave; opening a page changes nothing, no answer tells who reads."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from broadsheet import subscribers
from broadsheet.config import Settings
from broadsheet.filters import Filter
from broadsheet.reader_tokens import new_token
from broadsheet.store import Store
from broadsheet.web import create_app
from servers.smtp import MailServer

ANN = "ann@example.org"
LINK = re.compile(r"http://127\.0\.0\.1:8000(/confirm/[\w-]+)")


@pytest.fixture(scope="module")
def mail_server():
    with MailServer() as server:
        yield server


@pytest.fixture
def settings(tmp_path, mail_server):
    with Store.open(tmp_path / "broadsheet.db"):
        pass
    mail_server.received.clear()
    return Settings(
        db=tmp_path / "broadsheet.db",
        engine="extractive",
        mail={
            "from": "papers@lists.example.org",
            "host": "127.0.0.1",
            "port": mail_server.port,
            "security": "none",
            "url": "http://127.0.0.1:8000",
            "messages_per_second": 1000,
        },
        newsletter={"daily": {"title": "Broadsheet"}, "robots": {"title": "Robots weekly"}},
    )


@pytest.fixture
def client(settings):
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def token(settings):
    """The token in a message to a reader who gets papers on robotics, but none of Mara Quay's surveys."""
    where = Filter(tags=("robotics",), without=("survey",), sources=("hf",))
    with Store.open(settings.db) as store, store.transaction():
        consent = {"how": "on paper", "when": "2026-01-01"}
        subscribers.add_with_consent(store, ANN, "daily", where, "daily", consent)
        return new_token(store, store.subscribers.find(subscribers.address_hash(ANN))[0].id, "reader")


def states(settings):
    with Store.open(settings.db) as store:
        return {each.address: (each.state, each.rhythm, each.filter) for each in store.subscribers.each()}


def ask(client, address=ANN, **more):
    return client.post("/subscribe", data={"address": address, **more})


def test_a_reader_subscribes_to_a_view_confirms_and_gets_what_was_asked_for(client, settings, mail_server):
    page = client.get("/subscribe?tag=robotics&not=survey&q=grasp&from=2026-01-01&sort=top")
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    assert hidden == {"tag": "robotics", "not": "survey", "words": "grasp"}
    assert "tagged Robotics, not tagged Survey, with the words “grasp”" in page.text
    assert ask(client, rhythm="weekly", newsletter="robots", **hidden).status_code == 200
    assert states(settings)[ANN][0] == "pending"
    (received,) = mail_server.received
    assert received.recipients == (ANN,)
    address = LINK.search(received.message.get_content())[1]
    assert "Robotics" in client.get(address).text
    assert states(settings)[ANN][0] == "pending"
    assert client.post(address).status_code == 200
    where = Filter(tags=("robotics",), without=("survey",), words="grasp")
    assert states(settings)[ANN] == ("confirmed", "weekly", where)
    assert client.post(address).status_code == 200


def test_the_answer_is_the_same_whether_an_address_is_known_suppressed_or_new(client, settings, token):
    with Store.open(settings.db) as store:
        subscribers.suppress(store, "bea@example.org", "complaint")
    answers = {ask(client, address).text for address in (ANN, "bea@example.org", "new@example.org")}
    assert len(answers) == 1
    assert ask(client, ANN).text in answers


def test_what_is_no_address_is_said_beside_the_field_and_kept_in_it(client, mail_server):
    answer = ask(client, "ann@", tag="robotics")
    assert answer.status_code == 422
    assert 'value="ann@"' in answer.text
    assert 'aria-describedby="fault"' in answer.text
    assert 'name="tag" value="robotics"' in answer.text
    assert not mail_server.received


def test_a_second_wish_within_minutes_sends_no_second_mail_but_one_that_failed_may_be_repeated(
    client, settings, mail_server
):
    mail_server.at_rcpt[ANN] = "451 4.3.0 later"
    assert ask(client).status_code == 200
    assert not mail_server.received
    del mail_server.at_rcpt[ANN]
    for _ in range(2):
        assert ask(client).status_code == 200
    assert len(mail_server.received) == 1


@pytest.mark.parametrize("page", ["confirm", "preferences", "unsubscribe"])
def test_a_wrong_link_says_so_and_is_kept_by_no_cache(client, token, page):
    for wrong in ("A" * 32, token[:-1] + "~", "ä", "x" * 500):
        answer = client.get(f"/{page}/{wrong}")
        assert answer.status_code == 404
        assert client.post(f"/{page}/{wrong}").status_code == 404
    right = client.get(f"/preferences/{token}")
    assert right.headers["cache-control"] == "no-store"
    assert right.headers["x-robots-tag"] == "noindex"
    assert ANN not in right.text


def test_a_confirmation_s_token_opens_no_preferences_and_a_reader_s_confirms_nothing(
    client, token, mail_server
):
    ask(client, "new@example.org")
    confirming = LINK.search(mail_server.received[0].message.get_content())[1].rpartition("/")[2]
    assert client.get(f"/preferences/{confirming}").status_code == 404
    assert client.post(f"/unsubscribe/{confirming}").status_code == 404
    assert client.post(f"/confirm/{token}").status_code == 404


def test_preferences_show_what_a_reader_gets_and_change_it(client, settings, token):
    page = client.get(f"/preferences/{token}").text
    assert 'name="tag" value="robotics" checked' in page
    assert 'name="not" value="survey" checked' in page
    assert 'type="hidden" name="source" value="hf"' in page
    changed = client.post(
        f"/preferences/{token}",
        data={
            "tag": ["graphs", "robotics"],
            "match": "all",
            "source": "hf",
            "rhythm": "monthly",
            "words": "",
            "code": "",
        },
    )
    assert "Saved." in changed.text
    where = Filter(tags=("graphs", "robotics"), match="all", sources=("hf",))
    assert states(settings)[ANN] == ("confirmed", "monthly", where)
    assert client.post(f"/preferences/{token}", data={"rhythm": "hourly"}).status_code == 422


def test_opening_pages_changes_nothing(client, settings, token):
    before = states(settings)
    for page in ("unsubscribe", "preferences", "confirm"):
        client.get(f"/{page}/{token}")
        client.head(f"/{page}/{token}")
    assert states(settings) == before


@pytest.mark.parametrize("first", [0, 1], ids=["form", "multipart"])
def test_a_mail_program_unsubscribes_in_one_click_twice_if_it_likes(client, settings, token, first):
    bodies = [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
    ]
    for body in (bodies[first], bodies[1 - first]):
        answer = client.post(f"/unsubscribe/{token}", **body, follow_redirects=False)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert states(settings)[ANN][0] == "unsubscribed"
    assert client.post(f"/preferences/{token}", data={"rhythm": "weekly"}).status_code == 409
    assert "has ended" in client.get(f"/preferences/{token}").text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://elsewhere.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://testserver", "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://127.0.0.1:8000"}, 200),
        ({}, 200),
    ],
)
def test_a_form_of_another_site_is_refused(client, settings, headers, status):
    answer = client.post("/subscribe", data={"address": ANN}, headers=headers)
    assert answer.status_code == status
    assert (ANN in states(settings)) == (status == 200)


def test_many_wishes_at_once_are_refused_but_leaving_never_is(client, token):
    statuses = [ask(client, f"reader{number}@example.org").status_code for number in range(25)]
    assert statuses.count(429) >= 4
    assert client.post(f"/unsubscribe/{token}").status_code == 200


def test_newsletters_to_choose_from_are_those_that_are_made(client):
    page = client.get("/subscribe").text
    assert re.findall(r'name="newsletter" value="([^"]+)"', page) == ["daily", "robots"]
    assert ask(client, newsletter="nothing").status_code == 422


def test_lists_lead_to_the_form_with_their_filter(client):
    page = client.get("/papers?tag=robotics&sort=top").text
    assert 'href="/subscribe?tag=robotics">Mail me this view' in page
