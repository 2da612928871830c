"""Search and likeness, judged on two pools of papers: four trending pages, and six weeks of arXiv with them.

The 78 queries over the pages' 411 papers were written from their titles and summaries before any was ranked,
and each was judged against every paper. The 60 over all 7,045 have the papers that were judged relevant, by
title, among the first places of eight earlier rankings: what none of them found counts as wrong. Weights
were chosen by the first half of each pool with an eye on the whole, so the second half is no proof by itself.
Papers are those of the folder that BROADSHEET_SHARED names; a cache of each pool is made the first time.
Where BROADSHEET_EMBEDDING_MODEL names a model of the endpoint, its vectors are asked for once and ranked too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import log2
from pathlib import Path
from statistics import mean, median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from broadsheet.config import Settings
from broadsheet.embed import open_stage, search_embedder
from broadsheet.embedding import embedder
from broadsheet.filters import Filter
from broadsheet.llm.extractive.topics import topics_of_search
from broadsheet.prompts import Prompts
from broadsheet.searching import parsed
from broadsheet.site.related import Likeness as Shared
from broadsheet.store import Store, ranking
from broadsheet.store.vectors import Vectors

HERE = Path(__file__).parent
POOLS = {
    "pages": (HERE / ".search-pages.db", ("seeds/*.txt",), HERE / "search_queries_pages.jsonl"),
    "all": (HERE / ".search.db", ("arxiv/*.jsonl", "seeds/*.txt"), HERE / "search_queries.jsonl"),
}
KINDS = ("keywords", "need", "paraphrase", "likeness")
Ranked = Callable[[str], Sequence[str]]


def main() -> None:
    """Print how well and how fast each variant ranks in each pool."""
    for cache, files, queries in POOLS.values():
        if not cache.exists():
            _fill(cache, files)
        with Store.open(cache) as store:
            store.complete_vectors(threads=os.cpu_count() or 1)
            store.ranking.topics_of = topics_of_search(Prompts.load(None, "en").taxonomy)
            _compare(store, [json.loads(line) for line in queries.read_text("utf-8").splitlines()])


def _compare(store: Store, queries: Sequence[Mapping[str, Any]]) -> None:
    searches = [each for each in queries if each["kind"] != "likeness"]
    likenesses = [each for each in queries if each["kind"] == "likeness"]
    print(f"{store.count():,} papers, {len(queries)} queries: nDCG@10 and recall@20\n")
    print(f"| {'variant':28} | {' | '.join(f'{kind:10}' for kind in (*KINDS, 'all', 'second', 'ms'))} |")
    print(f"|{'-' * 30}|{'|'.join('-' * 12 for _ in range(len(KINDS) + 3))}|")
    for name, rank in _searches(store).items():
        _report(name, searches, rank)
    for name, rank in _likenesses(store).items():
        _report(name, likenesses, rank)
    with _without_the_extra():
        _report("both, without the extra", queries, _search(store), _related(store))
    _report("both: the default", queries, _search(store), _related(store))
    with _with_endpoint(store) as model:
        if model:
            _report(f"both, by {model}", queries, _search(store), _related(store))
    _sizes(store)


def _fill(cache: Path, files: Sequence[str]) -> None:
    shared = os.environ.get("BROADSHEET_SHARED")
    if not shared:
        sys.exit("BROADSHEET_SHARED names no folder of papers to search; set it and try again.")
    found = [str(path) for pattern in files for path in sorted(Path(shared).glob(pattern))]
    run = [sys.executable, "-m", "broadsheet"]
    path = {**os.environ, "PYTHONPATH": str(HERE.parent / "src")}
    for words in (["fetch", *found], ["annotate", "--engine", "extractive", "--quiet"]):
        subprocess.run([*run, *words, "--db", str(cache)], check=True, env=path)


@contextmanager
def _with_endpoint(store: Store) -> Iterator[str]:
    """Rank by the vectors of the model that is set, if any."""
    settings = Settings.load()
    if stage := open_stage(settings, store):
        print(f"| {stage.run()} |")
    asks = store.vectors.asks = search_embedder(settings, store)
    try:
        yield settings.embedding_model
    finally:
        store.vectors.asks = None
        if asks:
            asks.close()


@contextmanager
def _without_the_extra() -> Iterator[None]:
    index, can_count = Vectors.index, ranking.can_count
    Vectors.index, ranking.can_count = (lambda _: None), (lambda: False)  # type: ignore
    try:
        yield
    finally:
        Vectors.index, ranking.can_count = index, can_count  # type: ignore


def _search(store: Store) -> Ranked:
    return lambda words: store.records.ids(Filter(search=words))


def _related(store: Store) -> Ranked:
    return lambda paper_id: [each.id for each in store.related(paper_id, 30)]


def _searches(store: Store) -> dict[str, Ranked]:
    index, made_by = store.vectors.index(), embedder()
    found: dict[str, Ranked] = {
        "all words must stand": lambda words: store.records.ids(Filter(words=words)),
        "any word (BM25)": lambda words: _ids(store, list(store.ranking.by_words(parsed(words)))),
    }
    if index and made_by:
        found["nearest vectors"] = lambda words: _ids(store, index.nearest(made_by.search(words), 300))
    return found


def _likenesses(store: Store) -> dict[str, Ranked]:
    index, shared = store.vectors.index(), Shared(store)

    def row(paper_id: str) -> int:
        return int(store._db.execute("SELECT rowid FROM papers WHERE id = ?", [paper_id]).fetchone()[0])

    found: dict[str, Ranked] = {
        "shared keywords and tags": lambda paper_id: shared.related(paper_id, 30),
        "the paper's words (BM25)": lambda paper_id: _ids(
            store, list(store._likeness.by_words(row(paper_id)))
        ),
    }
    if index:
        found["its nearest vectors"] = lambda paper_id: _ids(
            store, index.nearest(index.mean([row(paper_id)]), 31)
        )
    return found


def _ids(store: Store, rows: Sequence[int]) -> list[str]:
    return [each.id for each in store.records.by_rows(rows[:30])]


def _report(
    name: str, queries: Iterable[Mapping[str, Any]], rank: Ranked, related: Ranked | None = None
) -> None:
    scores: list[tuple[str, str, float, float]] = []
    took = []
    for query in queries:
        asked = related if related and query["kind"] == "likeness" else rank
        started = time.process_time()
        ids = [id_ for id_ in asked(query["asked"]) if id_ != query["asked"]]
        took.append(time.process_time() - started)
        scores.append((query["kind"], query["half"], *_score(ids, set(query["relevant"]))))
    of_kinds = [[each[2:] for each in scores if each[0] == kind] for kind in KINDS]
    second = [each[2:] for each in scores if each[1] == "second"]
    cells = [_cell(those) for those in (*of_kinds, [each[2:] for each in scores], second)]
    print(f"| {name:28} | {' | '.join(f'{cell:10}' for cell in cells)} | {median(took) * 1000:10.1f} |")


def _cell(scores: Sequence[tuple[float, float]]) -> str:
    return f"{mean(one for one, _ in scores):.3f} {mean(two for _, two in scores):.2f}" if scores else ""


def _score(ids: Sequence[str], relevant: set[str]) -> tuple[float, float]:
    gain = sum(1 / log2(place + 2) for place, id_ in enumerate(ids[:10]) if id_ in relevant)
    best = sum(1 / log2(place + 2) for place in range(min(10, len(relevant))))
    return gain / best, len(relevant.intersection(ids[:20])) / len(relevant)


def _sizes(store: Store) -> None:
    papers = store.count()
    rows = store._db.execute(
        """SELECT CASE WHEN name LIKE 'papers_fts%' THEN 'index of words' WHEN name = 'vectors' THEN 'vectors'
               ELSE 'the rest' END AS part, sum(pgsize) FROM dbstat GROUP BY part ORDER BY part"""
    )
    print("\nbytes a paper: " + ", ".join(f"{part} {size / papers:,.0f}" for part, size in rows))


if __name__ == "__main__":
    main()
