"""A cache of invented papers for the web page and the API."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from broadsheet.annotate import prepare
from broadsheet.compose import compose
from broadsheet.config import Settings
from broadsheet.fetch import fetch
from broadsheet.llm import open_llm
from broadsheet.prompts import Prompts
from broadsheet.sources import open_sources
from broadsheet.store import Store

DAY = date(2026, 1, 5)


def fill(path: Path) -> Path:
    """Put the sample's papers into a new cache, annotated by rules, with an edition of them."""
    settings = Settings(db=path, engine="extractive")
    prompts = Prompts.load()
    with Store.open(path) as store:
        fetch(open_sources(["sample"], day=DAY), store, DAY)
        prepare(store, open_llm(settings, store, prompts), prompts, settings).run()
        compose(store, DAY, taxonomy=prompts.taxonomy)
    return path
