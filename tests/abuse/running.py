"""The real command, each call in a process of its own, measured, bounded, and asked after what it promises.

A parent that has loaded the command forks one for each call: milliseconds, where a start takes a second.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import IO, Any, Self

import broadsheet

SOURCE, TESTS = Path(broadsheet.__file__).parents[1], Path(__file__).parents[1]
MOST_CPU_S, MOST_WALL_S = 30, 110
MOST_BYTES, MOST_ADDRESSED_BYTES = 300 << 20, 1 << 30
FORBIDDEN = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x202A, 0x202F))}
TOLD_AS_RESULTS = {"doctor", "lookup"}
"""Commands whose findings are what is not right."""
KILLED_FOR_TIME = {-14: "SIGALRM", -24: "SIGXCPU"}
_PARENT = """
import gc, json, os, pkgutil, resource, signal, sys
import broadsheet
from broadsheet.__main__ import main

for room in ("cli", "annotate", "llm", "render", "sections", "sources", "store"):
    room = pkgutil.resolve_name("broadsheet." + room)
    for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        pkgutil.resolve_name(module.name)

gc.freeze()
jobs, results = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
for line in jobs:
    job = json.loads(line)
    if not (child := os.fork()):
        for number, name in enumerate(("in", "out", "err")):
            how = os.O_WRONLY | os.O_CREAT if number else os.O_RDONLY
            os.dup2(os.open(job[name], how, 0o600), number)
        sys.stdin = open(0)
        os.chdir(job["folder"])
        os.environ.clear()
        os.environ.update(job["environment"])
        signal.setitimer(signal.ITIMER_REAL, job["wall_s"])
        for limit, most in job["limits"].items():
            resource.setrlimit(getattr(resource, limit), (most, most))
        for name in job["prepared"]:
            pkgutil.resolve_name(name)()
        sys.argv = ["broadsheet", *job["words"]]
        sys.exit(main())
    _, status, used = os.wait4(child, 0)
    code, cpu_s, memory = os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss
    print(json.dumps([job["out"], code, cpu_s, memory * 1024]), file=results, flush=True)
"""


@dataclass(frozen=True)
class Ran:
    """What one call came to.

    Attributes:
        code: The exit status, below 0 if a signal ended it.
        out: Standard output.
        err: Standard error.
        cpu_s: Seconds of processor time.
        memory: The most bytes it held at once.
    """

    code: int
    out: str
    err: str
    cpu_s: float
    memory: int

    @property
    def sentences(self) -> list[str]:
        """What the command says is wrong, a line each."""
        return [line for line in self.err.splitlines() if line.startswith(("broadsheet: ", "Error: "))]


class Running:
    """Runs commands in the current folder and under the current variables."""

    def __init__(self) -> None:
        self._calls, self._folder = 0, TemporaryDirectory()
        path = os.pathsep.join(map(str, (SOURCE, TESTS)))
        self._parent = subprocess.Popen(
            [sys.executable, "-c", _PARENT],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream("stdin").close()
        self._parent.wait()
        self._stream("stdout").close()
        self._folder.cleanup()

    def __call__(
        self,
        *words: object,
        secrets: Sequence[str] = (),
        given: str = os.devnull,
        prepared: Sequence[str] = (),
        limits: dict[str, int] | None = None,
        most_bytes: int = MOST_BYTES,
        raw: bool = False,
    ) -> Ran:
        """Run the command, and assert what holds for every call, whatever it is given.

        It ends by itself within bounds of time and memory, without a traceback, and says neither a secret
        nor anything that a terminal obeys; what it says is wrong is a sentence.

        Args:
            words: Command and options.
            secrets: What must not be printed.
            given: The file that is its standard input.
            prepared: Functions to call first, as ``module:name``.
            limits: Limits by the names of the ``resource`` module.
            most_bytes: How much memory it may hold.
            raw: Whether standard output is an export, whose characters are kept.
        """
        self._calls += 1
        names = {name: str(Path(self._folder.name) / f"{self._calls}.{name}") for name in ("out", "err")}
        job: dict[str, Any] = {
            **names,
            "in": str(Path(given).absolute()),
            "words": [str(word) for word in words],
            "folder": str(Path.cwd()),
            "environment": dict(os.environ),
            "prepared": list(prepared),
            "limits": {"RLIMIT_CPU": MOST_CPU_S, "RLIMIT_DATA": MOST_ADDRESSED_BYTES, **(limits or {})},
            "wall_s": MOST_WALL_S,
        }
        print(json.dumps(job), file=self._stream("stdin"), flush=True)
        # A test that ran out of time has left the end of its call unread.
        ends = map(json.loads, iter(self._stream("stdout").readline, ""))
        _, code, cpu_s, memory = next(end for end in ends if end[0] == names["out"])
        out, err = (Path(name).read_text(encoding="utf-8", errors="replace") for name in names.values())
        ran = Ran(code, out, err, cpu_s, memory)
        _assert_kept(ran, words, secrets, most_bytes, raw=raw)
        return ran

    def _stream(self, name: str) -> IO[str]:
        stream = getattr(self._parent, name)
        assert stream is not None
        return stream


def _assert_kept(
    ran: Ran, words: Sequence[object], secrets: Sequence[str], most_bytes: int, *, raw: bool
) -> None:
    assert ran.code not in KILLED_FOR_TIME, (words, "took too long", ran.err)
    assert ran.code >= 0, (words, ran)
    assert ran.memory <= most_bytes, (words, ran.memory)
    assert "Traceback" not in ran.err, (words, ran.err)
    assert "fault in Broadsheet" not in ran.err, (words, ran.err)
    printed = ran.err if raw else ran.out + ran.err
    assert not set(printed) & FORBIDDEN - {"\n", "\t"}, (words, printed)
    assert not [secret for secret in secrets if secret in ran.out + ran.err], (words, "a secret")
    assert not ran.code or ran.sentences or words[0] in TOLD_AS_RESULTS, (words, ran)
