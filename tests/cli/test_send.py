"""``send`` and ``bounces`` as they are typed: drafts, stops, refusals, lost answers, and what is not told."""

from __future__ import annotations

import email
import json
import re
import shutil
from collections.abc import Iterator
from email import policy
from pathlib import Path

import pytest

from broadsheet import subscribers
from broadsheet.store import Store
from commands import ended, start
from editions import small_edition
from in_process import Command
from readers import add_readers
from servers.smtp import MailServer

TEN = [f"reader{number}@example.org" for number in range(10)]
TOML = """[mail]
from = "papers@lists.example.org"
host = "127.0.0.1"
port = {port}
security = "none"
url = "https://lists.example.org"
bounces = "bounces@lists.example.org"
postal = "1 Quay Street, Saltmarsh"
messages_per_second = 100000
"""
REPORT = """From: MAILER-DAEMON@mx.example.org
To: bounces+{key}@lists.example.org
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="x"

--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; {address}
Action: failed
Status: {status}
Diagnostic-Code: smtp; 550 {status} <{address}> says no

--x--
"""


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        Path("broadsheet.toml").write_text(TOML.format(port=running.port), encoding="utf-8")
        yield running


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with an edition and ten readers."""
    path = tmp_path_factory.mktemp("cache") / "broadsheet.db"
    store, _ = small_edition(path)
    with store:
        add_readers(store, TEN)
    return path


@pytest.fixture(autouse=True)
def _copied(cache: Path) -> None:
    shutil.copy(cache, "broadsheet.db")


def states() -> dict[str, int]:
    with Store.open("broadsheet.db") as store:
        return dict(store.deliveries.states("daily", "mail"))


def reader_states() -> dict[str, str]:
    with Store.open("broadsheet.db") as store:
        return {each.address: each.state for each in store.subscribers.each()}


def due_now() -> None:
    """As if the wait after a deferral were over."""
    with Store.open("broadsheet.db") as store, store.transaction():
        store._db.execute("UPDATE deliveries SET next_try_at = '2000-01-01' WHERE state = 'deferred'")


def tells_of_no_reader(broadsheet: Command) -> bool:
    """Whether neither an address nor anything that could be a token was printed."""
    told = broadsheet.out + broadsheet.err
    return "@" not in told and not re.search(r"(?<![\w-])[\w-]{32}(?![\w-])", told)


def test_a_dry_run_writes_a_file_that_mail_programs_open_for_each_reader_and_sends_nothing(
    broadsheet: Command, server: MailServer
) -> None:
    assert broadsheet("send", "--dry-run", "--out", "drafts") == 0
    assert broadsheet.out == "10 messages written to drafts; nothing was sent.\n"
    drafts = [
        email.message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in Path("drafts").glob("*.eml")
    ]
    assert sorted(str(each["To"]) for each in drafts) == TEN
    assert all("1 Quay Street, Saltmarsh" in str(each.get_body(("html",))) for each in drafts)
    assert server.connections == 0
    assert states() == {}


def test_sending_says_how_many_and_a_second_time_none(broadsheet: Command, server: MailServer) -> None:
    assert broadsheet("send") == 0
    assert broadsheet.out == "10 messages sent through mail.\n"
    assert tells_of_no_reader(broadsheet)
    assert broadsheet("send", "--json") == 0
    told = json.loads(broadsheet.out)
    assert (told["sent"], told["reserved"], told["newsletter"]) == (0, 0, "daily")
    assert server.addresses() == dict.fromkeys(TEN, 1)


@pytest.mark.parametrize("statements", [170, 200, 230])
def test_a_process_that_is_killed_after_some_has_the_next_send_the_rest(
    broadsheet: Command, server: MailServer, statements: int
) -> None:
    code, _, _ = ended(start("send", killed_after=statements))
    assert code == -9
    before = len(server.received)
    assert before < 10
    broadsheet("send")
    unknown = states().get("unknown", 0)
    assert unknown <= 2  # as many as there are connections
    assert states().get("sent", 0) + unknown == 10
    assert 10 - unknown <= len(server.received) <= 10
    assert max(server.addresses().values()) == 1


def test_a_server_that_says_later_is_asked_again_when_the_wait_is_over_and_not_before(
    broadsheet: Command, server: MailServer
) -> None:
    server.at_data[TEN[3]] = "451 4.7.1 greylisted"
    assert broadsheet("send") == 1
    assert "1 to be tried again: the other side said later." in broadsheet.out
    assert tells_of_no_reader(broadsheet)
    server.at_data.clear()
    assert broadsheet("send") == 0
    assert states() == {"deferred": 1, "sent": 9}
    due_now()
    assert broadsheet("send") == 0
    assert states() == {"sent": 10}
    assert server.addresses() == dict.fromkeys(TEN, 1)


def test_an_address_that_does_not_exist_is_not_written_to_again(
    broadsheet: Command, server: MailServer
) -> None:
    server.at_rcpt[TEN[0]] = f"550 5.1.1 <{TEN[0]}>: no such user"
    assert broadsheet("send") == 1
    assert "1 refused." in broadsheet.out
    assert tells_of_no_reader(broadsheet)
    assert reader_states()[TEN[0]] == "suppressed"
    assert broadsheet("subscribers", "suppressed") == 0
    assert "1  bounced" in broadsheet.out


def test_a_lost_answer_is_told_of_and_the_message_is_sent_again_only_when_asked(
    broadsheet: Command, server: MailServer
) -> None:
    server.lose_answer_for = {TEN[0]}
    assert broadsheet("send") == 1
    assert (
        "1 may have arrived, but were never answered; send them again with --resend-unknown."
        in broadsheet.out
    )
    assert "unknown: 2026-01-05 to subscriber 1: the connection was lost" in broadsheet.err
    assert TEN[0] not in broadsheet.out + broadsheet.err
    assert broadsheet("send") == 1
    assert server.addresses()[TEN[0]] == 1
    server.lose_answer_for = set()
    assert broadsheet("send", "--resend-unknown") == 0
    assert server.addresses()[TEN[0]] == 2


def test_a_server_that_is_down_is_one_sentence_and_everything_is_left(broadsheet: Command) -> None:
    Path("broadsheet.toml").write_text(TOML.format(port=9), encoding="utf-8")
    assert broadsheet("send") == 1
    assert "127.0.0.1:9 cannot be reached" in broadsheet.out
    assert "10 still to send; run the same command again." in broadsheet.out
    assert tells_of_no_reader(broadsheet)


def test_an_edition_sent_to_a_folder_is_written_there_once(broadsheet: Command) -> None:
    assert broadsheet("send", "--channel", "directory", "--out", "www") == 0
    folder = Path("www/daily/2026-01-05")
    assert {path.name for path in folder.iterdir()} == {"index.html", "index.md", "index.txt"}
    (folder / "index.txt").unlink()
    assert broadsheet("send", "--channel", "directory", "--out", "www") == 0
    assert not (folder / "index.txt").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--newsletter", "robots"), "There is no newsletter “robots”; there is daily."),
        (("--date", "2026-02-01"), "make it with: broadsheet compose --date 2026-02-01"),
        (("--channel", "pigeon"), "--channel takes mail"),
        ((), "There is no [mail] in broadsheet.toml yet; docs/mail.md shows one."),
        (("--dry-run",), "There is no [mail] in broadsheet.toml yet; docs/mail.md shows one."),
    ],
)
def test_what_cannot_be_sent_is_one_sentence(broadsheet: Command, words: tuple[str, ...], told: str) -> None:
    assert broadsheet("send", *words) == 2
    assert told in broadsheet.err
    assert len(broadsheet.err.splitlines()) == 1


def report(key: str, address: str, status: str) -> bytes:
    return REPORT.format(key=key, address=address, status=status).encode()


def key_of(address: str) -> str:
    with Store.open("broadsheet.db") as store:
        (each,) = store.subscribers.find(subscribers.address_hash(address))
        rows = store._db.execute("SELECT key FROM deliveries WHERE subscriber_id = ?", [each.id])
        return str(rows.fetchone()[0])


def test_reports_in_a_maildir_end_what_cannot_be_delivered_and_count_once(
    broadsheet: Command, server: MailServer
) -> None:
    broadsheet("send")
    for name in ("cur", "new", "tmp"):
        Path("returned", name).mkdir(parents=True)
    for place, (address, status) in enumerate(((TEN[0], "5.1.1"), (TEN[1], "4.2.2"), (TEN[2], "5.7.1"))):
        Path("returned/new", str(place)).write_bytes(report(key_of(address), address, status))
    Path("returned/new/stray").write_bytes(b"Subject: hello\n\nI am on holiday.\n")
    assert broadsheet("bounces", "returned") == 0
    assert broadsheet.out == "4 messages: 3 failed deliveries, 2 new; 1 reader suppressed.\n"
    assert tells_of_no_reader(broadsheet)
    assert [reader_states()[address] for address in TEN[:3]] == ["suppressed", "confirmed", "confirmed"]
    assert broadsheet("bounces", "returned", "--json") == 0
    assert json.loads(broadsheet.out)["new"] == 0


@pytest.mark.parametrize("name", ["absent.mbox", "."])
def test_a_place_without_reports_is_one_sentence(broadsheet: Command, name: str) -> None:
    assert broadsheet("bounces", name) == 2
    assert len(broadsheet.err.splitlines()) == 1
