"""The real command, each call in a process of its own, measured, bounded, and held to what it promises."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import broadsheet
import warm_start

SOURCE, TESTS = Path(broadsheet.__file__).parents[1], Path(__file__).parents[1]
MOST_CPU_S, MOST_WALL_S = 30, 110
MOST_BYTES, MOST_ADDRESSED_BYTES = 300 << 20, 1 << 30
FORBIDDEN = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x202A, 0x202F))}
TOLD_AS_RESULTS = {"doctor", "lookup"}
"""Commands whose findings are what is not right."""
KILLED_FOR_TIME = {-14: "SIGALRM", -24: "SIGXCPU"}
_COMMAND = """
import json, pkgutil, resource, signal, sys
from broadsheet.__main__ import main

job = json.loads(sys.argv[1])
signal.setitimer(signal.ITIMER_REAL, job["wall_s"])
for limit, most in job["limits"].items():
    resource.setrlimit(getattr(resource, limit), (most, most))
for name in job["prepared"]:
    pkgutil.resolve_name(name)()
sys.argv = ["broadsheet", *job["words"]]
sys.exit(main())
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
        job = {
            "words": [str(word) for word in words],
            "prepared": list(prepared),
            "limits": {"RLIMIT_CPU": MOST_CPU_S, "RLIMIT_DATA": MOST_ADDRESSED_BYTES, **(limits or {})},
            "wall_s": MOST_WALL_S,
        }
        command = [sys.executable, "-c", _COMMAND, json.dumps(job)]
        with TemporaryFile() as out, TemporaryFile() as err, Path(given).open("rb") as stdin:
            process = warm_start.Popen(command, env=_environment(), stdin=stdin, stdout=out, stderr=err)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            said = [_read(stream) for stream in (out, err)]
        ran = Ran(process.returncode, *said, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)
        _assert_kept(ran, words, secrets, most_bytes, raw=raw)
        return ran


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (SOURCE, TESTS)))}


def _read(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


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
