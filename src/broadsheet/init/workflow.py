"""The workflow that `broadsheet init --github` writes: an edition each day, with no server of one's own."""

from __future__ import annotations

import re
import shlex
import tomllib
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from broadsheet.errors import ConfigError
from broadsheet.worker_settings import WorkerSettings

WORKFLOW_FILE = Path(".github", "workflows", "broadsheet.yml")
_ORIGIN = re.compile(
    r"^\s*url\s*=\s*(?:https://(?:[^@/\s]+@)?github\.com/|(?:ssh://)?git@github\.com[:/])"
    r"([\w-]+)/([\w.-]+?)/?\s*$",
    re.MULTILINE,
)
FORK = "--constraint constraints.txt ."


def is_fork(folder: Path) -> bool:
    """Tell whether a folder is a checkout of Broadsheet, so that the workflow can install it from there."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return bool(project.get("project", {}).get("name") == "broadsheet")


def pages_address(folder: Path) -> str:
    """Return where GitHub publishes a checkout's pages, or nothing if its repository is not there."""
    try:
        text = (folder / ".git" / "config").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    section = text.partition('[remote "origin"]')[2].partition("\n[")[0]
    if not (origin := _ORIGIN.search(section)):
        return ""
    owner, repository = origin[1].lower(), origin[2].removesuffix(".git")
    host = f"{owner}.github.io"
    return f"https://{host}/" if repository.lower() == host else f"https://{host}/{repository}/"


def workflow_text(worker: WorkerSettings, package: str | None) -> str:
    """Return the text of the workflow.

    Args:
        worker: When it is to run.
        package: What pip installs; None for the checkout itself.

    Raises:
        ConfigError: The package's name cannot stand in a workflow.
    """
    if package is not None and (not package.strip() or not package.isprintable() or "${{" in package):
        raise ConfigError("--package takes what pip installs, such as git+https://example.org/broadsheet@v1.")
    minute, hour = _utc(worker)
    text = (resources.files("broadsheet.init") / "workflow.yml").read_text(encoding="utf-8")
    return (
        text.replace("@CRON@", f"{minute} {hour} * * *")
        .replace("@WHEN@", f"{worker.at:%H:%M} {worker.time_zone}")
        .replace("@PACKAGE@", FORK if package is None else shlex.quote(package.strip()))
    )


def _utc(worker: WorkerSettings) -> tuple[int, int]:
    """Return minute and hour in UTC, in winter: GitHub knows no summer time."""
    year = datetime.now(UTC).year
    moments = [datetime(year, month, 1, tzinfo=worker.zone) for month in (1, 7)]
    winter = min(moments, key=lambda moment: moment.utcoffset() or UTC.utcoffset(None))
    at = winter.replace(hour=worker.at.hour, minute=worker.at.minute).astimezone(UTC)
    return at.minute, at.hour
