"""The real command in a real process: at a pseudo-terminal as a person sees it, or between pipes as a log."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import broadsheet
import warm_start

SOURCE = Path(broadsheet.__file__).parents[1]
PATIENCE_S = 250.0
"""Less than the longest wait that a server may ask for: who waits that out does not end at once."""
PRESSED_AGAIN_S = 5.0
"""How long a person waits who has pressed Ctrl-C and sees nothing happen.

Pressing it once is not enough: where a signal comes just before a call that blocks, Python runs its handler
only after the call.
"""
COLUMNS, LINES = 80, 24
# A process of its own makes the terminal the one that Ctrl-C is typed at, then becomes the command.
_AT_TERMINAL = """import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
"""
_COLD = "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
_WARM = "import warm_start; warm_start.run(sys.argv[1:])"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CTRL_C = b"\x03"


def environment(**more: str) -> dict[str, str]:
    """The environment of a command under test: not this terminal's size and colours."""
    ours = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"}}
    return {**ours, "PYTHONPATH": str(SOURCE), "TERM": "xterm-256color", **more}


class Command:
    """``python`` with these words in a process of its own that logs to files.

    Attributes:
        process: The process; killed at the end, if it still runs.
    """

    def __init__(self, *words: str, **more: str) -> None:
        self._logs = TemporaryDirectory()
        self._out, self._err = (Path(self._logs.name, name) for name in ("out", "err"))
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = warm_start.Popen(
                [sys.executable, *words],
                env=environment(**more),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        self._logs.cleanup()

    @property
    def out(self) -> str:
        """What stands on standard output so far."""
        return self._out.read_text()

    @property
    def err(self) -> str:
        """What stands on standard error so far."""
        return self._err.read_text()

    def until(self, true: Callable[[], object]) -> None:
        """Wait for a condition; it fails where the process ends before, or the condition never comes."""
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert self.process.poll() is None, f"it has ended: {self.out}{self.err}"
            assert time.monotonic() < deadline, f"what was waited for has not come: {self.err}"
            time.sleep(0.01)

    def end(self) -> int:
        """Wait for the end; the exit code."""
        return self.process.wait(PATIENCE_S)


class Terminal:
    """A person at a terminal of 80 columns who has typed ``python`` and these words.

    Args:
        words: What was typed.
        cold: The process is to begin with nothing loaded.
        more: Variables.

    Attributes:
        raw: All that was printed so far, escape sequences included.
    """

    def __init__(self, *words: str, cold: bool = False, **more: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        opened = subprocess.Popen if cold else warm_start.Popen
        self.process = opened(
            [sys.executable, "-c", _AT_TERMINAL + (_COLD if cold else _WARM), *words],
            env=environment(**more),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self.raw = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    @property
    def seen(self) -> str:
        """All that was printed so far, without escape sequences."""
        return _ESCAPES.sub("", self.raw)

    def type(self, keys: bytes) -> None:
        """Type something; Ctrl-C becomes a signal."""
        os.write(self._ours, keys)

    def until(self, pattern: str) -> re.Match[str]:
        """Read until something is seen; it fails where it never comes."""
        while not (found := re.search(pattern, self.seen)):
            assert self._read(), f"{pattern!r} was never seen in: {self.seen}"
        return found

    def end(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        return self.process.wait()

    def interrupt(self, number: signal.Signals) -> int:
        """Press Ctrl-C, or send a signal, and again while nothing comes of it; the exit code."""
        deadline = time.monotonic() + PATIENCE_S
        pressed = -PRESSED_AGAIN_S
        while (now := time.monotonic()) < deadline:
            if now - pressed >= PRESSED_AGAIN_S:
                pressed = now
                if number == signal.SIGINT:
                    self.type(CTRL_C)
                else:
                    self.process.send_signal(number)
            if self._speaks(PRESSED_AGAIN_S) and not self._read():
                return self.process.wait()
        raise AssertionError(f"nothing comes of {number!r}: {self.seen}")

    def _speaks(self, patience_s: float) -> bool:
        return bool(select.select([self._ours], [], [], patience_s)[0])

    def _read(self) -> bool:
        assert self._speaks(PATIENCE_S), f"nothing more comes after: {self.seen}"
        try:
            came = os.read(self._ours, 4096)
        except OSError:  # so Linux says that the other end is closed
            return False
        self.raw += came.decode(errors="replace")
        return bool(came)
