"""The command line in the process of the test: quick, and patched as the test is."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from broadsheet.cli import main


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


def ran(*arguments: object, cwd: Path | None = None, **environment: str) -> Ran:
    """Run the command in this process, in a folder and with variables."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        for name, value in environment.items():
            patch.setenv(name, value)
        if cwd is not None:
            patch.chdir(cwd)
        patch.setattr(sys, "argv", ["broadsheet", *map(str, arguments)])
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    assert "Traceback" not in err.getvalue()
    return Ran(code, out.getvalue(), err.getvalue())


def broadsheet(*arguments: object) -> tuple[int, str]:
    """Run the command in this process; returns its exit code and what it printed."""
    done = ran(*arguments)
    return done.returncode, done.stdout


class Command:
    """Runs the command in this process, and remembers what it printed."""

    def __init__(self, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._patch, self._capture = patch, capture
        self.out = self.err = ""

    def __call__(self, *words: object) -> int:
        self._patch.setattr("sys.argv", ["broadsheet", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        self.out, self.err = self._capture.readouterr()
        assert "Traceback" not in self.err
        return code
