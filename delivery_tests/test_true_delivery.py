"""Mail that went through Postfix, OpenDKIM and Dovecot and was read back over IMAP is what was meant."""

from __future__ import annotations

import email
import email.policy
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from broadsheet.compose import compose
from broadsheet.store import Store
from builders import DAY, add, annotate, annotation, paper, sighting
from editions import TAXONOMY
from mail_host import BOUNCES, NOBODY, NOBODY_LATER, PASSWORD, READER, SELECTOR, SENDER, MailHost

pytestmark = pytest.mark.timeout(600)  # three servers and eight commands start before the first test
dkim = pytest.importorskip("dkim")
TITLE = "Ebbe & Flut: 潮汐 in Zeiten – déjà vu"
CONSENT = ("--consent-how", "paper form", "--consent-when", "2026-01-02")
TOKEN = re.compile(r"[\w-]{32}")


@dataclass(frozen=True)
class Ended:
    """What the command said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Delivered:
    """What went out, and what came in.

    Attributes:
        host: The mail host.
        folder: Where the command ran.
        sent: What `send` said.
        raw: The newsletter as IMAP gave it.
        drawn: The same message as `send --dry-run` wrote it.
        report: The bounce as IMAP gave it.
    """

    host: MailHost
    folder: Path
    sent: Ended
    raw: bytes
    drawn: bytes
    report: bytes


def broadsheet(folder: Path, *words: str, given: bytes = b"") -> Ended:
    done = subprocess.run(
        [sys.executable, "-m", "broadsheet", *words], cwd=folder, input=given, capture_output=True,
        env={**os.environ, "BROADSHEET_MAIL_PASSWORD": PASSWORD}, check=False,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(raw: bytes, kind: str) -> str:
    found = parsed(raw).get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def set_up(folder: Path, host: MailHost) -> None:
    (folder / "broadsheet.toml").write_text(
        f'[mail]\nfrom = "{SENDER}"\nhost = "localhost"\nport = {host.port}\nuser = "{SENDER}"\n'
        f'ca_file = "{host.authority}"\nurl = "https://lists.example.org"\nbounces = "{BOUNCES}"\n',
        encoding="utf-8",
    )
    with Store.open(folder / "broadsheet.db") as store:
        for place, title in enumerate((TITLE, "Kelp Grows at Noon", "Salt Lines")):
            one = paper(title, sighting=sighting(votes=90 - place, rank=place), url="https://example.org/p")
            add(store, one)
            annotate(store, one, said=annotation(tldr=f"Number {place} says “ebb” — and flow."))
        compose(store, DAY, taxonomy=TAXONOMY)


@pytest.fixture(scope="module")
def delivered() -> Iterator[Delivered]:
    # pytest's own folders are closed to the users that the programs run as.
    with TemporaryDirectory() as name, TemporaryDirectory() as own:
        Path(name).chmod(0o755)
        folder = Path(own)
        with MailHost(Path(name)) as host:
            set_up(folder, host)
            asked = broadsheet(folder, "subscribers", "add", READER)
            assert asked.code == 0, asked.err + host.logs()
            (confirmation,) = host.mailbox(READER, 1)
            link = re.search(r"https://lists\.example\.org/confirm/(\S+)", part(confirmation, "plain"))
            assert link
            assert broadsheet(folder, "subscribers", "confirm", link[1]).code == 0
            for address in (NOBODY, NOBODY_LATER):
                assert broadsheet(folder, "subscribers", "add", address, *CONSENT).code == 0
            assert broadsheet(folder, "send", "--dry-run").code == 0
            sent = broadsheet(folder, "send")
            newsletter = host.mailbox(READER, 2)[1]
            (report,) = host.mailbox(BOUNCES, 1)
            key = str(parsed(newsletter)["Message-ID"]).strip("<>").partition("@")[0]
            (drawn,) = (folder / "outbox").glob(f"*-{key}.eml")
            yield Delivered(host, folder, sent, newsletter, drawn.read_bytes(), report)


def test_it_came_encrypted_and_logged_in(delivered: Delivered) -> None:
    assert "with ESMTPSA" in str(parsed(delivered.raw).get_all("Received", []))


def test_both_parts_came_as_they_were_rendered_but_for_the_token(delivered: Delivered) -> None:
    assert [each.get_content_type() for each in parsed(delivered.raw).iter_parts()] == [
        "text/plain",
        "text/html",
    ]
    for kind in ("plain", "html"):
        came, drawn = (
            re.sub(r"(unsubscribe|preferences)/[\w-]{32}", r"\1/TOKEN", part(raw, kind))
            for raw in (delivered.raw, delivered.drawn)
        )
        assert came == drawn


def test_the_subject_has_its_letters_and_no_word_is_too_long(delivered: Delivered) -> None:
    assert str(parsed(delivered.raw)["Subject"]) == f"{TITLE} and 2 more"
    head = delivered.raw.partition(b"\r\n\r\n")[0]
    words = re.findall(rb"=\?[^?]+\?.\?[^?]+\?=", head)
    assert words
    assert max(map(len, words)) <= 75


def test_the_headers_of_the_list_are_in_one_line_each(delivered: Delivered) -> None:
    head = delivered.raw.partition(b"\r\n\r\n")[0] + b"\r\n"
    assert re.search(
        rb"(?m)^List-Unsubscribe: <https://lists\.example\.org/unsubscribe/[\w-]{32}>, <mailto:[^>]+>\r$",
        head,
    )
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in head
    assert re.search(rb"(?mi)^List-Id: Broadsheet <daily\.lists\.example\.org>\r$", head)
    assert re.search(rb"(?m)^Message-ID: <[0-9a-f]{40}@lists\.example\.org>\r$", head)


def test_the_signature_of_opendkim_verifies_and_covers_both_unsubscribe_headers(delivered: Delivered) -> None:
    asked = []

    def dns(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return delivered.host.public_key()

    assert dkim.verify(delivered.raw, dnsfunc=dns)
    assert asked == [f"{SELECTOR}._domainkey.lists.example.org.".encode()]
    signature = str(parsed(delivered.raw)["DKIM-Signature"])
    covered = re.sub(r"\s", "", signature).lower().partition(";h=")[2].partition(";")[0].split(":")
    assert {"list-unsubscribe", "list-unsubscribe-post", "list-id", "from", "subject", "to"} <= set(covered)
    changed = delivered.raw.replace(b"List-Unsubscribe-Post: L", b"List-Unsubscribe-Post: l")
    assert not dkim.verify(changed, dnsfunc=dns)


def test_the_envelope_names_the_delivery(delivered: Delivered) -> None:
    key = str(parsed(delivered.raw)["Message-ID"]).strip("<>").partition("@")[0]
    assert str(parsed(delivered.raw)["Return-Path"]) == f"<bounces+{key}@lists.example.org>"


def test_an_unknown_address_is_refused_at_once_and_named_nowhere(delivered: Delivered) -> None:
    assert delivered.sent.code == 1
    assert "2 messages sent" in delivered.sent.out
    assert "1 refused" in delivered.sent.out
    assert "@" not in delivered.sent.out + delivered.sent.err
    with Store.open(delivered.folder / "broadsheet.db") as store:
        states = {each.address: each.state for each in store.subscribers.each()}
    assert (states[READER], states[NOBODY]) == ("confirmed", "suppressed")


def test_a_report_that_comes_back_suppresses_its_reader_once(delivered: Delivered) -> None:
    first = broadsheet(delivered.folder, "bounces", "-", given=delivered.report)
    assert first.code == 0
    assert "1 failed delivery, 1 new; 1 reader suppressed" in first.out
    assert "@" not in first.out + first.err
    path = delivered.folder / "report.eml"
    path.write_bytes(delivered.report)
    assert "0 new; 0 readers suppressed" in broadsheet(delivered.folder, "bounces", str(path)).out
    with Store.open(delivered.folder / "broadsheet.db") as store:
        states = {each.address: each.state for each in store.subscribers.each()}
    assert states == {READER: "confirmed", NOBODY: "suppressed", NOBODY_LATER: "suppressed"}


def test_sending_again_sends_nothing(delivered: Delivered) -> None:
    again = broadsheet(delivered.folder, "send")
    assert "0 messages sent" in again.out
    assert len(delivered.host.mailbox(READER, 2)) == 2
