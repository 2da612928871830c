"""``subscribers`` as it is typed: asking, confirming, importing with proof, one's data, leaving."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broadsheet import subscribers
from broadsheet.filters import Filter
from broadsheet.store import Store
from in_process import Command
from servers.smtp import MailServer

ANN = "ann@example.org"
PROOF = ("--consent-how", "paper form", "--consent-when", "2026-01-02")
TOML = """[mail]
from = "papers@lists.example.org"
name = "Daily papers"
host = "127.0.0.1"
port = {port}
security = "none"
url = "https://lists.example.org"
"""
TWO = """[newsletter.daily]
title = "Every paper"
[newsletter.robots]
title = "Robots only"
tag = "robotics"
"""


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        Path("broadsheet.toml").write_text(TWO + TOML.format(port=running.port), encoding="utf-8")
        yield running


def kept() -> dict[str, str]:
    with Store.open("broadsheet.db") as store:
        return {each.address: each.state for each in store.subscribers.each()}


def test_who_is_asked_confirms_with_the_token_of_the_mail_and_no_other(
    broadsheet: Command, server: MailServer
) -> None:
    words = ("subscribers", "add", ANN, "--newsletter", "robots", "--tag", "robotics", "--rhythm", "weekly")
    assert broadsheet(*words) == 0
    assert ANN not in broadsheet.out + broadsheet.err
    (mail,) = server.received
    text = mail.part("plain") if mail.message.is_multipart() else str(mail.message.get_content())
    assert mail.message["Subject"] == "Please confirm: Robots only"
    assert mail.message["List-Unsubscribe"] is None
    link = re.search(r"https://lists\.example\.org/confirm/([\w-]{32})", text)
    assert link
    assert link[1] not in broadsheet.out + broadsheet.err
    assert kept() == {ANN: "pending"}
    assert broadsheet("subscribers", "confirm", "x" * 32) == 2
    assert "wrong or older than 48 hours" in broadsheet.err
    assert broadsheet("subscribers", "confirm", link[0]) == 0
    assert kept() == {ANN: "confirmed"}
    with Store.open("broadsheet.db") as store:
        (each,) = store.subscribers.each()
    assert (each.filter, each.rhythm, each.newsletter) == (Filter(tags=("robotics",)), "weekly", "robots")


def test_asking_says_the_same_of_a_known_and_of_an_unknown_address(
    broadsheet: Command, server: MailServer
) -> None:
    assert broadsheet("subscribers", "add", ANN, *PROOF) == 0
    assert broadsheet("subscribers", "suppress", "bob@example.org") == 0
    told = set()
    for address in (ANN, "bob@example.org", "cyd@example.org", "cyd@example.org"):
        assert broadsheet("subscribers", "add", address) == 0
        told.add(broadsheet.out)
    assert len(told) == 1
    assert server.addresses() == {ANN: 1, "cyd@example.org": 1}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("add", ANN, "--newsletter", "robot", *PROOF),
            "no newsletter “robot”; there is daily, robots.",
        ),
        (("add", ANN, "--rhythm", "hourly", *PROOF), "A rhythm is daily, weekly or monthly"),
        (("add", "ann", *PROOF), "no mail address"),
        (("add", ANN, "--tag", "knitting", *PROOF), "knitting"),
        (("add", ANN, "--consent-how", "form"), "when the reader agreed"),
        (("remove", ANN), "not subscribed"),
        (("remove", ANN, "--erase"), "add --yes"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    broadsheet: Command, server: MailServer, words: tuple[str, ...], told: str
) -> None:
    Store.open("broadsheet.db").close()
    assert broadsheet("subscribers", *words) == 2
    assert told in broadsheet.err
    assert len(broadsheet.err.splitlines()) == 1
    assert kept() == {}


def test_without_mail_one_is_told_how_to_add_a_reader(broadsheet: Command) -> None:
    assert broadsheet("subscribers", "add", ANN) == 2
    assert "--consent-how" in broadsheet.err


def test_an_import_takes_who_agreed_and_tells_of_each_other_line(
    broadsheet: Command, server: MailServer
) -> None:
    assert broadsheet("subscribers", "add", "left@example.org", *PROOF) == 0
    assert broadsheet("subscribers", "remove", "left@example.org", "--erase", "--yes") == 0
    Path("readers.csv").write_text(
        "address,newsletter,filter,rhythm,consent_how,consent_when\n"
        "ann@example.org,robots,tag=robotics&not=graphs,weekly,paper form,2026-01-02\n"
        "ann@example.org,robots,,,paper form,2026-01-02\n"
        "left@example.org,,,,paper form,2026-01-02\n"
        "bob@example.org,,,,,2026-01-02\n"
        "cyd@example.org,,,,paper form,some day\n"
        "dan@example.org,robot,,,paper form,2026-01-02\n"
        "eve@example.org,,tag=knitting,,paper form,2026-01-02\n"
        "fay,,,,paper form,2026-01-02\n",
        encoding="utf-8",
    )
    assert broadsheet("subscribers", "import", "readers.csv") == 1
    assert broadsheet.out == "1 added; 1 subscribed already; 1 have left or are suppressed; 5 refused\n"
    told = broadsheet.err.splitlines()
    assert [re.search(r"line (\d+)", line)[1] for line in told] == ["5", "6", "7", "8", "9"]  # type: ignore[index]
    assert "@" not in broadsheet.err
    assert kept() == {ANN: "confirmed"}


def test_what_is_exported_is_imported_as_it_was(
    broadsheet: Command, server: MailServer, tmp_path: Path
) -> None:
    broadsheet(
        "subscribers", "add", ANN, "--tag", "robotics", "--not", "survey", "--rhythm", "weekly", *PROOF
    )
    broadsheet("subscribers", "add", "+bob@example.org", "--code", "available", *PROOF)
    # Spreadsheets in East Asian languages take the full-width sign for the ASCII one.
    broadsheet("subscribers", "add", "cyd@example.org", *(PROOF[0], "＝1+1", *PROOF[2:]))
    assert broadsheet("subscribers", "export") == 0
    exported = broadsheet.out
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert [row["address"] for row in rows] == [ANN, "'+bob@example.org", "cyd@example.org"]
    assert rows[2]["consent_how"] == "'＝1+1"
    Path("readers.csv").write_text(exported, encoding="utf-8")
    assert broadsheet("subscribers", "import", "readers.csv", "--db", "other.db") == 0
    assert broadsheet("subscribers", "export", "--db", "other.db") == 0
    assert broadsheet.out == exported


def test_ones_data_are_printed_whole_and_then_erased_but_for_a_hash(
    broadsheet: Command, server: MailServer
) -> None:
    broadsheet("subscribers", "add", ANN, "--tag", "robotics", *PROOF)
    assert broadsheet("subscribers", "export", ANN) == 0
    (found,) = json.loads(broadsheet.out)
    assert found["address"] == ANN
    assert found["consent"] == {"how": "paper form", "when": "2026-01-02"}
    assert {"deliveries", "bounces"} <= found.keys()
    assert broadsheet("subscribers", "remove", ANN, "--erase", "--yes") == 0
    assert ANN not in broadsheet.out
    assert broadsheet("subscribers", "export", ANN) == 0
    assert json.loads(broadsheet.out) == []
    with Store.open("broadsheet.db") as store:
        store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        dumped = "\n".join(store._db.conn.iterdump())
    assert ANN not in dumped


def test_a_list_shows_who_is_subscribed_and_counts_them(broadsheet: Command, server: MailServer) -> None:
    broadsheet("subscribers", "add", ANN, *PROOF)
    broadsheet("subscribers", "add", "bob@example.org", "--newsletter", "robots", *PROOF)
    broadsheet("subscribers", "remove", "bob@example.org")
    assert broadsheet("subscribers", "list", "--json") == 0
    rows = [json.loads(line) for line in broadsheet.out.splitlines()]
    assert [(row["address"], row["state"]) for row in rows] == [
        (ANN, "confirmed"),
        ("bob@example.org", "unsubscribed"),
    ]
    assert "1 confirmed, 1 unsubscribed" in broadsheet.err
    assert broadsheet("subscribers", "list", "--state", "confirmed", "--newsletter", "robots") == 0
    assert broadsheet.out == ""


def test_a_suppressed_address_comes_back_only_when_it_is_allowed(
    broadsheet: Command, server: MailServer
) -> None:
    assert broadsheet("subscribers", "suppress", ANN, "--reason", "complaint") == 0
    assert broadsheet("subscribers", "suppressed", "--json") == 0
    assert json.loads(broadsheet.out) == {"complaint": 1}
    broadsheet("subscribers", "add", ANN)
    assert server.received == []
    assert broadsheet("subscribers", "allow", ANN) == 0
    broadsheet("subscribers", "add", ANN)
    assert server.addresses() == {ANN: 1}


def test_sending_forgets_who_never_confirmed(broadsheet: Command, server: MailServer) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=49)
    with Store.open("broadsheet.db") as store:
        subscribers.subscribe(store, ANN, "daily", Filter(), now=lambda: long_ago)
        subscribers.subscribe(store, "bob@example.org", "daily", Filter())
    assert broadsheet("run", "sample", "--date", "2026-01-05", "--engine", "extractive", "--quiet") == 0
    assert broadsheet("send", "--quiet") == 0
    assert kept() == {"bob@example.org": "pending"}
