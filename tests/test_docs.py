"""What README.md says is true of the code: its tables, its card, its commands and its Python."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main

import broadsheet
from broadsheet.cli import app
from broadsheet.config import Settings
from in_process import Ran, ran

CHECKOUT = Path(broadsheet.__file__).parents[2]
README = CHECKOUT / "README.md"
pytestmark = pytest.mark.skipif(not README.exists(), reason="the README stands in the checkout only")


def text() -> str:
    return README.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text(), flags=re.DOTALL | re.MULTILINE)


def shell_lines() -> list[list[str]]:
    """Every command of ours in the shell blocks, comments left out."""
    lines = [shlex.split(line, comments=True) for block in blocks("sh") for line in block.splitlines()]
    return [words for words in lines if words[:1] == ["broadsheet"]]


def command(name: str) -> Any:
    return typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]


def broadsheet_in(folder: Path, *words: str) -> Ran:
    return ran(*words, cwd=folder)


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the sample was run."""
    folder = tmp_path_factory.mktemp("morning")
    ended = broadsheet_in(folder, "run", "sample", "--date", "2026-01-05", "--engine", "extractive")
    assert ended.returncode == 0, ended.stderr
    return folder


def test_its_tables_are_those_of_the_code() -> None:
    spec = importlib.util.spec_from_file_location("update_readme", CHECKOUT / "scripts" / "update_readme.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.updated(text()) == text(), "run: .venv/bin/python scripts/update_readme.py"
    mail = module.MAIL.read_text(encoding="utf-8")
    assert module.updated(mail, module.MAIL_TABLES) == mail, "run: .venv/bin/python scripts/update_readme.py"
    schedule = module.SCHEDULE.read_text(encoding="utf-8")
    assert module.updated(schedule, module.SCHEDULE_TABLES) == schedule


def test_the_settings_and_commands_of_the_page_on_mail_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (CHECKOUT / "docs" / "mail.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"^```toml\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    Path("broadsheet.toml").write_text(block, encoding="utf-8")
    mail = Settings.load().mail
    assert mail is not None
    assert mail.sender == "papers@lists.example.org"
    for line in re.findall(r"^broadsheet (.+)$", page, flags=re.MULTILINE):
        words = shlex.split(line)
        found = command(words[0])
        if words[0] == "subscribers":
            found = found.commands[words[1]]
        options = {name for parameter in found.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


@pytest.mark.parametrize("name", ["schedule.md", "hosting.md"])
def test_the_commands_of_the_pages_on_schedule_and_hosting_exist(name: str) -> None:
    page = (CHECKOUT / "docs" / name).read_text(encoding="utf-8")
    lines = re.findall(r"^(?:\$ )?broadsheet (.+)$", page, flags=re.MULTILINE)
    assert lines
    for words in (shlex.split(line, comments=True) for line in lines):
        options = {name for parameter in command(words[0]).params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options


def test_the_settings_of_the_page_on_schedule_can_be_used_as_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (CHECKOUT / "docs" / "schedule.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"^```toml\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    Path("broadsheet.toml").write_text(block, encoding="utf-8")
    worker = Settings.load().worker
    assert worker is not None
    assert (f"{worker.at:%H:%M}", worker.time_zone, worker.budget_usd) == ("06:30", "Europe/Berlin", 0.5)


def test_links_between_pages_lead_somewhere() -> None:
    pages = [README, CHECKOUT / "CONTRIBUTING.md", *(CHECKOUT / "docs").glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def cron_lines() -> list[list[str]]:
    """The command of every line of a crontab."""
    lines = [
        line.partition("&& $HOME/.local/bin/")[2] for block in blocks("cron") for line in block.splitlines()
    ]
    return [shlex.split(line) for line in lines if line]


@pytest.mark.parametrize("words", [*shell_lines(), *cron_lines()], ids=" ".join)
def test_its_commands_and_options_exist(words: list[str]) -> None:
    options = {name for parameter in command(words[1]).params for name in parameter.opts}
    assert {word for word in words[2:] if word.startswith("--")} <= options


def test_every_command_is_named_in_it() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert [name for name in commands if f"broadsheet {name}" not in text()] == []


def test_a_morning_with_it_goes_as_it_says(morning: Path) -> None:
    for words in shell_lines():
        if words[1] in {"list", "show", "stats", "export", "tags", "correct", "replies"}:
            ended = broadsheet_in(morning, *words[1:])
            assert ended.returncode == 0, ended.stderr
            assert "Traceback" not in ended.stderr
    assert (morning / "papers.csv").stat().st_size > 0


def test_its_card_is_one_that_the_sample_prints(morning: Path) -> None:
    page = (morning / "editions" / "2026-01-05" / "index.md").read_text(encoding="utf-8")
    card = [line.removeprefix("> ") for line in text().splitlines() if line.startswith("> ")]
    assert card
    assert [line for line in card if line and line not in page] == []


def test_its_python_runs(
    morning: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(morning)
    for block in blocks("python"):
        exec(compile(block, str(README), "exec"), {})
    assert capsys.readouterr().out


def test_its_settings_can_be_used_as_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = blocks("toml")
    Path("broadsheet.toml").write_text(block, encoding="utf-8")
    loaded = Settings.load()
    assert {name: str(getattr(loaded, name)) for name in tomllib.loads(block)} == {
        name: str(value if name not in {"requests_per_minute", "tokens_per_minute"} else float(value))
        for name, value in tomllib.loads(block).items()
    }


def test_its_reference_annotation_can_be_compared_with(tmp_path: Path) -> None:
    (block,) = blocks("json")
    (tmp_path / "reference.jsonl").write_text(block, encoding="utf-8")
    ended = broadsheet_in(tmp_path, "evaluate", "reference.jsonl", "--engine", "extractive")
    assert ended.returncode == 0, ended.stderr
    assert "1 of 1" in ended.stdout


def test_the_completion_that_it_names_is_an_option() -> None:
    options = {name for parameter in typer.main.get_command(app).params for name in parameter.opts}
    named = re.findall(r"`broadsheet (--[a-z-]+)`", text())
    assert named
    assert set(named) <= options


def test_what_it_says_of_the_path_is_what_the_package_installs() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"].keys() == {"broadsheet"}
    assert "uv tool install ." in text()


def test_its_two_commands_are_scripts_that_can_be_run() -> None:
    named = re.findall(r"^    (scripts/\w+)", text(), flags=re.MULTILINE)
    assert named == ["scripts/run", "scripts/test"]
    assert all(os.access(CHECKOUT / name, os.X_OK) for name in named)
