"""A cache, and an assistant that asks about it in one session."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistants import Assistant, assisted
from web_cache import fill


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the sample and its edition, which no test changes."""
    return fill(tmp_path_factory.mktemp("filled") / "broadsheet.db")


@pytest.fixture(scope="module")
def assistant(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """An assistant that asks about a copy of the sample's cache."""
    folder = tmp_path_factory.mktemp("assisted")
    with assisted(Path(shutil.copy(filled, folder / "cache.db")), folder) as found:
        yield found
