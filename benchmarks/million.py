"""How a cache grows: ``python benchmarks/million.py [PAPERS ...]`` (10,000 and 100,000).

Fills a cache of each size with the papers of real days under new ids and titles where a folder with days
stands beside the repository (or where ``BROADSHEET_SHARED`` says), and with invented ones otherwise; 1,000
papers a day, each annotated by rules, an edition of each day but the last, and the vectors that the first
search makes. Then each command runs in a process of its own, as a user would start it: seconds, CPU seconds
and peak memory are the whole process's.
A million papers take an hour or two. The last table has how many times as much the larger cache takes, and
the exponent of growth of CPU seconds: 1 where ten times the papers take ten times as long, 0 where they take
as long.

``--keep FOLDER`` keeps the caches, and takes up what stands there. ``--before SOURCE`` names the ``src`` of
an older Broadsheet, which fills the caches, so that their migration is measured too.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = os.environ.get("BROADSHEET_BENCHMARK_SOURCE", str(ROOT / "src"))
sys.path[:0] = [SOURCE, str(ROOT / "tests"), str(ROOT / "benchmarks")]

from broadsheet.compose import compose
from broadsheet.paper import Sighting
from broadsheet.store import Store

_FOUND = importlib.util.spec_from_file_location("site_benchmark", ROOT / "benchmarks" / "site.py")
assert _FOUND
assert _FOUND.loader
_MODULE = importlib.util.module_from_spec(_FOUND)  # its name is also that of a module of Python's
_FOUND.loader.exec_module(_MODULE)
FIRST, MAKER, TAXONOMY, variants = _MODULE.FIRST, _MODULE.MAKER, _MODULE.TAXONOMY, _MODULE.variants

SIZES = (10_000, 100_000)
PAPERS_A_DAY = 1_000
NEW_PAPERS = 1_000
BACKUP = """
import sys
from pathlib import Path
from broadsheet.store.connection import copy
copy(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@dataclass(frozen=True)
class Took:
    """What one process took."""

    seconds: float
    cpu_s: float
    memory_mb: float


def fill(database: Path, papers: int) -> None:
    """Make a cache of annotated papers, with an edition of each day but the last, and what a search keeps."""
    source = variants()
    days = math.ceil(papers / PAPERS_A_DAY)
    with Store.open(database) as store:
        for number in range(days):
            day = FIRST - timedelta(days - 1 - number)
            with store.transaction():
                for rank, (paper, annotation) in enumerate(islice(source, PAPERS_A_DAY), start=1):
                    store.papers.add(paper, day)
                    store.papers.add_aliases(paper.id, [f"arxiv:{paper.arxiv_id}"])
                    sighting = Sighting(source="arxiv", origin="cs.LG", day=day, rank=rank)
                    store.papers.sight(paper.id, sighting)
                    store.annotations.keep(paper, MAKER, annotation)
            if number < days - 1:
                compose(store, day, taxonomy=TAXONOMY)
        if hasattr(store, "complete_vectors"):  # an older one has no vectors
            from drawn_vectors import draw

            draw(store)


def took(command: Sequence[str | Path], folder: Path) -> Took:
    """Run a command to its end; one that fails ends the benchmark."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    said = process.stderr.read()
    process.stderr.close()
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in {0, 1}:
        raise SystemExit(said.decode())
    memory = used.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return Took(time.perf_counter() - started, used.ru_utime + used.ru_stime, memory)


def ours(folder: Path, database: Path, *words: str) -> Took:
    """Run our command on a cache."""
    return took(["-m", "broadsheet", *words, "--db", database], folder)


def read(folder: Path, database: Path, *words: str) -> Took:
    """Run a command that changes nothing three times; what else the machine does disturbs the best least."""
    return min((ours(folder, database, *words) for _ in range(3)), key=lambda took: took.cpu_s)


def write_new(path: Path, begin: int, papers: int) -> None:
    """Write papers that no cache has, as JSON Lines."""
    lines = [
        {
            "title": f"{paper.title} of {begin}",
            "abstract": paper.abstract,
            "authors": list(paper.authors),
        }
        for paper, _ in islice(variants(), papers)
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")


def backup_in_use(folder: Path, database: Path) -> Took:
    """Copy a cache while another process admits papers to it."""
    write_new(folder / "beside.jsonl", 3, NEW_PAPERS)
    writer = subprocess.Popen(
        [sys.executable, "-m", "broadsheet", "fetch", "beside.jsonl", "--db", str(database)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return took(["-c", BACKUP, database, folder / "copy.db"], folder)
    finally:
        writer.wait()
        (folder / "copy.db").unlink(missing_ok=True)


def measured(database: Path, folder: Path) -> dict[str, Took]:
    """Measure every command on a copy of a cache."""
    work = folder / "work.db"
    shutil.copy(database, work)
    opened = ours(folder, work, "show", "2401.00017")
    with Store.open(work) as store:
        title = next(iter(store.list(limit=1))).title  # no number of another begins with its own
    today = FIRST + timedelta(1)
    write_new(folder / "day.jsonl", 1, PAPERS_A_DAY)
    write_new(folder / "more.jsonl", 2, NEW_PAPERS)
    since = (FIRST - timedelta(20)).isoformat()
    filters = ("--tag", "robotics", "--code", "available", "--since", since, "--limit", "50")
    search = ("list", "--search", "sparse attention", "--limit", "50")
    run = ("run", "day.jsonl", "--date", today.isoformat(), "--engine", "extractive", "--yes")
    found = {
        "migration, then show": opened,
        "show by id": read(folder, work, "show", "2401.00017"),
        "show by title": read(folder, work, "show", title),
        "show by part of a title": read(folder, work, "show", title[1:]),
        "list, three filters": read(folder, work, "list", *filters),
        "list, latest 50": read(folder, work, "list", "--limit", "50"),
        "search": read(folder, work, *search),
        "compose a day": ours(folder, work, "compose", "--date", FIRST.isoformat()),
        f"run with {PAPERS_A_DAY} new": ours(folder, work, *run),
        "run with nothing new": ours(folder, work, *run),
        f"admit {NEW_PAPERS:,} more": ours(folder, work, "fetch", "more.jsonl"),
        "backup in use": backup_in_use(folder, work),
    }
    work.unlink()
    return found


def bytes_a_paper(database: Path, papers: int) -> float:
    """Size of a cache by its papers, its log included."""
    sizes = (path.stat().st_size for path in database.parent.glob(f"{database.name}*"))
    return sum(sizes) / papers


def main() -> None:
    """Fill the caches, measure, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("papers", type=int, nargs="*", default=SIZES)
    options.add_argument("--keep", type=Path)
    options.add_argument("--before", type=Path)
    options.add_argument("--fill", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.fill:
        fill(given.fill, given.papers[0])
        return
    results: dict[int, dict[str, Took]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for papers in given.papers:
            database = folder / f"{papers}.db"
            if not database.exists():
                environment = os.environ | {"BROADSHEET_BENCHMARK_SOURCE": str(given.before or ROOT / "src")}
                command = [sys.executable, __file__, str(papers), "--fill", str(database)]
                subprocess.run(command, env=environment, check=True)
            print(f"\n{papers:,} papers, {bytes_a_paper(database, papers):,.0f} bytes each", flush=True)
            print(f"{'':<24}{'seconds':>9}{'CPU s':>9}{'MB':>7}", flush=True)
            results[papers] = measured(database, folder)
            for name, each in results[papers].items():
                print(f"{name:<24}{each.seconds:>9.2f}{each.cpu_s:>9.2f}{each.memory_mb:>7.0f}", flush=True)
    for smaller, larger in zip(given.papers, given.papers[1:], strict=False):
        print(f"\nfrom {smaller:,} to {larger:,} papers")
        print(f"{'':<24}{'× CPU':>9}{'× MB':>9}{'exponent':>10}")
        for name, each in results[larger].items():
            before = results[smaller][name]
            times, memory = each.cpu_s / before.cpu_s, each.memory_mb / before.memory_mb
            exponent = math.log(times) / math.log(larger / smaller)
            print(f"{name:<24}{times:>9.2f}{memory:>9.2f}{exponent:>10.2f}")


if __name__ == "__main__":
    main()
