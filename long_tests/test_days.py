"""One run a day, for weeks, on one cache: nothing is lost, nothing stands twice, and no day costs more.

The invented days are always there. The real ones are arXiv's computer science, day by day, where they are at
hand beside the repository.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import broadsheet
from broadsheet import pipeline
from broadsheet.config import Settings
from broadsheet.sources import open_sources
from broadsheet.store import Store
from broadsheet.store.trends import WeeklyCounts
from broadsheet.trends import Trends

REAL = Path(broadsheet.__file__).parents[3] / "shared" / "arxiv"
DAYS = 44
STEPS_A_TICK = 1_000
"""SQLite calls back after so many instructions of its virtual machine: work that no busy machine changes."""


@dataclass(frozen=True)
class Day:
    """A day's listing: the file to read, its lines, and the abstracts in it by arXiv id."""

    day: date
    file: Path
    lines: int
    abstracts: dict[str, str]


def invented(folder: Path) -> Iterator[Day]:
    """Forty papers a day; some are listed again on a later day, some of those with new words."""
    dice, listed = random.Random(11), dict[str, dict[str, Any]]()
    for number in range(DAYS):
        rows = []
        for place in range(40):
            name = f"26{number // 28 + 1:02d}.{number:02d}{place:03d}"
            words = " ".join(dice.choices(["tide", "ebb", "kelp", "reef", "silt", "gull"], k=12))
            abstract = (
                f"We present Sand{name[-3:]}, which measures {words}. It halves the error of {number} buoys."
            )
            rows.append({"id": name, "title": f"Sand {name}: {words[:30]}", "abstract": abstract})
        if listed:
            again = dice.sample(list(listed.values()), k=5)
            later = ["", " A later version adds rain."]
            rows += [row | {"abstract": row["abstract"] + dice.choice(later)} for row in again]
        listed |= {row["id"]: row for row in rows}
        file = folder / f"{number}.jsonl"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        yield Day(
            date(2026, 1, 5) + timedelta(days=number),
            file,
            len(rows),
            {row["id"]: row["abstract"] for row in rows},
        )


def real() -> Iterator[Day]:
    """arXiv's days as its own tools dumped them."""
    for file in islice(sorted(REAL.glob("*.jsonl")), DAYS):
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        yield Day(date.fromisoformat(file.stem), file, len(rows), {row["id"]: row["summary"] for row in rows})


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["invented", "real"])
def test_weeks_of_days_lose_nothing_double_nothing_and_cost_what_the_first_did(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "real" and not REAL.is_dir():
        pytest.skip("arXiv's days are not beside the repository")
    settings = Settings.load(db=tmp_path / "cache.db", out=tmp_path / "editions", engine="extractive")
    ticks = Counter[str]()

    def counting(path: Path) -> Store:
        store = Store.open(path)
        store._db.conn.set_progress_handler(lambda: ticks.update(["now"]), STEPS_A_TICK)
        return store

    monkeypatch.setattr(pipeline, "Store", SimpleNamespace(open=counting))
    trends, steps_of_trends = WeeklyCounts.trends, []

    def counted_apart(weeks: WeeklyCounts, *args: Any) -> Trends:
        before = ticks["now"]
        found = trends(weeks, *args)
        steps_of_trends.append(ticks["now"] - before)
        ticks["now"] = before
        return found

    monkeypatch.setattr(WeeklyCounts, "trends", counted_apart)
    steps_a_paper, printed, listed = [], Counter[str](), dict[str, str]()
    for day in invented(tmp_path) if kind == "invented" else real():
        ticks.clear()
        sources = open_sources([str(day.file)], day=day.day, settings=settings)
        report = pipeline.run(sources, settings, day.day)
        assert report.fetched.read == day.lines
        assert (report.annotated.ending, report.annotated.failed) == ("done", 0)
        listed |= day.abstracts
        edition = report.composed.edition if report.composed else None
        if edition:
            printed.update(card.record.id for card in edition.cards)
            assert all(card.record.annotation for card in edition.cards if card.record.paper.abstract)
        steps_a_paper.append(ticks["now"] / len(day.abstracts))
    assert printed == Counter(dict.fromkeys(listed, 1))
    with Store.open(settings.db) as store:
        assert store.papers.count() == len(listed)
        records = {record.id: record for record in store.list()}
    assert all(records[name].annotation for name, abstract in listed.items() if abstract)
    first, last = sum(steps_a_paper[1:6]) / 5, sum(steps_a_paper[-5:]) / 5
    assert last <= 1.5 * first, (first, last)
    # Trends read the papers of six weeks, and no more: a few instructions a paper.
    assert steps_of_trends[-1] * STEPS_A_TICK <= 60 * len(listed), steps_of_trends
