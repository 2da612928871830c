"""Chat rooms, a folder, standard output: each issue once, within each service's limits, harmless."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from broadsheet.channels import CHANNELS, Content, Headline
from broadsheet.channels.digest import utf16_length
from broadsheet.channels.telegram import MESSAGE_CHARACTERS, body
from broadsheet.channels.webhook import (
    BODIES,
    DISCORD_DESCRIPTION,
    MATTERMOST_POST,
    SLACK_BLOCK,
    SLACK_BLOCKS,
)
from broadsheet.config import Settings
from broadsheet.deliver import Route, deliver
from broadsheet.errors import ConfigError
from broadsheet.store import Store
from builders import DAY, rows
from editions import small_edition
from readers import at, mail_settings, press, send
from servers.loopback import Answer, Call, LoopbackServer

HOSTILE = "@everyone <!channel> [x](javascript:y) *b* _u_ `c` | <b>&amp; ~~s~~ #1 @here"


def content(papers: int, title: str = "😀" * 150, sentence: str = "It measures tides. " * 30) -> Content:
    headlines = tuple(
        Headline(title, f"https://example.org/{number}", sentence) for number in range(min(papers, 50))
    )
    return Content("daily", "Papers", "2026-01-05", DAY, "Monday", "x", "", "", papers, headlines=headlines)


class Room:
    """A chat service that keeps what is posted."""

    def __init__(self, *answers: Answer) -> None:
        self.calls: list[Call] = []
        self._answers = list(answers)

    async def respond(self, call: Call) -> Answer:
        self.calls.append(call)
        return self._answers.pop(0) if self._answers else Answer()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made, _ = small_edition(at(tmp_path))
    with made:
        yield made


def state(store: Store, channel: str) -> dict[str, int]:
    return dict(store.deliveries.states("daily", channel))


def webhook(monkeypatch: pytest.MonkeyPatch, url: str, kind: str = "slack") -> Settings:
    monkeypatch.setenv("BROADSHEET_WEBHOOK_URL", f"{url}/secret-path")
    return Settings.load(webhook={"kind": kind})


@pytest.mark.parametrize("kind", sorted(BODIES))
def test_a_room_gets_an_edition_once(store: Store, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    room = Room()
    with LoopbackServer(room.respond) as server:
        settings = webhook(monkeypatch, server.url, kind)
        assert send(store, settings, name="webhook").sent == 1
        assert send(store, settings, name="webhook").sent == 0
    (call,) = room.calls
    assert call.path == "/secret-path"
    assert "SandLoom" in call.body.decode()


def test_telegram_gets_an_edition_once_and_its_token_is_in_no_error(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROADSHEET_TELEGRAM_TOKEN", "12345:secret")
    room = Room(Answer.of({"parameters": {"retry_after": 2000}}, status=429))
    with LoopbackServer(room.respond) as server:
        settings = Settings.load(telegram={"chat": "@tides", "url": server.url})
        assert send(store, settings, name="telegram").deferred == 1
        assert "secret" not in str(rows(store, "SELECT * FROM deliveries"))
        ((wait,),) = rows(store, "SELECT unixepoch(next_try_at) - unixepoch(changed_at) FROM deliveries")
        assert wait == 2000
        with store.transaction():
            store._db.execute("UPDATE deliveries SET next_try_at = '2000-01-01'")
        assert send(store, settings, name="telegram").sent == 1
    assert {call.path for call in room.calls} == {"/bot12345:secret/sendMessage"}
    assert json.loads(room.calls[-1].body)["chat_id"] == "@tides"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(status=404), "refused"),
        (Answer(status=429, headers={"retry-after": "60"}), "deferred"),
        (Answer(status=500), "unknown"),
        (Answer(reset=True), "unknown"),
    ],
)
def test_what_a_service_answers_decides_whether_it_is_asked_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, answer: Answer, outcome: str
) -> None:
    room = Room(answer)
    with LoopbackServer(room.respond) as server:
        settings = webhook(monkeypatch, server.url)
        send(store, settings, name="webhook")
        assert state(store, "webhook") == {outcome: 1}
        send(store, settings, name="webhook")
    assert len(room.calls) == 1
    assert "secret-path" not in str(rows(store, "SELECT * FROM deliveries"))


def test_a_service_that_cannot_be_reached_is_tried_again_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(store, webhook(monkeypatch, "http://127.0.0.1:9"), name="webhook")
    assert state(store, "webhook") == {"deferred": 1}


@pytest.mark.parametrize("papers", [1, 7, 50, 2000])
def test_a_post_keeps_to_the_limits_of_its_service(papers: int) -> None:
    slack = BODIES["slack"](content(papers))
    assert len(slack["blocks"]) <= SLACK_BLOCKS
    assert all(len(block["text"]["text"]) <= SLACK_BLOCK for block in slack["blocks"])
    (embed,) = BODIES["discord"](content(papers))["embeds"]
    assert utf16_length(embed["description"]) <= DISCORD_DESCRIPTION
    assert utf16_length(embed["title"]) <= 256
    assert len(BODIES["mattermost"](content(papers))["text"]) <= MATTERMOST_POST
    assert utf16_length(unescape(body(content(papers))["text"])) <= MESSAGE_CHARACTERS


def words(kind: str, made: dict[str, Any]) -> str:
    if kind == "slack":
        return "\n".join(block["text"]["text"] for block in made["blocks"])
    return str(made["embeds"][0]["description"] if kind == "discord" else made["text"])


@pytest.mark.parametrize("kind", sorted(BODIES))
def test_hostile_titles_call_nobody_and_make_no_link(kind: str) -> None:
    made = BODIES[kind](content(1, HOSTILE, HOSTILE))
    said = words(kind, made)
    assert "<!channel>" not in said
    if kind == "slack":  # whose mrkdwn has no links in brackets
        assert "<b>" not in said
    else:
        assert "](javascript" not in said
        assert "@everyone" not in said
        assert "@here" not in said
    if kind == "discord":
        assert made["allowed_mentions"] == {"parse": []}


def test_telegrams_html_holds_no_tag_of_a_title() -> None:
    assert "<b>&" not in body(content(1, HOSTILE, HOSTILE))["text"].replace("&lt;b&gt;", "")
    assert "&lt;b&gt;&amp;amp;" in body(content(1, HOSTILE, HOSTILE))["text"]


def test_what_does_not_fit_is_counted() -> None:
    for made in (words(kind, BODIES[kind](content(2000))) for kind in BODIES):
        told = made.count("https://example.org/")
        assert f"and {2000 - told:,} more papers" in made


def test_a_folder_gets_three_files_and_writing_them_again_changes_nothing(
    store: Store, tmp_path: Path
) -> None:
    settings = Settings.load(out=tmp_path / "out")
    assert send(store, settings, name="directory").sent == 1
    folder = tmp_path / "out" / "daily" / "2026-01-05"
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "index.md", "index.txt"]
    assert send(store, settings, name="directory").sent == 0


def test_standard_output_gets_the_text(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert send(store, Settings.load(), name="stdout").sent == 1
    assert "SandLoom" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["mail", "webhook", "telegram"])
def test_a_channel_that_is_not_set_up_says_how(store: Store, name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        send(store, Settings.load(), name=name)


def test_a_run_that_is_stopped_leaves_the_rest_for_the_next(store: Store) -> None:
    class Silent:
        recipient = "silent"

        def send(self, _message: object, _handing_over: object) -> None:
            raise AssertionError("nothing leaves after a stop")

        def close(self) -> None: ...

    route = Route(store, press(store, mail_settings()), "silent", Silent(), stop=lambda: True)
    assert deliver(route, DAY).left == 1
    assert set(CHANNELS) == {"mail", "directory", "stdout", "webhook", "telegram"}
