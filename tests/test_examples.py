"""The examples for cron and systemd are what their own tools take, and start commands that exist."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer.main

from broadsheet.cli import app

EXAMPLES = Path(__file__).parents[1] / "examples"
UNITS = sorted(path for path in EXAMPLES.glob("*.*") if path.suffix in {".service", ".timer"})
pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples stand in the checkout only")


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed")


def commands() -> list[list[str]]:
    started = re.compile(r'(?:^ExecStart=|&& )"?\S*/broadsheet"? (.+)$', re.MULTILINE)
    texts = [path.read_text(encoding="utf-8") for path in EXAMPLES.iterdir()]
    return [shlex.split(words) for text in texts for words in started.findall(text)]


def test_they_start_commands_with_options_that_exist() -> None:
    found = commands()
    assert len(found) == 3
    for words in found:
        command = typer.main.get_command(app).commands[words[0]]  # type: ignore[attr-defined]
        options = {name for parameter in command.params for name in parameter.opts}
        assert set(words[1:]) <= options


@needs("systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    program = tmp_path / "broadsheet"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copies = []
    for unit in UNITS:
        copies.append(tmp_path / unit.name)
        text = unit.read_text(encoding="utf-8").replace("/usr/local/bin/broadsheet", str(program))
        copies[-1].write_text(text, encoding="utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", "--man=no", *copies],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


@needs("systemd-analyze")
def test_systemd_reads_the_timers_calendar() -> None:
    (calendar,) = re.findall(r"^OnCalendar=(.+)$", (EXAMPLES / "broadsheet-daily.timer").read_text(), re.M)
    read = subprocess.run(
        ["systemd-analyze", "calendar", calendar], capture_output=True, text=True, check=False
    )
    assert read.returncode == 0, read.stderr
    assert "06:30:00" in read.stdout


@needs("crontab")
def test_cron_takes_the_crontab() -> None:
    usage = subprocess.run(["crontab", "--help"], capture_output=True, text=True, check=False)
    flag = re.search(r"^\s*-(\w)\s.*(?:dry run|test)", usage.stdout + usage.stderr, re.MULTILINE)
    if not flag:
        pytest.skip("this cron cannot check a crontab without installing it")
    path = EXAMPLES / "broadsheet.cron"
    read = subprocess.run(["crontab", f"-{flag[1]}", path], capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stdout + read.stderr
