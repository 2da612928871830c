"""A message on the wire: its headers, its parts and its lines, after a round trip through a mail server."""

from __future__ import annotations

import email.header
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.channels.envelope import POLICY, Envelope
from broadsheet.channels.message import PLACEHOLDER, Content, Message
from broadsheet.reader_tokens import TOKEN_LENGTH, random_token
from builders import DAY
from editions import small_edition
from readers import add_reader, at, mail_settings, send
from servers.smtp import MailServer, Received

TOKEN = "Tide-table_0123456789abcdefghijk"


def content(**fields: Any) -> Content:
    made = {
        "newsletter": "daily", "title": "Daily papers", "issue": "2026-01-05", "day": DAY, "date": "Monday",
        "subject": "Tides", "html": f"<p>{PLACEHOLDER}</p>", "text": f"Leave: {PLACEHOLDER}\n",
        "markdown": "", "headlines": (), "papers": 1,
    }  # fmt: skip
    return Content(**{**made, **fields})


def envelope(**mail: Any) -> Envelope:
    settings = mail_settings(**mail).mail
    assert settings is not None
    return Envelope(settings)


def raw_message(**fields: Any) -> bytes:
    return envelope().message(Message(content(**fields), "ab" * 20, "ann@example.org", TOKEN))


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Received]:
    folder = tmp_path_factory.mktemp("mail")
    store, _ = small_edition(at(folder))
    with MailServer() as server, store:
        add_reader(store, "ann@example.org")
        send(store, mail_settings(server))
        yield server.received[0]


def test_text_comes_before_html_and_nothing_else_is_in_it(received: Received) -> None:
    message = received.message
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert {part["Content-Transfer-Encoding"] for part in message.iter_parts()} == {"quoted-printable"}
    assert message.defects == []


def test_each_header_of_a_list_is_there_once_and_in_one_line(received: Received) -> None:
    head = received.raw.partition(b"\r\n\r\n")[0]
    for name in (
        "From", "To", "Subject", "Date", "Message-ID", "List-ID", "List-Unsubscribe", "List-Unsubscribe-Post",
        "Auto-Submitted", "MIME-Version",
    ):  # fmt: skip
        assert len(received.message.get_all(name, [])) == 1, name
    assert re.search(rb"(?m)^List-Unsubscribe: <https://[^\s>]+>, <mailto:[^\s>]+>\r?$", head)
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in head + b"\r\n"
    assert re.search(rb"(?m)^List-ID: Broadsheet <daily\.lists\.example\.org>\r?$", head)


def test_lines_end_as_smtp_wants_and_are_short(received: Received) -> None:
    assert b"\n" not in received.raw.replace(b"\r\n", b"")
    head, _, body = received.raw.partition(b"\r\n\r\n")
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert max(map(len, body.split(b"\r\n"))) <= 78


def test_what_arrives_is_what_was_rendered(received: Received, tmp_path: Path) -> None:
    assert received.part("html").startswith("<!DOCTYPE html>")
    assert "مد و جزر" in received.part("html")
    assert "Béla Tóth" in received.part("plain")
    assert PLACEHOLDER not in received.raw.decode()
    assert "TOKEN" not in received.part("plain") + received.part("html")


@given(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=200), st.integers(0, 120))
def test_a_token_fits_wherever_the_placeholder_stands(words: str, place: int) -> None:
    text = f"{words[:place]}{PLACEHOLDER}{words[place:]}\n{PLACEHOLDER}"
    raw = envelope().message(Message(content(text=text), "ab" * 20, "ann@example.org", TOKEN))
    found = Received("", (), raw, 1).part("plain")
    assert found == text.replace(PLACEHOLDER, TOKEN) + "\n"
    assert max(map(len, raw.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 78


def test_the_placeholder_is_as_long_as_a_token() -> None:
    assert len(PLACEHOLDER) == TOKEN_LENGTH == len(random_token())


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=60))
def test_a_subject_of_any_letters_arrives_as_it_was_in_words_of_at_most_75_characters(subject: str) -> None:
    subject = " ".join(subject.split()) or "x"
    raw = POLICY.fold("Subject", subject)
    assert all(len(word) <= 75 for word in re.findall(r"=\?[^ ]+\?=", raw))
    assert all(len(line) <= 78 for line in raw.split("\r\n"))
    parts = email.header.decode_header(raw.removeprefix("Subject: ").replace("\r\n", ""))
    assert "".join(p.decode(c or "ascii") if isinstance(p, bytes) else p for p, c in parts) == subject


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "Tides\r\nBcc: bob@example.org"},
        {"subject": "Tides\nBcc: bob@example.org"},
        {"subject": "Tides\x00"},
    ],
)
def test_a_header_that_would_be_two_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"(?i)subject|linefeed|header"):
        raw_message(**fields)


@pytest.mark.parametrize("title", ["Papers\r\nBcc: bob@example.org", "Papers <x@example.org>", "Ünïcode ☃"])
def test_a_title_of_a_newsletter_adds_no_header(title: str) -> None:
    message = Received("", (), raw_message(title=title), 1).message
    assert message["Bcc"] is None
    assert str(message["List-ID"]).endswith("<daily.lists.example.org>")


@pytest.mark.parametrize("token", ["", "short", "x" * 31 + "\n", "x" * 31 + "="])
def test_what_is_no_token_goes_into_no_message(token: str) -> None:
    with pytest.raises(ValueError, match=r"token|in one line|linefeed"):
        envelope().message(Message(content(), "ab" * 20, "ann@example.org", token))


def test_a_long_address_of_the_site_is_not_turned_into_encoded_words() -> None:
    raw = envelope(url="https://lists.example.org/" + "a" * 200).message(
        Message(content(), "ab" * 20, "ann@example.org", TOKEN)
    )
    assert b"List-Unsubscribe: <https://" in raw
    assert b"=?" not in raw


def test_a_retry_has_the_same_message_id_and_two_readers_have_different_ones() -> None:
    settings = envelope()
    ids = [
        Received("", (), settings.message(Message(content(), key, "ann@example.org", TOKEN)), 1).message[
            "Message-ID"
        ]
        for key in ("ab" * 20, "ab" * 20, "cd" * 20)
    ]
    assert ids[0] == ids[1] != ids[2]


def test_a_confirmation_is_account_mail(tmp_path: Path) -> None:
    raw = envelope(account_from="accounts@example.org").confirmation(
        "ann@example.org", "Daily papers", "Please confirm:\nhttps://x\n", "ab" * 20
    )
    message = Received("", (), raw, 1).message
    assert message["From"] == "Broadsheet <accounts@example.org>"
    assert message["List-Unsubscribe"] is None
    assert message["List-ID"] is None
    assert message.get_content().replace("\r\n", "\n") == "Please confirm:\nhttps://x\n"


def test_dkim_covers_both_unsubscribe_headers_and_a_changed_byte_breaks_it(tmp_path: Path) -> None:
    dkim = pytest.importorskip("dkim")
    import subprocess

    key = tmp_path / "dkim.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    public = subprocess.run(
        ["openssl", "rsa", "-in", str(key), "-pubout"], check=True, capture_output=True, text=True
    ).stdout
    record = "v=DKIM1; k=rsa; p=" + "".join(public.splitlines()[1:-1])
    store, _ = small_edition(at(tmp_path))
    with MailServer() as server, store:
        add_reader(store, "ann@example.org")
        send(store, mail_settings(server, dkim_key=str(key), dkim_selector="tide"))
    raw = server.received[0].raw
    asked: list[bytes] = []

    def dns(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return record.encode()

    assert dkim.verify(raw, dnsfunc=dns)
    assert asked == [b"tide._domainkey.lists.example.org."]
    signed = re.sub(rb"\s", b"", raw.partition(b"\r\nFrom:")[0]).lower()
    assert b"list-unsubscribe:list-unsubscribe-post" in signed
    assert not dkim.verify(raw.replace(b"SandLoom", b"SandLooM", 1), dnsfunc=dns)
    assert not dkim.verify(raw.replace(b"List-Unsubscribe: <https", b"List-Unsubscribe: <httpz"), dnsfunc=dns)
