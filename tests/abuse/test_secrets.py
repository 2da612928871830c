"""No key and no password is printed or stored, whatever is wrong with the set-up."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abuse.bad_answers import BadServer, error, says, whole
from abuse.running import Ran, Running
from broadsheet.errors import ConfigError, LLMUnavailable
from broadsheet.redaction import HIDDEN, Secrets, redacted
from broadsheet.store import Store
from commands import new_cache

KEY = "sk-lantern-0123456789abcdef"
PASSWORD = "pw-of-the-lantern"
SERVER = "http://127.0.0.1:1/v1"
BAD_SET_UPS: dict[str, dict[str, str]] = {
    "a line break within the key": {"OPENAI_API_KEY": f"{KEY}\nsecond"},
    "a carriage return within the key": {"OPENAI_API_KEY": f"{KEY}\r{KEY}"},
    "a space within the key": {"OPENAI_API_KEY": f"{KEY} {KEY}"},
    "a key that is no ASCII": {"OPENAI_API_KEY": f"{KEY}é"},
    "a key with a byte that is no UTF-8": {"OPENAI_API_KEY": os.fsdecode(KEY.encode() + b"\xff")},
    "an address with a byte that is no UTF-8": {
        "OPENAI_BASE_URL": os.fsdecode(f"http://u:{PASSWORD}@127.0.0.1:1/".encode() + b"\xff")
    },
    "a key with a zero-width space": {"OPENAI_API_KEY": f"{KEY}\u200b"},
    "an organization that is no header": {"OPENAI_ORG_ID": "org\nx"},
    "half a bracket": {"OPENAI_BASE_URL": "http://[::1"},
    "no scheme": {"OPENAI_BASE_URL": "127.0.0.1:1/v1"},
    "a path": {"OPENAI_BASE_URL": "/v1"},
    "a word": {"OPENAI_BASE_URL": "lantern"},
    "ftp": {"OPENAI_BASE_URL": "ftp://127.0.0.1/v1"},
    "no host": {"OPENAI_BASE_URL": "http://"},
    "credentials": {"OPENAI_BASE_URL": f"http://u:{PASSWORD}@127.0.0.1:1/v1"},
    "credentials in no address": {"OPENAI_BASE_URL": f"u:{PASSWORD}@127.0.0.1"},
    "credentials in half a bracket": {"OPENAI_BASE_URL": f"http://u:{PASSWORD}@[::1"},
    "a port that is none": {"OPENAI_BASE_URL": "http://127.0.0.1:99999/v1"},
    "a key in the address": {"OPENAI_BASE_URL": f"http://127.0.0.1:1/v1?key={KEY}"},
    "a space in the address": {"OPENAI_BASE_URL": "http://127.0.0.1 /v1"},
    "a proxy that is garbage": {"HTTP_PROXY": f"u:{PASSWORD}@[nowhere"},
    "a proxy of another scheme": {"ALL_PROXY": f"socks9://u:{PASSWORD}@127.0.0.1:1"},
    "a proxy without host": {"https_proxy": "http://"},
    "a source that is no address": {"BROADSHEET_HF_URL": f"ftp://u:{PASSWORD}@127.0.0.1"},
}


@pytest.fixture
def broadsheet(monkeypatch: pytest.MonkeyPatch, running: Running) -> Callable[..., Ran]:
    """Run the command with a key; it prints and stores neither that nor the password."""
    for name, value in {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": SERVER}.items():
        monkeypatch.setenv(name, value)

    def run(*words: object) -> Ran:
        ran = running(*words, secrets=(KEY, PASSWORD), prepared=["abuse.hurried:no_waits"])
        stored = b"".join(path.read_bytes() for path in Path.cwd().rglob("*") if path.is_file())
        assert not [secret for secret in (KEY, PASSWORD) if secret.encode() in stored]
        return ran

    return run


@pytest.mark.parametrize("name", BAD_SET_UPS)
def test_a_bad_set_up_is_one_sentence_and_exit_2_and_nothing_of_it_is_repeated(
    name: str, broadsheet: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache = new_cache(tmp_path / "cache.db", 3)
    for variable, value in BAD_SET_UPS[name].items():
        monkeypatch.setenv(variable, value)
    for command in (("annotate", "--verbose"), ("annotate", "--engine", "openai-batch")):
        ran = broadsheet(*command, "--db", cache)
        assert ran.code == 2, ran.err
        (sentence,) = ran.sentences
        assert sentence.endswith(".")
    assert broadsheet("doctor", "--db", cache).code == 2
    for variable in BAD_SET_UPS[name]:
        monkeypatch.delenv(variable)
    ran = broadsheet("stats", "--db", cache, "--json")
    assert (ran.code, json.loads(ran.out)["papers"], json.loads(ran.out)["requests"]) == (0, 3, 0)


def test_there_are_twenty_bad_set_ups() -> None:
    assert len(BAD_SET_UPS) >= 20


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {}\t"])
def test_white_space_around_a_key_is_not_sent_and_not_printed(
    around: str, broadsheet: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache = new_cache(tmp_path / "cache.db", 3)
    monkeypatch.setenv("OPENAI_API_KEY", around.format(KEY))
    with BadServer(error(401, f"Incorrect API key provided: {KEY}")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.base_url}\n")
        assert broadsheet("annotate", "--db", cache).code == 2
        assert broadsheet("run", "sample", "--date", "2026-01-05", "--db", cache).code == 2
        assert '"ok": false' in broadsheet("doctor", "--db", cache, "--json").out
    assert {call["authorization"] for call in server.calls} == {f"Bearer {KEY}"}


def test_an_answer_that_quotes_the_key_is_stored_without_it(
    broadsheet: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache = new_cache(tmp_path / "cache.db", 3)
    with BadServer(whole(200, says(f"Your key is {KEY}, and I have no answer."))) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        broadsheet("annotate", "--db", cache)
        assert server.calls
    assert f"Your key is {HIDDEN}" in broadsheet("replies", "--db", cache).out
    with Store.open(cache) as store:
        assert KEY not in "".join(reply.text for reply in store.annotations.replies())


def test_an_error_of_ours_never_holds_a_secret_whatever_raised_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    raised = LLMUnavailable(f"Illegal header value b'Bearer {KEY}\\n' at http://u:{PASSWORD}@host/v1")
    assert KEY not in f"{raised!r} {raised} {raised.args}"
    assert PASSWORD not in repr(raised)
    assert KEY not in repr(ConfigError(KEY))


secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60)


@given(secrets, st.text(), st.text())
def test_a_key_is_hidden_wherever_it_stands_and_however_it_is_encoded(
    key: str, before: str, after: str
) -> None:
    known = Secrets.of_environment({"OPENAI_API_KEY": f"{key}\n"})
    for form in (key, f"{key}\n", repr(key)):
        hidden = known.hide(f"{before} {form} {after}")
        assert key not in hidden.replace(before, "").replace(after, "") or key in before + after + HIDDEN


@given(st.text(st.characters()), st.text(st.characters()))
def test_nothing_that_a_variable_can_hold_makes_hiding_it_fail(value: str, text: str) -> None:
    Secrets.of_environment({"OPENAI_API_KEY": value, "HTTPS_PROXY": f"http://{value}@host"}).hide(text)


def test_a_password_is_hidden_as_the_basic_scheme_sends_it_too() -> None:
    known = Secrets.of_environment({"HTTPS_PROXY": f"http://me:{PASSWORD}@proxy:3128"})
    sent = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    assert known.hide(f"{PASSWORD} {sent}") == f"{HIDDEN} {HIDDEN}"


def test_words_that_are_no_secret_are_left_as_they_are() -> None:
    known = Secrets.of_environment({"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": SERVER})
    assert known.hide(f"none at {SERVER}") == f"none at {SERVER}"
    words = "A bearer of lanterns wrote sk-learn; see https://example.org/@me."
    assert redacted(words) == words
