"""Mail over SMTP: encryption, login, pace, and connections that break."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from broadsheet.channels import ChannelDown, Deferred, Refused
from broadsheet.channels.mail import Mail, Pace
from broadsheet.channels.message import Content, Message
from broadsheet.config import Settings
from broadsheet.errors import ConfigError
from builders import DAY
from readers import FakeClock, mail_settings
from servers.smtp import PASSWORD, MailServer, certificate

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the test's certificate")
CONTENT = Content("daily", "Papers", "2026-01-05", DAY, "Monday", "Tides", "<p>x</p>", ".\n..\nx\n", 1)


def hand_over(settings: Settings, *addresses: str) -> list[str]:
    """Hand a message over to each address; returns what was called before each left."""
    assert settings.mail is not None
    channel, called = Mail(settings.mail), []
    try:
        for number, address in enumerate(addresses):
            message = Message(CONTENT, f"{number:040x}", address, "x" * 32)
            channel.send(message, lambda address=address: called.append(address)).read()  # type: ignore[misc]
    finally:
        channel.close()
    return called


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADSHEET_MAIL_PASSWORD", PASSWORD)


@needs_openssl
@pytest.mark.parametrize(("security", "implicit"), [("starttls", False), ("tls", True)])
def test_mail_is_encrypted_and_logged_in_for(
    tmp_path: Path, signed_in: None, security: str, implicit: bool
) -> None:
    context, cert = certificate(tmp_path)
    with MailServer(tls=context, implicit=implicit, auth=True) as server:
        settings = mail_settings(
            server, host="localhost", security=security, ca_file=str(cert), user="papers"
        )
        hand_over(settings, "ann@example.org")
    assert server.addresses() == {"ann@example.org": 1}
    assert server.logins == {True: 1}


@needs_openssl
@pytest.mark.parametrize(("security", "implicit"), [("starttls", False), ("tls", True)])
@pytest.mark.parametrize(("name", "trusted"), [("localhost", False), ("other.example.org", True)])
def test_a_certificate_that_is_not_the_servers_stops_before_the_password_leaves(
    tmp_path: Path, signed_in: None, security: str, implicit: bool, name: str, trusted: bool
) -> None:
    context, cert = certificate(tmp_path, name)
    more: dict[str, Any] = {"ca_file": str(cert)} if trusted else {}
    with MailServer(tls=context, implicit=implicit, auth=True) as server:
        settings = mail_settings(server, host="localhost", security=security, user="papers", **more)
        with pytest.raises(ConfigError, match="certificate"):
            hand_over(settings, "ann@example.org")
    assert server.logins == {}


def test_a_server_without_starttls_is_sent_nothing() -> None:
    with MailServer() as server:
        settings = mail_settings(server, host="localhost", security="starttls")
        with pytest.raises(ConfigError, match="STARTTLS"):
            hand_over(settings, "ann@example.org")
    assert server.received == []


@needs_openssl
def test_a_wrong_password_is_one_sentence_that_does_not_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROADSHEET_MAIL_PASSWORD", "wrong-secret")
    context, cert = certificate(tmp_path)
    with MailServer(tls=context, implicit=True, auth=True) as server:
        settings = mail_settings(server, host="localhost", security="tls", ca_file=str(cert), user="papers")
        with pytest.raises(ConfigError) as caught:
            hand_over(settings, "ann@example.org")
    assert "BROADSHEET_MAIL_PASSWORD" in str(caught.value)
    assert "wrong-secret" not in str(caught.value) + repr(settings)


def test_lines_of_dots_arrive_as_they_were() -> None:
    with MailServer() as server:
        hand_over(mail_settings(server), "ann@example.org")
    assert server.received[0].part("plain") == ".\n..\nx\n"


def test_the_sender_is_the_address_for_bounces_with_the_key() -> None:
    with MailServer() as server:
        hand_over(mail_settings(server, bounces="b@lists.example.org"), "ann@example.org")
    assert server.received[0].sender == f"b+{0:040x}@lists.example.org"


def test_a_server_that_takes_commands_together_gets_them_together() -> None:
    heard: list[bytes] = []

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.settimeout(300.0)
            for answer, last in (
                (b"220 mail.test\r\n", b"\r\n"),
                (b"250-mail.test\r\n250 PIPELINING\r\n", b"DATA\r\n"),
                (b"250 OK\r\n250 OK\r\n354 go on\r\n", b"\r\n.\r\n"),
                (b"250 taken\r\n", b"quit\r\n"),
            ):
                connection.sendall(answer)
                chunk = b""
                while not chunk.endswith(last):
                    chunk += connection.recv(65_536)
                heard.append(chunk)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Thread(target=serve, daemon=True)
        server.start()
        hand_over(mail_settings(port=listening.getsockname()[1]), "ann@example.org")
        server.join()
    assert heard[1].split(b"\r\n")[:3] == [
        b"MAIL FROM:<papers@lists.example.org>", b"RCPT TO:<ann@example.org>", b"DATA"
    ]  # fmt: skip


def test_one_who_is_refused_among_commands_sent_together_keeps_nobody_else_from_the_mail() -> None:
    with MailServer() as server:
        server.extensions = ["PIPELINING"]
        server.at_rcpt = {"bob@example.org": "550 5.1.1 nobody", "cyd@example.org": "450 4.2.1 later"}
        assert hand_over(mail_settings(server), "ann@example.org") == ["ann@example.org"]
        with pytest.raises(Refused, match="nobody") as refused:
            hand_over(mail_settings(server), "ann@example.org", "bob@example.org")
        assert refused.value.status == "5.1.1"
        settings = mail_settings(server).mail
        assert settings is not None
        channel = Mail(settings)
        with pytest.raises(Deferred, match="later"):
            channel.send(Message(CONTENT, "a" * 40, "cyd@example.org", "x" * 32), lambda: None)
        channel.send(Message(CONTENT, "b" * 40, "dan@example.org", "x" * 32), lambda: None).read()
        channel.close()
    assert server.addresses() == {"ann@example.org": 2, "dan@example.org": 1}
    assert server.received[-1].session == server.connections


def test_a_server_that_takes_data_for_nobody_is_given_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        heard: list[bytes] = []

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, connection.makefile("rb") as lines:
                connection.sendall(b"220 mail.test\r\n")
                lines.readline()
                connection.sendall(b"250-mail.test\r\n250 PIPELINING\r\n")
                for _ in range(3):
                    lines.readline()
                connection.sendall(b"250 OK\r\n550 5.1.1 nobody\r\n354 go on\r\n")
                heard.append(lines.readline())
                connection.sendall(b"554 5.5.1 no valid recipients\r\n")
                heard.append(lines.readline())
                connection.sendall(b"250 reset\r\n")

        server = Thread(target=serve, daemon=True)
        server.start()
        with pytest.raises(Refused, match="nobody"):
            hand_over(mail_settings(port=listening.getsockname()[1]), "ann@example.org")
        server.join()
    assert heard == [b".\r\n", b"rset\r\n"]


def test_a_server_that_does_not_answer_hands_nothing_over() -> None:
    with pytest.raises(ChannelDown, match=r"127\.0\.0\.1:9"):
        hand_over(mail_settings(), "ann@example.org")


def test_messages_leave_at_the_pace_that_is_set() -> None:
    clock = FakeClock()
    pace = Pace(4.0, clock)
    for _ in range(5):
        pace.wait()
    assert clock.slept == [0.25] * 4
    clock.time += 10.0  # a pause is not made up for by a burst
    pace.wait()
    pace.wait()
    assert clock.slept == [0.25] * 5


@pytest.mark.parametrize(
    ("mail", "words"),
    [
        ({"from": "nobody"}, "mail address"),
        ({"url": "http://lists.example.org"}, "https"),
        ({"url": "https://lists.example.org/\n"}, "web address"),
        ({"host": "mail.example.org"}, "in the clear"),
        ({"name": "Papers\r\nBcc: x"}, "name"),
        ({"password": "secret-of-mine"}, "no setting"),
        ({"messages_per_second": 0}, "messages_per_second"),
    ],
)
def test_a_wrong_setting_is_one_sentence(mail: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        mail_settings(**mail)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret-of-mine" not in str(caught.value)


def test_a_password_may_come_from_a_file_and_a_missing_one_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("tide\n", encoding="utf-8")
    found = mail_settings(password_file=str(tmp_path / "password")).mail
    assert found is not None
    assert found.password() == "tide"
    for path in (None, str(tmp_path / "absent")):
        table = mail_settings(**({"password_file": path} if path else {})).mail
        assert table is not None
        with pytest.raises(ConfigError, match="password_file"):
            table.password()


def test_the_variable_of_the_password_is_no_misspelt_setting(
    monkeypatch: pytest.MonkeyPatch, signed_in: None
) -> None:
    from broadsheet.config import misspelt_variables

    assert misspelt_variables() == []
