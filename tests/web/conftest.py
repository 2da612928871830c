"""A cache of invented papers, and the application over it, asked without a network."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from broadsheet.config import Settings
from broadsheet.web import create_app
from web_cache import fill


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A cache with the sample's papers, annotated by rules, and an edition of them."""
    return fill(tmp_path_factory.mktemp("web") / "broadsheet.db")


@pytest.fixture
def client(cache):
    """A client of the application; the server's errors are answers, as a reader sees them."""
    with TestClient(create_app(Settings(db=cache)), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(autouse=True, scope="module")
def _words_alone():
    """Searches rank as in an installation without vectors, so that a plain reading can follow them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("broadsheet.store.vectors.installed", lambda: None)
        yield
