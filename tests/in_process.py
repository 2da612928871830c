"""The command line in the process of the test: quick, and patched as the test is."""

from __future__ import annotations

import contextlib
import io
import sys

import pytest

from broadsheet.cli import main


def broadsheet(*arguments: object) -> tuple[int, str]:
    """Run the command in this process; returns its exit code and what it printed."""
    out, code = io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setattr(sys, "argv", ["broadsheet", *map(str, arguments)])
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, out.getvalue()
