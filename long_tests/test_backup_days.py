"""A backup after each of several real days: it only grows, costs little, and gives the same cache back."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from broadsheet import pipeline
from broadsheet.backup import back_up, rebuild
from broadsheet.config import Settings
from broadsheet.prompts import Prompts
from broadsheet.render import render
from broadsheet.sources import open_sources
from broadsheet.store import Store
from broadsheet.store.tables import Tables

SHARED = Path(os.environ.get("BROADSHEET_SHARED", Path(__file__).parents[2] / "shared"))
REAL = sorted((SHARED / "arxiv").glob("*.jsonl"))[:8]


@pytest.mark.skipif(not REAL, reason="the real days are not beside the repository")
@pytest.mark.timeout(600)
def test_eight_real_days_grow_a_backup_that_gives_the_same_cache_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings, folder = Settings.load(engine="extractive"), Path("archive")
    earlier: dict[Path, bytes] = {}
    for file in REAL:
        day = date.fromisoformat(file.stem)
        pipeline.run(open_sources([str(file)], day=day, settings=settings), settings, day)
        back_up(settings.db, folder, today=day)
        assert all(path.read_bytes() == content for path, content in earlier.items())
        earlier = {path: path.read_bytes() for path in folder.rglob("*.jsonl")}
    rebuild(folder, Path("new.db"))
    taxonomy = Prompts.load().taxonomy
    with Store.open(settings.db) as old, Store.open("new.db") as new:
        ours, theirs = Tables(new._db), Tables(old._db)
        for name in theirs.names():
            assert list(ours.rows(name)) == list(theirs.rows(name)), name
        days = old.editions.days()
        assert len(days) >= 5
        for day in days:
            one, other = (store.editions.get(day) for store in (old, new))
            assert one is not None
            assert other is not None
            assert render(one, taxonomy) == render(other, taxonomy)
