"""Search and likeness, judged: 60 queries over six weeks of arXiv and four trending pages.

Each query has the ids of the papers that answer it, pooled from the first places of eight rankings and judged
by title. The papers are those of the folder that BROADSHEET_SHARED names; a cache of them is made the first
time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import log2
from pathlib import Path
from statistics import mean, median

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from broadsheet.embedding import embedder
from broadsheet.filters import Filter
from broadsheet.fusion import fused
from broadsheet.searching import parsed
from broadsheet.site.related import Likeness as Shared
from broadsheet.store import Store
from broadsheet.store.ranking import Ranking

HERE = Path(__file__).parent
CACHE = HERE / ".search.db"
KINDS = ("keywords", "need", "paraphrase", "likeness")
Ranked = Callable[[str], Sequence[str]]


def main() -> None:
    """Print how well and how fast each variant ranks."""
    shared = os.environ.get("BROADSHEET_SHARED")
    if not CACHE.exists() and not shared:
        sys.exit("BROADSHEET_SHARED names no folder of papers to search; set it and try again.")
    if not CACHE.exists():
        _fill(Path(str(shared)))
    queries = [json.loads(line) for line in (HERE / "search_queries.jsonl").read_text("utf-8").splitlines()]
    with Store.open(CACHE) as store:
        store.complete_vectors()
        print(f"{store.count():,} papers, {len(queries)} queries: nDCG@10 and recall@20\n")
        print(f"| {'variant':30} | {' | '.join(f'{kind:11}' for kind in (*KINDS, 'ms'))} |")
        print(f"|{'-' * 32}|{'|'.join('-' * 13 for _ in range(5))}|")
        for name, rank in _searches(store).items():
            _report(name, rank, [each for each in queries if each["kind"] != "likeness"])
        for name, rank in _likenesses(store).items():
            _report(name, rank, [each for each in queries if each["kind"] == "likeness"])
        _sizes(store)


def _fill(shared: Path) -> None:
    files = [*sorted((shared / "arxiv").glob("*.jsonl")), *sorted((shared / "seeds").glob("*.txt"))]
    run = [sys.executable, "-m", "broadsheet"]
    path = {**os.environ, "PYTHONPATH": str(HERE.parent / "src")}
    for words in (["fetch", *map(str, files)], ["annotate", "--engine", "extractive", "--quiet"]):
        subprocess.run([*run, *words, "--db", str(CACHE)], check=True, env=path)


def _searches(store: Store) -> dict[str, Ranked]:
    index, made_by = store.vectors.index(), embedder()
    ranking = Ranking(store._db, store.fields, store.vectors)
    found: dict[str, Ranked] = {
        "all words must stand": lambda words: store.records.ids(Filter(words=words)),
        "any word (BM25)": lambda words: _ids(store, ranking._by_words(parsed(words))),
    }
    if index and made_by:
        found |= {
            "nearest vectors": lambda words: _ids(store, index.nearest(made_by.search(words), 300)),
            "BM25 and vectors, fused": lambda words: _ids(
                store,
                fused(ranking._by_words(parsed(words))[:300], index.nearest(made_by.search(words), 300)),
            ),
        }
    return found | {"the default": lambda words: store.records.ids(Filter(search=words))}


def _likenesses(store: Store) -> dict[str, Ranked]:
    index, shared = store.vectors.index(), Shared(store)

    def row(paper_id: str) -> int:
        return int(store._db.execute("SELECT rowid FROM papers WHERE id = ?", [paper_id]).fetchone()[0])

    found: dict[str, Ranked] = {
        "shared keywords and tags": lambda paper_id: shared.related(paper_id, 30),
        "the paper's words (BM25)": lambda paper_id: _ids(store, store._likeness.by_words(row(paper_id))),
    }
    if index:
        found["its nearest vectors"] = lambda paper_id: _ids(
            store, index.nearest(index.mean([row(paper_id)]), 31)
        )
    return found | {"the default": lambda paper_id: [each.id for each in store.related(paper_id, 30)]}


def _ids(store: Store, rows: Sequence[int]) -> list[str]:
    return [each.id for each in store.records.by_rows(rows[:30])]


def _report(name: str, rank: Ranked, queries: Iterable[Mapping[str, object]]) -> None:
    scores: dict[str, list[tuple[float, float]]] = {}
    took = []
    for query in queries:
        started = time.process_time()
        ids = [id_ for id_ in rank(str(query["asked"])) if id_ != query["asked"]]
        took.append(time.process_time() - started)
        scores.setdefault(str(query["kind"]), []).append(_score(ids, set(query["relevant"])))  # type: ignore[call-overload]
    cells = []
    for kind in KINDS:
        of_kind = scores.get(kind, [])
        cells.append(
            f"{mean(one for one, _ in of_kind):.3f} {mean(two for _, two in of_kind):.2f} " if of_kind else ""
        )
    print(f"| {name:30} | {' | '.join(f'{cell:11}' for cell in cells)} | {median(took) * 1000:11.1f} |")


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
