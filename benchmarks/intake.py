"""How fast papers are admitted, and in how much memory: ``python benchmarks/intake.py [PAPERS]``.

Writes a JSON Lines file of invented papers with abstracts of a usual length (about 1,400 characters), admits
it in a process of its own into an empty cache, then again, and prints seconds, CPU seconds and peak memory.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

STARTS = ("ba", "co", "di", "fu", "gra", "ke", "lo", "mi", "sta", "tri")
ENDS = ("ble", "cept", "ding", "form", "lation", "ment", "nal", "ral", "sis", "tive", "tor", "ver")
WORDS = [start + end for start in STARTS for end in ENDS]
WORDS_AN_ABSTRACT = 200


def write_papers(path: Path, papers: int) -> None:
    """Write papers with distinct titles; words repeat, as they do in a field."""
    draw = random.Random(7)
    with path.open("w") as lines:
        for number in range(papers):
            title = f"{' '.join(draw.choices(WORDS, k=8)).capitalize()} {number}"
            abstract = " ".join(draw.choices(WORDS, k=WORDS_AN_ABSTRACT)).capitalize() + "."
            lines.write(json.dumps({"title": title, "abstract": abstract}) + "\n")


def admit_once(path: Path, database: Path) -> None:
    """Admit the file; print what was admitted, seconds, CPU seconds and peak memory in MB."""
    from broadsheet.intake import admit
    from broadsheet.sources import open_source
    from broadsheet.store import Store

    started = time.perf_counter()
    with Store.open(database) as store:
        (source,) = open_source(str(path))
        report = admit(source.fetch(date.min), store)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
    cpu = used.ru_utime + used.ru_stime
    print(f"{report.read:>8} {report.new:>8} {report.known:>8} {seconds:>8.1f} {cpu:>8.1f} {peak:>8.0f}")


def main() -> None:
    """Run both admissions."""
    if sys.argv[1:2] == ["--admit"]:
        admit_once(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    papers = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path, database = Path(folder) / "papers.jsonl", Path(folder) / "cache.db"
        write_papers(path, papers)
        print(f"{'read':>8} {'new':>8} {'known':>8} {'seconds':>8} {'CPU s':>8} {'peak MB':>8}", flush=True)
        for _ in range(2):
            subprocess.run([sys.executable, __file__, "--admit", str(path), str(database)], check=True)


if __name__ == "__main__":
    main()
