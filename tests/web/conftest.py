"""A cache of invented papers, and the application over it, asked without a network."""

from __future__ import annotations

from datetime import date

import pytest
from fastapi.testclient import TestClient

from broadsheet.annotate import prepare
from broadsheet.compose import compose
from broadsheet.config import Settings
from broadsheet.fetch import fetch
from broadsheet.llm import open_llm
from broadsheet.prompts import Prompts
from broadsheet.sources import open_sources
from broadsheet.store import Store
from broadsheet.web import create_app

DAY = date(2026, 1, 5)


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A cache with the sample's papers, annotated by rules, and an edition of them."""
    path = tmp_path_factory.mktemp("web") / "broadsheet.db"
    settings = Settings(db=path, engine="extractive")
    prompts = Prompts.load()
    with Store.open(path) as store:
        fetch(open_sources(["sample"], day=DAY), store, DAY)
        prepare(store, open_llm(settings, store, prompts), prompts, settings).run()
        compose(store, DAY, taxonomy=prompts.taxonomy)
    return path


@pytest.fixture
def client(cache):
    """A client of the application; the server's errors are answers, as a reader sees them."""
    with TestClient(create_app(Settings(db=cache)), raise_server_exceptions=False) as client:
        yield client
