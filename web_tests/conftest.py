"""A cache of invented papers, and the application over it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI

from broadsheet.config import Settings
from broadsheet.web import create_app
from web_cache import fill


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the sample's papers and an edition of them."""
    return fill(tmp_path_factory.mktemp("web") / "broadsheet.db")


@pytest.fixture(scope="session")
def application(cache: Path) -> FastAPI:
    """The page and the API, with mail, so that every path is there."""
    mail = {"from": "a@example.org", "host": "127.0.0.1", "port": 9, "security": "none"}
    settings = Settings(db=cache, engine="extractive", mail={**mail, "url": "http://127.0.0.1:8000"})
    return create_app(settings)
