"""The four real pages and the same papers in other formats; skipped where the pages are not at hand."""

from __future__ import annotations

import html
import itertools
import json
import random
import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from broadsheet.intake import admit
from broadsheet.paper import Paper
from broadsheet.sources import open_sources
from broadsheet.store import Store

SEEDS = Path(__file__).parents[3] / "shared" / "seeds"
DAY = date(2025, 3, 13)
SINCE = date(2025, 3, 10)

pytestmark = pytest.mark.skipif(not SEEDS.is_dir(), reason="the shared pages are not beside this checkout")


def _papers(*specs: Path) -> list[Paper]:
    sources = open_sources([str(spec) for spec in specs], day=DAY)
    return [paper for source in sources for paper in source.fetch(SINCE)]


def _as_jsonl(papers: Sequence[Paper]) -> str:
    return "".join(json.dumps({"title": one.title, "abstract": one.abstract}) + "\n" for one in papers)


def _as_bibtex(papers: Sequence[Paper]) -> str:
    def escaped(text: str) -> str:
        return re.sub(r"(?<!\\)([%&#])", r"\\\1", text)

    def braced(text: str) -> str:
        balanced = text.count("{") == text.count("}")
        return escaped(text if balanced else text.replace("{", "").replace("}", ""))

    return "\n".join(
        f"@misc{{p{number},\n  title = {{{braced(one.title)}}},\n  abstract = {{{braced(one.abstract)}}}\n}}"
        for number, one in enumerate(papers)
    )


def _as_atom(papers: Sequence[Paper]) -> str:
    entries = (
        f"<entry><id>urn:p:{number}</id><title>{html.escape(one.title)}</title>"
        f"<summary>{html.escape(one.abstract)}</summary></entry>"
        for number, one in enumerate(papers)
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'


def test_they_list_429_papers_and_411_distinct_ones_with_a_sighting_for_each_listing(tmp_path: Path) -> None:
    with Store.open(tmp_path / "cache.db") as store:
        report = admit(_papers(SEEDS), store)
        assert (report.read, report.new, report.revised, len(report.paper_ids)) == (429, 411, 0, 411)
        assert sum(len(store.papers.sightings(paper_id)) for paper_id in report.paper_ids) == 429


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[list[Paper]]:
    """What the pages and each of the other formats tell."""
    folder = tmp_path_factory.mktemp("formats")
    pages = _papers(SEEDS)
    formats: list[tuple[str, Callable[[Sequence[Paper]], str]]] = [
        ("papers.jsonl", _as_jsonl),
        ("papers.bib", _as_bibtex),
        ("papers.atom", _as_atom),
    ]
    for name, written in formats:
        (folder / name).write_text(written(pages))
    return [pages, *(_papers(folder / name) for name, _ in formats)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::9])
def test_with_the_same_papers_in_other_formats_they_are_still_411_in_any_order(
    order: tuple[int, ...], told: list[list[Paper]], tmp_path: Path
) -> None:
    with Store.open(tmp_path / "cache.db") as store:
        for _ in range(2):
            for place in order:
                report = admit(told[place], store)
                assert report.read == 429
                assert report.revised == 0
            assert store.papers.count() == 411
        shuffled = random.Random(1).sample(told[0], len(told[0]))
        assert admit(shuffled, store).new == 0
