"""`broadsheet mcp` as a process: nothing but the protocol on its output, and an end without a trace."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from assistants import environment
from broadsheet.assistant.questions import QUESTIONS, Cache, Question
from broadsheet.prompts import Prompts
from in_process import ran

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "by hand", "version": "1"},
    },
}


@contextmanager
def started(db: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-m", "broadsheet", "mcp", "--db", str(db)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def say(process: subprocess.Popen[bytes], *messages: dict[str, Any] | bytes) -> None:
    assert process.stdin
    for each in messages:
        process.stdin.write((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n")
    process.stdin.flush()


def heard(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout
    return json.loads(process.stdout.readline())


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once_and_without_a_word(filled: Path, sent: signal.Signals) -> None:
    with started(filled) as process:
        say(process, HELLO)
        assert heard(process)["result"]["serverInfo"]["name"] == "broadsheet"
        process.send_signal(sent)
        assert process.wait() == 0
        assert process.stdout
        assert process.stderr
        assert (process.stdout.read(), process.stderr.read()) == (b"", b"")


def test_a_client_that_reads_no_more_ends_it_though_it_could_still_write(filled: Path) -> None:
    with started(filled) as process:
        say(process, HELLO)
        heard(process)
        assert process.stdout
        process.stdout.close()
        say(process, {"jsonrpc": "2.0", "id": 2, "method": "ping"})
        assert process.wait() == 0
        assert process.stderr
        assert process.stderr.read() == b""


def test_to_an_older_client_too_every_line_is_the_protocol_until_its_input_ends(filled: Path) -> None:
    with started(filled) as process:
        say(process, HELLO, {"jsonrpc": "2.0", "method": "notifications/initialized"}, b"{no json\xff")
        wanted = {"name": "search", "arguments": {"words": "model", "limit": 2}}
        say(process, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": wanted})
        answers: dict[Any, Any] = {}
        while 2 not in answers:
            line = heard(process)
            answers[line.get("id")] = line
        (content,) = answers[2]["result"]["content"]
        assert len(json.loads(content["text"])["papers"]) == 2
        out, err = process.communicate()
        assert process.returncode == 0
        assert [json.loads(line)["jsonrpc"] for line in out.splitlines()] == ["2.0"] * len(out.splitlines())
        assert b"Traceback" not in err


def test_without_the_extra_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("broadsheet.cli.mcp.find_spec", lambda name: None if name == "mcp" else find(name))
    done = ran("mcp")
    assert done.returncode == 2
    assert "pip install 'broadsheet[mcp]'" in done.stderr
    assert done.stderr.count("\n") == 1


def answered(db: Path, tool: str) -> Any:
    """What a tool answers in this process."""
    from anyio import run
    from mcp import Client

    from broadsheet.assistant.server import create_server

    made = create_server(db, Prompts.load().taxonomy, lambda error: f"A fault: {type(error).__name__}.")

    async def asked() -> Any:
        async with Client(made) as client:
            return await client.call_tool(tool, {})

    return run(asked)


class Scribble(Question):
    tool = "scribble"

    def answer(self, cache: Cache) -> dict[str, Any]:
        cache.store.subscribers.suppress(b"x", "by an assistant")
        return {}


class Broken(Question):
    tool = "broken"

    def answer(self, cache: Cache) -> dict[str, Any]:
        raise ZeroDivisionError("inside")


def test_no_question_can_write_to_the_cache(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(QUESTIONS, "scribble", Scribble)
    result = answered(filled, "scribble")
    assert result.is_error
    assert "read-only" in result.content[0].text


def test_a_fault_is_told_by_its_sentence_and_not_by_its_trace(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(QUESTIONS, "broken", Broken)
    result = answered(filled, "broken")
    assert result.is_error
    assert [each.text for each in result.content] == ["A fault: ZeroDivisionError."]
