"""The commands that compose and render: the same edition from the cache, again and again, with no model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from broadsheet.cli import app
from broadsheet.errors import NotFoundError
from builders import DAY
from editions import small_edition

CLI = CliRunner()


@pytest.fixture
def db(tmp_path: Path) -> str:
    store, _ = small_edition(tmp_path / "e.db")
    store.close()
    return str(tmp_path / "e.db")


def test_compose_says_how_many_papers_stand_in_the_edition(db: str) -> None:
    said = CLI.invoke(app, ["compose", "--db", db, "--date", str(DAY)], catch_exceptions=False)
    assert (said.exit_code, said.stdout) == (
        0,
        "The edition of 2026-01-05 has 8 papers; it has not changed.\n",
    )
    said = CLI.invoke(app, ["compose", "--db", db, "--date", str(DAY), "--json"], catch_exceptions=False)
    assert json.loads(said.stdout) == {
        "newsletter": "daily",
        "day": "2026-01-05",
        "papers": 8,
        "changed": False,
    }


def test_compose_says_that_nothing_is_left_to_print(db: str) -> None:
    said = CLI.invoke(app, ["compose", "--db", db, "--date", "2026-01-06"], catch_exceptions=False)
    assert (said.exit_code, said.stdout) == (0, "No paper is left to print: no edition was composed.\n")


def test_render_writes_the_latest_edition_and_says_where(db: str, tmp_path: Path) -> None:
    said = CLI.invoke(app, ["render", "--db", db, "--out", str(tmp_path / "out")], catch_exceptions=False)
    page = tmp_path / "out" / "2026-01-05" / "index.html"
    assert (said.exit_code, said.stdout) == (0, f"{page}\n")
    assert "Peat Bogs Breathe at Night" in page.read_text(encoding="utf-8")


def test_render_names_the_command_that_makes_a_missing_edition(db: str) -> None:
    with pytest.raises(NotFoundError, match="broadsheet compose --date 2026-02-01"):
        CLI.invoke(app, ["render", "--db", db, "--date", "2026-02-01"], catch_exceptions=False)
