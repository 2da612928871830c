"""Search in a large cache while another process adds papers: latency at the 50th and the 95th percentile.

The papers are those of ``search.py``, mixed: the first half of one abstract and the second half of another.
"""

from __future__ import annotations

import json
import random
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from shutil import copy
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from drawn_vectors import draw

from broadsheet.filters import Filter
from broadsheet.paper import Paper
from broadsheet.store import Store

HERE = Path(__file__).parent
SENTENCE = re.compile(r"(?<=[.!?])\s")
PER_SECOND = 50
ROUNDS = 4


def main(papers: int) -> None:
    """Print how long searches and look-ups take."""
    cache = HERE / f".search-{papers}.db"
    if not cache.exists():
        if not (HERE / ".search.db").exists():
            sys.exit("Run benchmarks/search.py first: it makes the papers that are mixed here.")
        copy(HERE / ".search.db", cache)
        with Store.open(cache) as store:
            _grow(store, papers)
            draw(store)
    queries = [json.loads(line) for line in (HERE / "search_queries.jsonl").read_text("utf-8").splitlines()]
    asked = [each["asked"] for each in queries]
    with Store.open(cache) as store:
        started = time.perf_counter()
        store.vectors.index()
        print(f"{store.count():,} papers; vectors read in {time.perf_counter() - started:.1f} s")
        writer = subprocess.Popen([sys.executable, __file__, "write", str(cache)], stdin=subprocess.PIPE)
        try:
            searches, likenesses = asked[:45] * ROUNDS, asked[45:] * ROUNDS
            _report("search, 30 records", [_timed(lambda q=q: _search(store, q)) for q in searches])
            _report("related, 10 records", [_timed(lambda q=q: store.related(q)) for q in likenesses])
            _report("look-up", [_timed(lambda q=q: store.records.named(q)) for q in asked * ROUNDS])
        finally:
            writer.communicate()
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def _search(store: Store, words: str) -> None:
    where = Filter(search=words)
    with store.snapshot():
        list(store.list(where, limit=30))
        store.count(where)


def _timed(work: object) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    work()  # type: ignore[operator]
    return time.perf_counter() - wall, time.process_time() - processor


def _report(what: str, took: list[tuple[float, float]]) -> None:
    for name, column in (("wall", 0), ("processor", 1)):
        points = quantiles([each[column] * 1000 for each in took], n=20)
        print(f"{what:20} {name:9}  p50 {points[9]:7.1f} ms   p95 {points[18]:7.1f} ms")


def _grow(store: Store, papers: int) -> None:
    dice = random.Random(7)
    known = [
        (record.title, SENTENCE.split(record.paper.abstract), record.first_seen) for record in store.list()
    ]
    number = store.count()
    while number < papers:
        with store.transaction():
            for _ in range(min(500, papers - number)):
                number += 1
                (title, one, day), (other_title, other, _) = dice.sample(known, 2)
                mixed = " ".join(one[: len(one) // 2] + other[len(other) // 2 :])
                name = f"{title.partition(':')[0]}: {other_title.rpartition(':')[2].strip()}"
                store.papers.add(Paper(id=f"mixed-{number}", title=name, abstract=mixed), day)


def _write(cache: Path) -> None:
    """Add papers, so many a second, until standard input ends."""
    import select

    with Store.open(cache) as store:
        day, number = next(store.list(limit=1)).first_seen, 0
        while not select.select([sys.stdin], [], [], 1 / PER_SECOND)[0]:
            number += 1
            name = f"written-{time.time_ns()}-{number}"
            with store.transaction():
                store.papers.add(Paper(id=name, title=f"Paper {name}", abstract="Sparse attention."), day)


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        _write(Path(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 75_000)
