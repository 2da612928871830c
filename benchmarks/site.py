"""How long a site takes, whole and for a new day: ``python benchmarks/site.py [EDITIONS] [PAPERS]``.

Fills a cache with 320 editions of 75,000 papers: those of real days under new ids and titles where a folder
with days stands beside the repository (or where ``BROADSHEET_SHARED`` says), and invented ones otherwise.
Then the command writes the site four times, each in a process of its own: whole, unchanged, with a new day,
and with one paper corrected. ``--keep FOLDER`` keeps cache and site, and takes up what stands there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from intake import ENDS, STARTS

from broadsheet.annotation import Annotation
from broadsheet.compose import compose
from broadsheet.llm.extractive import extract
from broadsheet.paper import Paper, Sighting
from broadsheet.prompts import Prompts
from broadsheet.record import Maker
from broadsheet.store import Store

DISTINCT = 3_000
"""Texts; more would only take longer to annotate."""
FIRST = date(2024, 1, 1)
TAXONOMY = Prompts.load().taxonomy
MAKER = Maker("extractive", "rules", "benchmark", "benchmark")
WORDS = [start + end for start in STARTS for end in ENDS]


def real_texts() -> Iterator[dict[str, object]]:
    """Yield title, abstract and authors of the papers of real days."""
    folder = Path(os.environ.get("BROADSHEET_SHARED", ROOT.parent / "shared")) / "arxiv"
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            paper = json.loads(line)
            yield {
                "title": " ".join(paper["title"].split()),
                "abstract": " ".join(paper["summary"].split()),
                "authors": tuple(paper["authors"]),
            }


def invented_texts() -> Iterator[dict[str, object]]:
    """Yield as much for papers that nobody wrote."""
    draw = random.Random(7)
    for number in range(DISTINCT):
        title = f"{' '.join(draw.choices(WORDS, k=8)).capitalize()} {number}"
        abstract = ". ".join(" ".join(draw.choices(WORDS, k=20)).capitalize() for _ in range(9)) + "."
        yield {"title": title, "abstract": abstract, "authors": ("A. Quay", "B. Reed")}


def variants() -> Iterator[tuple[Paper, Annotation]]:
    """Yield papers and their annotations without end: the texts again and again under other names."""
    texts = list(islice(real_texts(), DISTINCT)) or list(invented_texts())
    made: list[Annotation] = []
    number = 0
    while True:
        for place, text in enumerate(texts):
            number += 1
            paper = Paper(
                **{**text, "title": f"{text['title']} ({number})"},  # type: ignore[arg-type]
                arxiv_id=f"{2401 + number // 100_000}.{number % 100_000:05}",
                url=f"https://arxiv.org/abs/{2401 + number // 100_000}.{number % 100_000:05}",
            )
            if place == len(made):
                made.append(
                    Annotation.model_validate(extract(paper, TAXONOMY), context={"taxonomy": TAXONOMY})
                )
            yield paper, made[place]


def add_day(store: Store, day: date, papers: Iterator[tuple[Paper, Annotation]]) -> None:
    """Admit a day's papers with their annotations, and compose their edition."""
    with store.transaction():
        for rank, (paper, annotation) in enumerate(papers, start=1):
            store.papers.add(paper, day)
            store.papers.sight(paper.id, Sighting(source="arxiv", origin="cs.LG", day=day, rank=rank))
            store.annotations.keep(paper, MAKER, annotation)
    compose(store, day, taxonomy=TAXONOMY)


def fill(database: Path, editions: int, papers: int) -> None:
    """Make the cache, and one more with a day and a correction to come."""
    source = variants()
    with Store.open(database) as store:
        for number in range(editions):
            add_day(store, FIRST + timedelta(number), islice(source, papers // editions))
            if sys.stderr.isatty():
                print(f"\r{number + 1} of {editions} editions", end="", file=sys.stderr)


def site(database: Path, out: Path) -> dict[str, float]:
    """Write the site by the command; return its counts, seconds, CPU seconds and peak memory in MB."""
    started = time.perf_counter()
    words = [
        "site",
        "--db",
        str(database),
        "--out",
        str(out),
        "--url",
        "https://example.org/papers",
        "--json",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "broadsheet", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    report = json.loads(process.stdout.read())
    _, _, used = os.wait4(process.pid, 0)
    return {
        "files": report["files"],
        "written": report["written"],
        "seconds": time.perf_counter() - started,
        "cpu": used.ru_utime + used.ru_stime,
        "memory": used.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024),
    }


def size_mb(folder: Path) -> float:
    """Return the size of the files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def main() -> None:
    """Fill the cache, write the sites, print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("editions", type=int, nargs="?", default=320)
    options.add_argument("papers", type=int, nargs="?", default=75_000)
    options.add_argument("--keep", type=Path)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        database, out = folder / "cache.db", folder / "site"
        if not database.exists():
            fill(database, given.editions, given.papers)
        print(f"{'run':<20} {'files':>8} {'written':>8} {'seconds':>8} {'CPU s':>8} {'MB':>6} {'÷ whole':>8}")
        whole = 0.0

        def run(name: str) -> None:
            nonlocal whole
            done = site(database, out)
            whole = whole or done["seconds"]
            print(
                f"{name:<20} {done['files']:>8,.0f} {done['written']:>8,.0f} {done['seconds']:>8.1f}"
                f" {done['cpu']:>8.1f} {done['memory']:>6.0f} {done['seconds'] / whole:>8.3f}",
                flush=True,
            )

        run("whole")
        run("nothing new")
        papers = given.papers // given.editions
        with Store.open(database) as store:
            latest = store.editions.days()[0] + timedelta(1)
            known = store.papers.count()
            add_day(store, latest, islice(variants(), known, known + papers))
        run(f"a day of {papers}")
        with Store.open(database) as store, store.transaction():
            record = next(store.list())
            assert record.annotation
            store.annotations.keep(record.paper, Maker("editor", "me", "", ""), record.annotation)
        run("a paper corrected")
        print(f"The site has {size_mb(out):,.0f} MB, the cache {database.stat().st_size / 1e6:,.0f} MB.")


if __name__ == "__main__":
    main()
