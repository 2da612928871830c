"""Delivery: each issue to each reader at most once, none lost, and what the other side says is kept."""

from __future__ import annotations

import re
import signal
import sqlite3
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import warm_start
from broadsheet import subscribers
from broadsheet.channels import Answer, HandOver, Message, open_channel
from broadsheet.channels.mail import Mail, Pace
from broadsheet.compose import compose
from broadsheet.deliver import Route, deliver
from broadsheet.deliver.dry_run import write_messages
from broadsheet.deliver.issues import issue_due, issue_named
from broadsheet.deliver.press import Press
from broadsheet.deliver.returns import failures, read_bounces
from broadsheet.deliver.selection import Selection, merged, restricted
from broadsheet.edition import Edition
from broadsheet.errors import ConfigError, StoreError
from broadsheet.fields import UserField
from broadsheet.filters import Filter
from broadsheet.newsletter import Newsletter
from broadsheet.store import Store
from broadsheet.store.deliveries import Due
from builders import DAY, add, annotate, annotation, paper, rows, sighting
from editions import TAXONOMY, small_edition
from readers import FakeClock, add_reader, add_readers, at, mail_settings, press, send
from servers.smtp import MailServer

ROBOTS, GRAPHS = Filter(tags=("robotics",)), Filter(tags=("graphs",))
TEN = [f"reader{number}@example.org" for number in range(10)]


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made, _ = small_edition(at(tmp_path))
    with made:
        yield made


def day_of(store: Store, day: date, *titles: str, topic: str = "graphs") -> None:
    """An edition of some new papers."""
    for title in titles:
        one = paper(title, sighting=sighting(day))
        add(store, one, day=day)
        annotate(store, one, said=annotation(topics=(topic,)))
    compose(store, day, taxonomy=TAXONOMY)


def due_now(store: Store) -> None:
    """As if the wait after a deferral were over."""
    with store.transaction():
        store._db.execute("UPDATE deliveries SET next_try_at = '2000-01-01' WHERE state = 'deferred'")


def states(store: Store) -> dict[str, int]:
    return dict(store.deliveries.states("daily", "mail"))


def test_each_reader_gets_the_papers_of_their_own_filter_and_none_if_none_matches(
    store: Store, server: MailServer
) -> None:
    add_reader(store, "all@example.org")
    add_reader(store, "graphs@example.org", GRAPHS)
    add_reader(store, "robots@example.org", ROBOTS)
    assert send(store, mail_settings(server)).sent == 2
    html = {each.recipients[0]: each.part("html") for each in server.received}
    assert html.keys() == {"all@example.org", "graphs@example.org"}
    assert "Gravel Net" in html["all@example.org"]
    assert "Gravel Net" not in html["graphs@example.org"]
    assert "SandLoom" in html["graphs@example.org"]


def test_a_field_that_users_have_declared_does_not_keep_an_edition_from_its_readers(
    store: Store, server: MailServer
) -> None:
    store.declare((UserField(name="audience", type="text", description="Who can use it"),))
    add_reader(store, "graphs@example.org", GRAPHS)
    assert send(store, mail_settings(server)).sent == 1


def test_nobody_is_mailed_but_who_has_confirmed(store: Store, server: MailServer) -> None:
    for address in TEN[:4]:
        add_reader(store, address)
    subscribers.subscribe(store, TEN[4], "daily", Filter())
    subscribers.suppress(store, TEN[0], "complaint")
    subscribers.erase(store, TEN[1])
    with store.transaction():
        subscribers.end(store, store.subscribers.find(subscribers.address_hash(TEN[2]))[0])
    assert send(store, mail_settings(server)).sent == 1
    assert server.addresses() == {TEN[3]: 1}


def test_a_second_run_sends_nothing(store: Store, server: MailServer) -> None:
    add_readers(store, TEN)
    assert send(store, mail_settings(server)).sent == 10
    again = send(store, mail_settings(server))
    assert (again.sent, again.reserved) == (0, 0)
    assert server.addresses() == dict.fromkeys(TEN, 1)
    assert server.connections == len({each.session for each in server.received})  # the second run made none


@pytest.mark.parametrize("connections", [1, 2, 3])
def test_all_messages_go_over_as_many_connections_as_are_set(
    store: Store, server: MailServer, connections: int
) -> None:
    add_readers(store, TEN)
    server.answers_from = connections
    send(store, mail_settings(server, connections=connections))
    assert {each.session for each in server.received} == set(range(1, connections + 1))
    assert server.addresses() == dict.fromkeys(TEN, 1)


def test_the_next_message_leaves_while_the_server_thinks_over_the_one_before(
    store: Store, server: MailServer
) -> None:
    add_readers(store, TEN)
    server.answers_from = 2  # with one message at a time, neither would ever be answered
    server.lose_answer_for = {TEN[0]}
    server.at_data[TEN[1]] = "451 4.7.1 greylisted"
    report = send(store, mail_settings(server, connections=2))
    assert (report.sent, report.deferred, report.unknown) == (8, 1, 1)
    assert states(store) == {"sent": 8, "deferred": 1, "unknown": 1}


def test_a_server_that_allows_fewer_connections_gets_fewer_and_every_message(
    store: Store, server: MailServer
) -> None:
    add_readers(store, TEN)
    server.most_at_once = 1
    assert send(store, mail_settings(server, connections=4)).sent == 10
    assert server.addresses() == dict.fromkeys(TEN, 1)
    assert {each.session for each in server.received} == {1}


def test_where_the_pace_leaves_time_a_message_is_settled_before_the_next_one_leaves(
    store: Store, server: MailServer
) -> None:
    add_readers(store, TEN)
    settings = mail_settings(server, connections=2)
    assert settings.mail is not None
    clock, unsettled = FakeClock(), []

    class Watched(Mail):
        def send(self, message: Message, handing_over: HandOver) -> Answer:
            unsettled.append(states(store).get("handing-over", 0))
            return super().send(message, handing_over)

    channel = Watched(settings.mail, Pace(0.01, clock))
    deliver(Route(store, press(store, settings), "mail", channel), DAY)
    channel.close()
    assert unsettled == [0] * 10
    assert clock.slept == [100.0] * 9


def test_no_readers_token_or_address_is_in_anothers_message(store: Store, server: MailServer) -> None:
    add_readers(store, [f"reader-{number}-of-fifty@example.org" for number in range(50)])
    send(store, mail_settings(server))
    texts = {each.recipients[0]: each.raw.decode() + each.part("html") for each in server.received}
    tokens = {address: set(re.findall(r"/unsubscribe/([\w-]{32})", text)) for address, text in texts.items()}
    assert all(len(found) == 1 for found in tokens.values())
    assert len(set().union(*tokens.values())) == 50
    for address, text in texts.items():
        for other, found in tokens.items():
            assert other == address or (other not in text and not any(token in text for token in found))


def test_the_token_of_a_mail_unsubscribes_and_the_next_issue_does_not_come(
    store: Store, server: MailServer
) -> None:
    add_readers(store, TEN[:2])
    send(store, mail_settings(server))
    (header,) = server.received[0].message.get_all("List-Unsubscribe", [])
    assert subscribers.unsubscribe(store, re.findall(r"/unsubscribe/([\w-]{32})", str(header))[0])
    day_of(store, DAY + timedelta(days=1), "Kelp Grows at Noon")
    assert send(store, mail_settings(server), DAY + timedelta(days=1)).sent == 1


def test_what_waits_for_who_leaves_is_cancelled(store: Store, server: MailServer) -> None:
    add_readers(store, TEN[:1])
    server.at_rcpt[TEN[0]] = "450 4.2.1 later"
    send(store, mail_settings(server))
    with store.transaction():
        subscribers.end(store, next(store.subscribers.each()))
    server.at_rcpt.clear()
    due_now(store)
    assert send(store, mail_settings(server)).cancelled == 1
    assert server.received == []


def test_a_deferral_is_tried_again_after_its_wait_with_the_same_message_id(
    store: Store, server: MailServer
) -> None:
    add_readers(store, TEN[:3])
    server.at_data[TEN[1]] = "451 4.7.1 greylisted"
    first = send(store, mail_settings(server))
    assert (first.sent, first.deferred) == (2, 1)
    (key,) = rows(store, "SELECT key FROM deliveries WHERE state = 'deferred'")[0]
    server.at_data.clear()
    assert send(store, mail_settings(server)).sent == 0
    due_now(store)
    assert send(store, mail_settings(server)).sent == 1
    assert server.received[-1].message["Message-ID"] == f"<{key}@lists.example.org>"
    assert server.addresses() == dict.fromkeys(TEN[:3], 1)


def test_the_wait_grows_and_the_fifth_deferral_gives_up(store: Store, server: MailServer) -> None:
    add_readers(store, TEN[:1])
    server.at_rcpt[TEN[0]] = "452 4.2.2 full"
    waits = []
    for _ in range(4):
        send(store, mail_settings(server))
        waits.append(
            rows(store, "SELECT unixepoch(next_try_at) - unixepoch(changed_at) FROM deliveries")[0][0]
        )
        due_now(store)
    assert waits == [900, 3600, 14_400, 57_600]
    assert send(store, mail_settings(server)).failed == 1
    assert states(store) == {"failed": 1}


def test_an_address_that_does_not_exist_is_suppressed_at_once(store: Store, server: MailServer) -> None:
    add_readers(store, TEN[:2])
    server.at_rcpt[TEN[0]] = f"550 5.1.1 <{TEN[0]}>: no such user"
    assert send(store, mail_settings(server)).refused == 1
    assert [each.state for each in store.subscribers.each()] == ["suppressed", "confirmed"]
    ((reply,),) = rows(store, "SELECT reply FROM deliveries WHERE state = 'refused'")
    assert TEN[0] not in reply
    assert "no such user" in reply


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("550 nobody wants it", "suppressed"),
        ("554 5.2.1 disabled", "suppressed"),
        ("550 5.7.515 the sender is not authenticated", "confirmed"),
    ],
)
def test_other_refusals_suppress_after_three_and_the_senders_own_faults_never(
    store: Store, server: MailServer, answer: str, state: str
) -> None:
    add_readers(store, TEN[:1])
    server.at_rcpt[TEN[0]] = answer
    for number in range(3):
        assert [each.state for each in store.subscribers.each()] == ["confirmed"]
        day = DAY + timedelta(days=number)
        day_of(store, day, f"Kelp of Day {number}")
        send(store, mail_settings(server), day)
    assert [each.state for each in store.subscribers.each()] == [state]


def test_an_answer_that_is_lost_is_told_as_unknown_and_sent_again_only_when_asked(
    store: Store, server: MailServer
) -> None:
    add_readers(store, TEN[:3])
    server.lose_answer_for = {TEN[1]}
    assert send(store, mail_settings(server)).unknown == 1
    assert states(store) == {"sent": 2, "unknown": 1}
    again = send(store, mail_settings(server))
    assert (again.sent, again.unknown) == (0, 1)
    server.lose_answer_for = set()
    assert send(store, mail_settings(server), resend_unknown=True).sent == 1
    assert server.addresses() == {TEN[0]: 1, TEN[1]: 2, TEN[2]: 1}


def test_a_server_that_is_down_loses_nothing(store: Store, server: MailServer) -> None:
    add_readers(store, TEN)
    report = send(store, mail_settings())
    assert report.left == 10
    assert "127.0.0.1:9" in report.down
    assert send(store, mail_settings(server)).sent == 10


def test_a_sender_that_the_server_refuses_stops_the_run_and_blames_no_reader(store: Store) -> None:
    add_readers(store, TEN)
    with MailServer(auth=True) as strict:
        settings = mail_settings(strict)
        with pytest.raises(ConfigError, match=r"\[mail\]"):
            send(store, settings)
        assert states(store) == {"reserved": 10}
        assert {each.state for each in store.subscribers.each()} == {"confirmed"}


def test_a_paper_is_mailed_to_a_reader_once_even_if_it_stands_in_two_editions(
    store: Store, server: MailServer
) -> None:
    add_reader(store, "ann@example.org")
    send(store, mail_settings(server))
    sandloom = store.get("SandLoom").id
    with store.transaction():
        store.papers.remove(sandloom)
    later = DAY + timedelta(days=1)
    day_of(store, later, "SandLoom: Tidal Flats from Sparse Soundings", "Kelp Grows at Noon")
    add_reader(store, "bob@example.org")
    assert send(store, mail_settings(server), later).sent == 2
    last = {each.recipients[0]: each.part("html") for each in server.received[-2:]}
    assert "SandLoom: Tidal" not in last["ann@example.org"]
    assert "SandLoom: Tidal" in last["bob@example.org"]


def test_the_database_itself_refuses_a_delivery_that_repeats_a_paper(
    store: Store, server: MailServer
) -> None:
    add_reader(store, "ann@example.org")
    send(store, mail_settings(server))
    with store.transaction():
        content = store.deliveries.content("daily", "2026-01-09", "{}", [store.get("SandLoom").id])
    with pytest.raises(sqlite3.IntegrityError, match="twice"):
        store.deliveries.reserve("mail", "daily", "2026-01-09", content, [Due("1", "k", 1)])


def test_a_weekly_reader_gets_the_week_when_it_is_over_and_once(store: Store, server: MailServer) -> None:
    for number in range(1, 8):
        day_of(store, DAY + timedelta(days=number), f"Paper of Day {number}")
    add_reader(store, "ann@example.org", GRAPHS, "weekly")
    assert send(store, mail_settings(server), DAY + timedelta(days=6)).sent == 0
    assert send(store, mail_settings(server), DAY + timedelta(days=7)).sent == 1
    html = server.received[0].part("html")
    assert all(f"Paper of Day {number}" in html for number in range(1, 7))
    assert "Paper of Day 7" not in html
    assert send(store, mail_settings(server), DAY + timedelta(days=7)).sent == 0


def test_the_editions_of_a_week_are_not_read_again_once_all_have_it(
    store: Store, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 9):
        day_of(store, DAY + timedelta(days=number), f"Paper of Day {number}")
    add_reader(store, "ann@example.org", GRAPHS, "weekly")
    assert send(store, mail_settings(server), DAY + timedelta(days=7)).sent == 1
    read: list[date] = []
    get = store.editions.get

    def noted(day: date, newsletter: str = "daily") -> Edition | None:
        read.append(day)
        return get(day, newsletter)

    monkeypatch.setattr(store.editions, "get", noted)
    assert send(store, mail_settings(server), DAY + timedelta(days=8)).sent == 0
    assert read == []
    add_reader(store, "bob@example.org", GRAPHS, "weekly")
    assert send(store, mail_settings(server), DAY + timedelta(days=8)).sent == 1


def test_who_turns_from_daily_to_weekly_gets_no_paper_again(store: Store, server: MailServer) -> None:
    add_reader(store, "ann@example.org")
    send(store, mail_settings(server))
    day_of(store, DAY + timedelta(days=1), "Kelp Grows at Noon")
    with store.transaction():
        store.subscribers.change(1, rhythm="weekly")
    day_of(store, DAY + timedelta(days=7), "Next Week")
    assert send(store, mail_settings(server), DAY + timedelta(days=7)).sent == 1
    html = server.received[-1].part("html")
    assert "Kelp Grows at Noon" in html
    assert "SandLoom: Tidal" not in html


@pytest.mark.parametrize(
    ("rhythm", "day", "name"),
    [
        ("daily", date(2026, 1, 5), "2026-01-05"),
        ("weekly", date(2026, 1, 12), "2026-W02"),
        ("weekly", date(2026, 1, 18), "2026-W02"),
        ("monthly", date(2026, 2, 1), "2026-01"),
    ],
)
def test_an_issue_is_due_when_its_time_is_over(rhythm: str, day: date, name: str) -> None:
    days = [date(2026, 1, number) for number in (5, 6, 11, 12)]
    issue = issue_due(rhythm, day, days)  # type: ignore[arg-type]
    assert issue is not None
    assert issue.name == name
    assert issue_named(name, days) == issue


def test_an_issue_without_an_edition_is_none() -> None:
    assert issue_due("daily", DAY, []) is None
    assert issue_due("weekly", date(2026, 1, 20), [DAY]) is None


def test_a_filter_chooses_the_cards_that_list_would(store: Store) -> None:
    edition = store.editions.get(DAY)
    assert edition is not None
    filters = [
        Filter(), GRAPHS, ROBOTS, Filter(without=("graphs",)), Filter(code="available"),
        Filter(search="tidal"), Filter(search="sounding"), Filter(tags=("language", "graphs"), match="all"),
        Filter(fields=(("contribution", "method"),)), Filter(since=DAY),
        Filter(until=DAY - timedelta(days=1)),
    ]  # fmt: skip
    with Selection(edition, store.annotation) as selection:
        for where in filters:
            expected = {record.id for record in store.list(where.unranked())}  # every word must stand
            assert selection.matching(where) == expected, where


def test_a_restricted_edition_has_its_papers_and_their_picks_and_no_count_of_the_whole_day(
    store: Store,
) -> None:
    edition = store.editions.get(DAY)
    assert edition is not None
    _ = edition.cards, edition.place  # worked out once, which must not leak into the restricted one
    wanted = {store.get("SandLoom").id}
    some = restricted(edition, wanted)
    assert some is not None
    assert {card.record.id for card in some.cards} == wanted
    assert {pick.paper_id for section in some.sections for pick in section.picks} <= wanted
    assert not any(section.counts for section in some.sections)
    assert restricted(edition, set()) is None
    assert restricted(edition, {card.record.id for card in edition.cards}) is edition


def test_editions_of_a_week_become_one_in_which_each_paper_stands_once(store: Store) -> None:
    day_of(store, DAY + timedelta(days=1), "Kelp Grows at Noon")
    first, second = store.editions.get(DAY), store.editions.get(DAY + timedelta(days=1))
    assert first is not None
    assert second is not None
    both = merged([first, second])
    ids = [card.record.id for card in both.cards]
    assert sorted(ids) == sorted({card.record.id for each in (first, second) for card in each.cards})
    assert both.day == second.day


def test_sending_publishes_the_edition_which_then_no_longer_changes(store: Store, server: MailServer) -> None:
    add_reader(store, "ann@example.org")
    assert not store.editions.is_published(DAY)
    send(store, mail_settings(server))
    assert store.editions.is_published(DAY)


def test_two_cannot_send_from_one_cache_at_once(store: Store, server: MailServer, tmp_path: Path) -> None:
    add_reader(store, "ann@example.org")
    with Store.open(at(tmp_path)) as other, other.sending(), pytest.raises(StoreError, match="sending"):
        send(store, mail_settings(server))


def test_a_dry_run_writes_what_would_be_sent_and_changes_no_ledger(store: Store, tmp_path: Path) -> None:
    add_readers(store, TEN[:2])
    add_reader(store, "robots@example.org", ROBOTS)
    paths = list(write_messages(store, press(store, mail_settings()), DAY, tmp_path / "outbox"))
    assert len(paths) == 2
    assert all(path.suffix == ".eml" for path in paths)
    assert states(store) == {}
    assert not store.editions.is_published(DAY)
    assert rows(store, "SELECT count(*) FROM tokens") == [(0,)]


DSN = """From: MAILER-DAEMON@mx.example.org
To: {to}
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="x"

--x
Content-Type: text/plain

I am sorry.
--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; {address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} <{address}> says no

--x
Content-Type: {kind}

Message-ID: <{key}@lists.example.org>
To: {address}

--x--
"""


def report_of(store: Store, address: str, **fields: str) -> bytes:
    sql = f"SELECT key FROM deliveries JOIN subscribers s ON s.id = subscriber_id WHERE address = '{address}'"
    ((key,),) = rows(store, sql)
    made = {
        "to": "bounces@lists.example.org", "address": address, "action": "failed", "status": "5.1.1",
        "kind": "text/rfc822-headers", "key": key,
    }  # fmt: skip
    return DSN.format(**{**made, **fields}).encode()


@pytest.mark.parametrize("kind", ["text/rfc822-headers", "message/rfc822"])
def test_a_report_of_an_address_that_does_not_exist_suppresses_it(
    store: Store, server: MailServer, kind: str
) -> None:
    add_readers(store, TEN[:2])
    send(store, mail_settings(server))
    report = read_bounces(store, iter([report_of(store, TEN[0], kind=kind)]))
    assert (report.failures, report.new, report.suppressed) == (1, 1, 1)
    assert [each.state for each in store.subscribers.each()] == ["suppressed", "confirmed"]
    assert TEN[0] not in str(rows(store, "SELECT * FROM bounces"))
    assert "says no" in str(rows(store, "SELECT * FROM bounces"))


def test_a_report_is_known_by_the_address_that_it_came_to(store: Store, server: MailServer) -> None:
    add_readers(store, TEN[:1])
    settings = mail_settings(server, bounces="bounces@lists.example.org")
    send(store, settings)
    sender = server.received[0].sender
    assert re.fullmatch(r"bounces\+[0-9a-f]{40}@lists\.example\.org", sender)
    raw = report_of(store, TEN[0], to=sender, key="lost")
    assert read_bounces(store, iter([raw])).suppressed == 1


def test_a_report_read_twice_counts_once_and_one_of_strangers_does_nothing(
    store: Store, server: MailServer
) -> None:
    add_readers(store, TEN[:1])
    send(store, mail_settings(server))
    soft = report_of(store, TEN[0], status="5.2.2")
    assert read_bounces(store, iter([soft, soft])).new == 1
    strange = read_bounces(
        store, iter([report_of(store, TEN[0], key="0" * 40), b"", b"\xff\0", b"Subject: x"])
    )
    assert (strange.messages, strange.new) == (4, 0)
    assert [each.state for each in store.subscribers.each()] == ["confirmed"]


def test_a_delay_is_no_failure(store: Store, server: MailServer) -> None:
    add_readers(store, TEN[:1])
    send(store, mail_settings(server))
    assert list(failures(report_of(store, TEN[0], action="delayed", status="4.4.1"))) == []


KILLED = """
import os, signal, sys
sys.path[:0] = {path!r}
from pathlib import Path
from broadsheet.store import Store
from broadsheet.channels.mail import Mail
from broadsheet.channels import mail
from readers import mail_settings, send

class Server:
    port = {port}

left, moment = {after}, {moment!r}

def die():
    os.kill(os.getpid(), signal.SIGKILL)

real = Mail.send
def dying(self, message, handing_over):
    global left
    left -= 1
    def then():
        if left < 0 and moment == "before":
            die()
        handing_over()
        if left < 0 and moment == "marked":
            die()
    answer = real(self, message, then)
    if left < 0 and moment == "answered":
        answer.read()
        die()
    return answer
Mail.send = dying
with Store.open(Path({db!r})) as store:
    send(store, mail_settings(Server(), connections={connections}))
"""


def killed(store: Store, server: MailServer, folder: Path, **how: Any) -> None:
    """A run that is killed with its fifth message, in a process of its own."""
    script = KILLED.format(path=[*sys.path], port=server.port, after=4, db=str(at(folder)), **how)
    process = warm_start.Popen([sys.executable, "-c", script], cwd=folder)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("moment", "unknown", "arrived"), [("before", 0, 0), ("marked", 1, 0), ("answered", 1, 1)]
)
def test_a_killed_run_is_gone_on_with_and_only_the_message_in_hand_is_unknown(
    store: Store, server: MailServer, tmp_path: Path, moment: str, unknown: int, arrived: int
) -> None:
    add_readers(store, TEN)
    killed(store, server, tmp_path, moment=moment, connections=1)
    assert len(server.received) == 4 + arrived
    report = send(store, mail_settings(server))
    assert (report.sent, report.unknown) == (10 - 4 - unknown, unknown)
    assert max(server.addresses().values()) == 1
    assert len(server.received) == 10 - unknown + arrived


def test_a_run_that_is_killed_with_several_under_way_leaves_no_more_unknown_than_those(
    store: Store, server: MailServer, tmp_path: Path
) -> None:
    add_readers(store, TEN)
    server.answers_from = 99
    killed(store, server, tmp_path, moment="marked", connections=5)
    server.answers_from = 0
    assert states(store) == {"handing-over": 5, "reserved": 5}
    report = send(store, mail_settings(server))
    assert (report.sent, report.unknown) == (5, 5)
    assert max(server.addresses().values()) == 1


def test_an_empty_day_sends_nothing(store: Store, server: MailServer) -> None:
    add_reader(store, "ann@example.org")
    assert send(store, mail_settings(server), DAY + timedelta(days=30)).reserved == 0


def test_each_newsletter_has_its_own_editions_readers_and_ledger(store: Store, server: MailServer) -> None:
    graphs = Newsletter(name="graphs", title="Graphs weekly", filter=GRAPHS, footer="Made on the pier.")
    assert compose(store, DAY, taxonomy=TAXONOMY, newsletter=graphs).edition is not None
    add_reader(store, "all@example.org")
    add_reader(store, "graphs@example.org", newsletter="graphs")
    settings = mail_settings(server)
    channel = open_channel("mail", settings)
    graphs_press = Press(store, settings, TAXONOMY, "graphs", graphs.title, look=graphs)
    route = Route(store, graphs_press, "mail", channel)
    assert deliver(route, DAY).sent == 1
    channel.close()
    assert server.addresses() == {"graphs@example.org": 1}
    assert "Made on the pier." in server.received[0].part("html")
    assert str(server.received[0].message["List-ID"]) == "Graphs weekly <graphs.lists.example.org>"
    assert store.editions.is_published(DAY, "graphs")
    assert not store.editions.is_published(DAY)
    assert send(store, settings).sent == 1
