"""Bytes a paper of the cache, the parts of a backfill and an export: ``python benchmarks/sizes.py [PAPERS]``.

The papers are those of real days where a folder with days stands beside the repository (or where
``BROADSHEET_SHARED`` says), else the sample. Answers are as long as careful ones; no cluster is needed. The
cache holds all that daily runs store: the answers, an edition of each day, and with the extra ``search`` what
the papers are about.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from contextlib import chdir, closing
from datetime import date
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from serve import from_own_words

from broadsheet.annotate import Watch, maker_of
from broadsheet.cluster.asking import FleetLLM
from broadsheet.cluster.fleet import Limits
from broadsheet.cluster.gate import Gate
from broadsheet.cluster.importing import import_parts
from broadsheet.cluster.parts import KINDS, Parts
from broadsheet.cluster.plan import plan
from broadsheet.cluster.worker import annotate_partition
from broadsheet.compose import compose
from broadsheet.config import Settings
from broadsheet.export import write
from broadsheet.intake import admit
from broadsheet.prompts import Prompts
from broadsheet.sources import open_source
from broadsheet.store import Store
from local_gate import LocalGate
from servers.openai_server import OpenAIServer

_SHOWN = 20
"""Bytes a paper; less is not listed."""


def main() -> None:
    """Measure and print."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else None
    days = Path(os.environ.get("BROADSHEET_SHARED", ROOT.parent / "shared")) / "arxiv"
    sources = open_source(str(days) if days.is_dir() else "sample", day=date(2026, 1, 5))
    listed = islice((paper for source in sources for paper in source.fetch(date.min)), wanted)
    prompts, settings = Prompts.load(), Settings.load(engine="openai")
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        parts = Parts(Path("parts"))
        parts.make_folders()
        with OpenAIServer(from_own_words) as server, Store.open("papers.db") as store:
            admit(listed, store)
            with LocalGate(Gate((server.base_url,), Limits())) as gate:
                llm = FleetLLM(settings, [server.base_url], gate, "sizes")
                maker = maker_of(llm, prompts)
                for partition in plan(store.backlog.each_wanting(maker), store, maker, parts, size=1_000):
                    annotate_partition(
                        partition, parts, settings, prompts, lambda _, keep: llm.keeping(keep), Watch()
                    )
        with Store.open("cache.db") as cache:
            import_parts(parts, cache)
            for day in sorted({record.first_seen for record in cache.list()}):
                compose(cache, day, taxonomy=prompts.taxonomy)
            papers = write(cache.list(), "parquet", Path("papers.parquet"), cache.annotation)
        print(f"{papers:,} papers; bytes each:")
        for kind in KINDS:
            print(f"  parts, {kind:<12} {_size(Path('parts', kind)) / papers:>8,.0f}")
        print(f"  parts together      {_size(Path('parts')) / papers:>8,.0f}")
        print(f"  the cache           {Path('cache.db').stat().st_size / papers:>8,.0f}")
        with Store.open("cache.db") as cache:
            cache.complete_vectors(threads=os.cpu_count() or 1)
        print(f"  with vectors        {Path('cache.db').stat().st_size / papers:>8,.0f}")
        print(f"  export as Parquet   {Path('papers.parquet').stat().st_size / papers:>8,.0f}")
        print("the cache, by table and index:")
        for name, taken in _by_table(Path("cache.db")):
            if taken / papers >= _SHOWN:
                print(f"  {name:<32}{taken / papers:>8,.0f}")


def _by_table(cache: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(cache)) as plain:
        rows = plain.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC")
        return rows.fetchall()


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


if __name__ == "__main__":
    main()
