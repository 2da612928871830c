"""``broadsheet site`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from in_process import Command


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command in a folder with the sample's edition."""
    made = Command(monkeypatch, capsys)
    assert made("run", "sample", "--date", "2026-01-05", "--engine", "extractive") == 0
    return made


def test_it_prints_the_front_page_and_says_what_lacks_an_address(command: Command) -> None:
    assert command("site") == 0
    assert command.out.splitlines()[-1] == str(Path("site", "index.html"))
    assert "--url" in command.err
    assert command("site", "--json", "--quiet") == 0
    assert json.loads(command.out)["written"] == 0


def test_its_address_is_an_option_a_variable_or_a_setting(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROADSHEET_SITE_URL", "https://example.org/papers")
    assert command("site", "--out", "one") == 0
    assert not command.err
    assert "<id>tag:example.org,2026:feed</id>" in Path("one", "feed.atom").read_text(encoding="utf-8")
    monkeypatch.setenv("BROADSHEET_FEED_DOMAIN", "old.example")
    assert command("site", "--out", "two", "--url", "https://new.example") == 0
    feed = Path("two", "feed.atom").read_text(encoding="utf-8")
    assert "<id>tag:old.example,2026:feed</id>" in feed
    assert 'href="https://new.example/feed.atom"' in feed


@pytest.mark.parametrize("url", ["example.org", "ftp://example.org/", "https:///x", "https://a.b/?q=1"])
def test_an_address_that_cannot_be_one_is_an_error_of_one_sentence(command: Command, url: str) -> None:
    assert command("site", "--url", url) == 2
    assert "https://example.org/papers/" in command.err
    assert not Path("site").exists()


def test_without_an_edition_it_says_how_to_make_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Command(monkeypatch, capsys)
    assert made("fetch", "sample", "--date", "2026-01-05") == 0
    assert made("site") == 2
    assert "broadsheet run" in made.err
