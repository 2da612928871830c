"""The command, as a test runs it."""

from __future__ import annotations

import pytest

from in_process import Command


@pytest.fixture
def broadsheet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command in this process."""
    return Command(monkeypatch, capsys)
