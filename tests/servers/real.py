"""Real OpenAI-compatible servers in processes of their own, and a relay that remembers what was asked."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from servers.loopback import Answer, Call, LoopbackServer

TINY_GGUF = Path(__file__).parents[2] / "benchmarks" / "tiny_gguf.py"
START_S, STOP_S, ANSWER_S = 120.0, 10.0, 600.0
_TRIED_EVERY_S = 0.1
_PASSED_ON = ("content-type", "authorization")
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Passed:
    """One completion that was asked for, and the status of its answer."""

    body: dict[str, Any]
    status: int


class Relay:
    """Passes calls on to a server; ``seen`` holds every call for a completion, in the order of the answers.

    Args:
        target: Base URL of the server, which ends in ``/v1``.
    """

    def __init__(self, target: str) -> None:
        self.seen: list[Passed] = []
        self._target = target.removesuffix("/v1")
        self._server = LoopbackServer(self._respond)
        self.base_url = f"{self._server.url}/v1"

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(*error)

    async def _respond(self, call: Call) -> Answer:
        answer = await asyncio.to_thread(self._pass_on, call)
        if call.path == "/v1/chat/completions":
            self.seen.append(Passed(json.loads(call.body), answer.status))
        return answer

    def _pass_on(self, call: Call) -> Answer:
        headers = {name: call.headers[name] for name in _PASSED_ON if name in call.headers}
        request = urllib.request.Request(
            self._target + call.path, call.body or None, headers, method=call.method
        )
        try:
            with _DIRECT.open(request, timeout=ANSWER_S) as answer:
                return Answer(answer.status, answer.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Answer(refusal.code, refusal.read())


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        return int(chosen.getsockname()[1])


@contextmanager
def running(command: Sequence[str], port: int, log: Path, **environment: str) -> Iterator[str]:
    """Run a server until the context is left, whatever ends it; yields its base URL once it listens.

    Raises:
        RuntimeError: It ends or stays silent; the error holds the end of its log.
    """
    with (
        log.open("wb") as written,
        subprocess.Popen(
            command, stdout=written, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        ) as process,
    ):
        try:
            _until_it_listens(process, port, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(round(START_S / _TRIED_EVERY_S)):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            try:
                process.wait(_TRIED_EVERY_S)
            except subprocess.TimeoutExpired:
                continue
            break
        else:
            return
    raise RuntimeError(f"{process.args!r} does not listen: {log.read_text(errors='replace')[-2000:]}")


@contextmanager
def llama_cpp_server(python: Path, folder: Path, *, context: int) -> Iterator[str]:
    """llama-cpp-python's server with a tiny model of random weights, called ``tiny``; yields its base URL.

    Args:
        python: An interpreter that has llama_cpp, gguf and numpy.
        folder: Where the model and the log are written.
        context: Tokens of prompt and answer, at most; the model's tokens are bytes.
    """
    model, port = folder / "tiny.gguf", free_port()
    subprocess.run([python, TINY_GGUF, model], check=True)
    options: Mapping[str, object] = {
        "--model": model,
        "--model_alias": "tiny",
        "--n_ctx": context,
        "--host": "127.0.0.1",
        "--port": port,
    }
    command = [
        str(python),
        "-m",
        "llama_cpp.server",
        *(str(part) for pair in options.items() for part in pair),
    ]
    with running(command, port, folder / "llama.log") as url:
        yield url
