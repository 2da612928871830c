"""``doctor`` says in one line each what is in place, and what to do where it is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from broadsheet.cli import app
from broadsheet.llm.access import endpoint_address
from broadsheet.llm.negotiation import Dialect
from broadsheet.store import Store
from servers.openai_server import Behaviour, OpenAIServer
from servers.smtp import MailServer, certificate


@pytest.fixture(autouse=True)
def _vocabulary_is_here(monkeypatch):
    monkeypatch.setattr("broadsheet.tokens.exact", lambda: True)


def doctor(*options: str) -> tuple[int, dict[str, dict]]:
    result = CliRunner().invoke(app, ["doctor", "--json", *options])
    return result.exit_code, {check["name"]: check for check in json.loads(result.stdout)}


def test_without_any_set_up_the_extractive_engine_is_in_place():
    code, checks = doctor()
    assert code == 0
    assert checks["engine"]["detail"] == "extractive"
    assert "does not exist yet" in checks["database"]["detail"]
    assert "key" not in checks


def test_a_missing_key_is_said_with_what_to_set():
    code, checks = doctor("--engine", "openai")
    assert code == 2
    assert checks["key"]["ok"] is False
    assert "OPENAI_API_KEY" in checks["key"]["detail"]


def test_what_the_model_takes_is_shown_and_remembered_for_the_next_run(monkeypatch, tmp_path):
    Store.open(tmp_path / "broadsheet.db").close()
    with OpenAIServer(behaviour=Behaviour(refused=frozenset({"temperature"}))) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        code, checks = doctor()
        assert code == 0
        assert checks["model"]["ok"]
        said = "strict JSON schema, max_completion_tokens, minimal reasoning, no temperature"
        assert checks["model"]["detail"].endswith(said)
        with Store.open(tmp_path / "broadsheet.db") as store:
            remembered = store.endpoint(endpoint_address(), "gpt-5-mini").dialect()
    assert Dialect.parse(remembered) == Dialect(temperature=False, effort="minimal")


def test_a_limit_that_was_passed_over_in_silence_is_still_known_after_a_short_answer(monkeypatch, tmp_path):
    with Store.open(tmp_path / "broadsheet.db") as store, OpenAIServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        known = store.endpoint(endpoint_address(), "gpt-5-mini")
        known.remember_dialect(Dialect("text", "max_tokens").text)
        code, checks = doctor()
        assert code == 0
        assert checks["model"]["detail"].endswith("strict JSON schema, max_tokens, minimal reasoning")
        assert Dialect.parse(known.dialect()) == Dialect(limit="max_tokens", effort="minimal")


def test_a_file_that_is_no_database_does_not_hide_what_the_server_said(monkeypatch, tmp_path):
    (tmp_path / "broadsheet.db").write_text("a shopping list, not a database at all" * 50)
    with OpenAIServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        code, checks = doctor()
    assert code == 2
    assert not checks["database"]["ok"]
    assert checks["endpoint"]["ok"]
    assert checks["model"]["ok"]


class Deaf(OpenAIServer):
    """Takes the strict schema and drops it, so its model makes up a form of its own."""

    def _message(self, papers, seen, body):
        known = "papers_can_be_annotated" in body["messages"][0]["content"]
        answer = {"papers_can_be_annotated" if known else "ready": True}
        return {"role": "assistant", "content": json.dumps(answer), "refusal": None}, "stop"


def test_a_server_that_drops_the_schema_is_found_out(monkeypatch):
    with Deaf() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        code, checks = doctor()
    assert code == 0
    assert "JSON object with a schema" in checks["model"]["detail"]


def test_a_refused_key_is_not_ok_and_never_printed(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-test")
    with OpenAIServer(behaviour=Behaviour(key="another")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 2
    assert "not ok  endpoint" in result.stdout
    assert "key-of-the-test" not in result.output


def test_a_file_that_is_no_database_is_not_ok(tmp_path):
    (tmp_path / "broadsheet.db").write_text("a shopping list, not a database at all" * 50)
    code, checks = doctor()
    assert code == 2
    assert not checks["database"]["ok"]
    assert "--db" in checks["database"]["detail"]


MAIL = {"from": "papers@lists.example.org", "url": "https://lists.example.org", "security": "none"}


def written(folder: Path, **keys: object) -> None:
    """A ``broadsheet.toml`` with ``[mail]``."""
    table = {**MAIL, "host": "127.0.0.1", "port": 9, **keys}
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in table.items())
    (folder / "broadsheet.toml").write_text(f"[mail]\n{lines}\n", encoding="utf-8")


def test_mail_that_is_set_up_is_ok_and_no_message_is_sent(tmp_path):
    with MailServer() as server:
        written(tmp_path, port=server.port, postal="1 Quay Street", bounces="bounces@lists.example.org")
        code, checks = doctor()
        told = f"127.0.0.1:{server.port} takes mail from papers@lists.example.org"
    assert code == 0
    assert checks["mail"]["detail"] == told
    assert server.connections == 1
    assert server.received == []


def test_what_mail_can_do_without_is_said_and_is_no_fault(tmp_path):
    written(tmp_path)
    code, checks = doctor("--offline")
    assert code == 0
    assert "127.0.0.1:9 is not asked; no postal address" in checks["mail"]["detail"]
    assert "set bounces in [mail]" in checks["mail"]["detail"]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, "127.0.0.1:9 cannot be reached"),
        ({"user": "papers"}, "set the variable BROADSHEET_MAIL_PASSWORD"),
        ({"dkim_key": "absent.pem"}, "absent.pem cannot be read"),
        ({"dkim_key": "broadsheet.toml"}, "broadsheet.toml is no private RSA key"),
    ],
)
def test_what_keeps_mail_from_leaving_is_one_sentence(tmp_path, keys, told):
    written(tmp_path, **keys)
    code, checks = doctor()
    assert code == 2
    assert not checks["mail"]["ok"]
    assert told in checks["mail"]["detail"]
    assert "\n" not in checks["mail"]["detail"]


def test_a_server_without_tls_a_wrong_login_and_a_refused_sender_are_told_apart(tmp_path, monkeypatch):
    with MailServer() as server:
        written(tmp_path, port=server.port, security="starttls", host="localhost")
        assert "offers no STARTTLS" in doctor()[1]["mail"]["detail"]
        server.at_mail = "550 5.7.1 not you"
        written(tmp_path, port=server.port)
        assert "refuses the sender (550 5.7.1 not you)" in doctor()[1]["mail"]["detail"]
    context, cert = certificate(tmp_path)
    monkeypatch.setenv("BROADSHEET_MAIL_PASSWORD", "wrong-secret")
    with MailServer(tls=context, implicit=True, auth=True) as server:
        keys = {"port": server.port, "security": "tls", "host": "localhost", "user": "papers"}
        written(tmp_path, **keys)
        assert "is not to be trusted" in doctor()[1]["mail"]["detail"]
        written(tmp_path, **keys, ca_file=str(cert))
        code, checks = doctor()
    assert code == 2
    assert "refuses the user or the password (535)" in checks["mail"]["detail"]
    assert "wrong-secret" not in json.dumps(checks)


def test_each_line_begins_with_its_verdict():
    result = CliRunner().invoke(app, ["doctor"])
    assert all(line.startswith(("ok ", "not ok ")) for line in result.stdout.splitlines())
