"""A cache with weeks of papers, three newsletters and their readers, and what each reader is to get."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from pathlib import Path

from intake import ENDS, STARTS

from broadsheet import subscribers
from broadsheet.annotation import Annotation
from broadsheet.compose import compose, due
from broadsheet.deliver import new_key
from broadsheet.deliver.issues import week_of
from broadsheet.filters import Filter
from broadsheet.llm.extractive import extract
from broadsheet.newsletter import Newsletter
from broadsheet.paper import Paper, Sighting
from broadsheet.prompts import Prompts
from broadsheet.record import Maker
from broadsheet.store import Store
from broadsheet.store.subscribers import Rhythm, Subscriber

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("BROADSHEET_SHARED", ROOT.parent / "shared")) / "arxiv"
REAL = SHARED.is_dir()
WHENCE = "real papers" if REAL else "invented papers"
FIRST, NOON = date(2025, 3, 18), datetime(2026, 1, 5, 12, tzinfo=UTC)
TAXONOMY = Prompts.load().taxonomy
TOPICS = tuple(topic.id for topic in TAXONOMY.topics)
MAKER = Maker("extractive", "rules", "benchmark", "benchmark")
CONSENT = {"how": "benchmark", "when": "2025-01-02"}
NEWSLETTERS = {
    each.name: each
    for each in (
        Newsletter(name="daily", title="Every paper"),
        Newsletter(name="seeing", title="Seeing", filter=Filter(tags=("computer-vision", "robotics"))),
        Newsletter(name="week", title="The week in fifty", rhythm="weekly", top=50),
    )
}
_TOML = """[newsletter.daily]
title = "Every paper"
[newsletter.seeing]
title = "Seeing"
tag = ["computer-vision", "robotics"]
[newsletter.week]
title = "The week in fifty"
rhythm = "weekly"
top = 50
[mail]
from = "papers@lists.example.org"
host = "127.0.0.1"
port = {port}
security = "none"
url = "https://lists.example.org"
messages_per_second = 100000
"""
FILTERS: tuple[Filter, ...] = (
    Filter(),
    Filter(code="available"),
    *(Filter(tags=(topic,)) for topic in TOPICS[:20]),
    *(Filter(without=(topic,)) for topic in TOPICS[:8]),
    *(Filter(tags=pair) for pair in list(combinations(TOPICS, 2))[::40][:20]),
)
"""Fifty: all, with code, of a tag, without a tag, of one of two tags."""


def settings(port: int) -> str:
    """The settings of the sender."""
    return _TOML.format(port=port)


def _real_days() -> Iterator[tuple[date, list[Paper]]]:
    seen: set[str] = set()
    for path in sorted(SHARED.glob("*.jsonl")):
        rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        new = {row["id"]: row for row in rows if row["id"] not in seen}
        seen |= new.keys()
        yield (
            date.fromisoformat(path.stem),
            [
                Paper(
                    title=" ".join(row["title"].split()),
                    abstract=" ".join(row["summary"].split()),
                    authors=tuple(row["authors"]),
                    arxiv_id=row["id"],
                    url=f"https://arxiv.org/abs/{row['id']}",
                )
                for row in new.values()
            ],
        )


def _invented_days() -> Iterator[tuple[date, list[Paper]]]:
    draw, words, number = random.Random(7), [start + end for start in STARTS for end in ENDS], 0
    topics = [topic.definition for topic in TAXONOMY.topics]
    while True:
        papers = []
        for place in range(120):
            name = f"2503.{number * 120 + place:05}"
            sentences = [" ".join(draw.choices(words, k=20)).capitalize() for _ in range(7)]
            papers.append(
                Paper(
                    title=f"{' '.join(draw.choices(words, k=8)).capitalize()} {name}",
                    abstract=f"We study {draw.choice(topics)}. {'. '.join(sentences)}.",
                    authors=("A. Quay", "B. Reed"),
                    arxiv_id=name,
                    url=f"https://arxiv.org/abs/{name}",
                )
            )
        yield FIRST + timedelta(number), papers
        number += 1


def fill(database: Path, days: int) -> list[date]:
    """Make the cache with its editions; return the days that have one."""
    made = []
    with Store.open(database) as store:
        for (day, papers), _ in zip(_real_days() if REAL else _invented_days(), range(days), strict=False):
            with store.transaction():
                for rank, paper in enumerate(papers, start=1):
                    said = Annotation.model_validate(extract(paper, TAXONOMY), context={"taxonomy": TAXONOMY})
                    store.papers.add(paper, day)
                    store.papers.sight(paper.id, Sighting(source="arxiv", origin="cs", day=day, rank=rank))
                    store.annotations.keep(paper, MAKER, said)
            editions = [
                compose(store, day, taxonomy=TAXONOMY, newsletter=each).edition
                for each in due(store, day, NEWSLETTERS.values())
            ]
            made += [day] if any(editions) else []
    return made


def enrol(database: Path, readers: int) -> None:
    """Add so many readers, each of one newsletter."""
    draw = random.Random(5)
    with Store.open(database) as store, store.transaction():
        for number in range(readers):
            subscribers.add_with_consent(
                store,
                f"reader{number}@example.org",
                draw.choices(list(NEWSLETTERS), (4, 3, 3))[0],
                draw.choice(FILTERS),
                draw.choices(("daily", "weekly", "monthly"), (3, 5, 2))[0],
                CONSENT,
            )


class Expected:
    """Who is to get what, by a plain reading of filters and rhythms.

    Attributes:
        newsletter: The newsletter of each message that somebody is to get, by its key.
        by_edition: How many messages leave with an edition, by newsletter and day.
    """

    def __init__(self, folder: Path) -> None:
        self.newsletter: dict[str, str] = {}
        self.by_edition: Counter[tuple[str, date]] = Counter()
        with Store.open(folder / "broadsheet.db") as store:
            self._tags = {
                record.id: (
                    {*record.annotation.topics, record.annotation.contribution},
                    record.annotation.code,
                )
                for record in store.list()
                if record.annotation
            }
            for name in NEWSLETTERS:
                papers = {}
                for day in sorted(store.editions.days(name)):
                    edition = store.editions.get(day, name)
                    papers[day] = {card.record.id for card in edition.cards} if edition else set()
                held = {where: self._held(papers, where) for where in FILTERS}
                for each in store.subscribers.each(name):
                    self._add(name, each, list(papers), held[each.filter])

    def _held(self, papers: dict[date, set[str]], where: Filter) -> set[date]:
        passing = {paper_id for paper_id in self._tags if self._passes(paper_id, where)}
        return {day for day, ids in papers.items() if ids & passing}

    def _passes(self, paper_id: str, where: Filter) -> bool:
        tags, code = self._tags[paper_id]
        return (
            (not where.tags or bool(tags & set(where.tags)))
            and not tags & set(where.without)
            and (where.code is None or (code is not None and code.status == where.code))
        )

    def _add(self, name: str, reader: Subscriber, days: list[date], held: set[date]) -> None:
        sent: set[str] = set()
        for day in days:
            issue, of = _issue(reader.rhythm, day)
            if issue not in sent and any(of(each) == issue for each in held):
                sent.add(issue)
                self.newsletter[new_key(reader.uid, name, issue)] = name
                self.by_edition[name, day] += 1


def _issue(rhythm: Rhythm, day: date):  # type: ignore[no-untyped-def]
    if rhythm == "daily":
        return day.isoformat(), date.isoformat
    if rhythm == "weekly":
        return week_of(day - timedelta(days=7)), week_of
    return f"{day.replace(day=1) - timedelta(days=1):%Y-%m}", lambda each: f"{each:%Y-%m}"
