"""The table of promises names tests that are there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", (ROOT / "tests" / "README.md").read_text(encoding="utf-8"))


@cache
def source(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_it_names_many() -> None:
    assert len(NAMED) > 40


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda part: part)
def test_a_test_that_holds_a_promise_is_there(path: str, name: str) -> None:
    assert f"def {name}(" in source(path)
