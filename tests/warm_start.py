"""Python processes that begin with the package loaded: real ones, without half a second of imports.

``Popen(["python", ...])`` is ``subprocess.Popen`` for ``-c CODE``, ``-m MODULE`` and ``SCRIPT``. The process
is forked from one that has imported the command line and done nothing else. It has its own streams, folder
and variables, is a child of the test's process, and ends as every interpreter does. Elsewhere than on Linux
it starts cold. What a test says of the start itself needs ``subprocess.Popen``.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any

LOADED = (
    "broadsheet.cli",
    "broadsheet.annotate.run",
    "broadsheet.llm.extractive",
    "broadsheet.llm.openai",
    "broadsheet.llm.openai_batch",
    "broadsheet.pipeline",
    "jinja2",
    "openai",
)
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
_LENGTH = 8  # bytes before a request that say how long it is
_ASKING = threading.Lock()

if sys.platform == "linux":

    class Popen(subprocess.Popen[Any]):
        """``subprocess.Popen`` of a Python program, forked where its imports are done."""

        def _execute_child(self, *given: Any) -> None:
            """Do what the method of this name of ``subprocess.Popen`` does, with its parameters."""
            args, _, _, _, _, cwd, env, _, _, _, *pipes, new_session, _ = (*given[:16], *given[-2:])
            theirs = (pipes[0], pipes[3], pipes[5])
            streams = [own if their == -1 else their for own, their in enumerate(theirs)]
            request = {
                "words": [os.fsdecode(word) for word in args[1:]],
                "folder": os.fsdecode(cwd or Path.cwd()),
                "environment": dict(os.environ if env is None else env),
                "new_session": bool(new_session),
            }
            self.pid = _ask(json.dumps(request).encode(), streams)
            self._child_created = True
            self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]

else:
    Popen = subprocess.Popen  # type: ignore[misc]


def _ask(request: bytes, streams: Sequence[int]) -> int:
    """Have a process forked; returns its number."""
    with _ASKING:
        server = _server()
        socket.send_fds(server, [len(request).to_bytes(_LENGTH, "big")], streams)
        server.sendall(request)
        return int.from_bytes(_read(server, _LENGTH), "big")


@cache
def _server() -> socket.socket:
    """Start the process that is forked; it ends with this one."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    ours, theirs = socket.socketpair()
    here = Path(__file__)
    path = os.pathsep.join([str(here.parents[1] / "src"), str(here.parent)])
    process = subprocess.Popen(
        [sys.executable, here, str(theirs.fileno())],
        env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _read(connection: socket.socket, size: int) -> bytes:
    """Read so many bytes, or fewer where the other end has closed."""
    came = b""
    while len(came) < size and (more := connection.recv(size - len(came))):
        came += more
    return came


def _forked(connection: socket.socket) -> list[str]:
    """Fork a process for each request; returns in those only, with their words."""
    while True:
        length, streams, _, _ = socket.recv_fds(connection, _LENGTH, 3)
        if not length:
            os._exit(0)
        request = json.loads(_read(connection, int.from_bytes(length, "big")))
        read_end, write_end = os.pipe()
        if not os.fork():
            # Once this one has ended, its child is one of the test's process, which is the next that reaps.
            if child := os.fork():
                os.write(write_end, child.to_bytes(_LENGTH, "big"))
                os._exit(0)
            connection.close()
            _settle(request, streams)
            return list(request["words"])
        os.wait()
        connection.sendall(os.read(read_end, _LENGTH))
        for number in (read_end, write_end, *streams):
            os.close(number)


def _settle(request: dict[str, Any], streams: Sequence[int]) -> None:
    """Take the streams, the folder and the variables of the request."""
    if request["new_session"]:
        os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 64)
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = _writer(1, "strict")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _writer(2, "backslashreplace")  # type: ignore[misc]
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])


def _writer(number: int, errors: str) -> IO[str]:
    line_by_line = 1 if number == 2 else -1
    return open(number, "w", buffering=line_by_line, errors=errors, closefd=False)


def run(words: list[str]) -> None:
    """Run the program that these words of ``python`` name, in this process."""
    match words:
        case ["-c", code, *rest]:
            sys.argv = ["-c", *rest]
            exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
        case ["-m", module, *rest]:
            sys.argv = [module, *rest]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [script, *rest]:
            sys.argv = [script, *rest]
            sys.path.insert(0, str(Path(script).parent))
            runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    for name in LOADED:
        import_module(name)
    gc.freeze()  # a collection in a forked process need not copy what is shared
    run(_forked(socket.socket(fileno=int(sys.argv[1]))))
