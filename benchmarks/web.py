"""How fast the server answers while a writer writes: ``python benchmarks/web.py [PAPERS]``.

Fills a cache with 75,000 papers (those of ``site.py``), then serves it by ``broadsheet serve`` and by
Datasette, one after the other, each beside a writer that stores 50 annotations a second. "50 in flight" is
read in two ways. Closed: 50 connections ask without a pause, so that p95 is 50 divided by the answers a
second, and no server is quicker than what the machine can do at most; the floor, a bare uvicorn that answers
as many bytes to the same client (``floor.py``), says how much that is. Open: 50 readers ask once a second
each at random times, and seconds count from the time at which a reader asked. "Alone" is one connection.
Most look-ups and searches are for what nobody else asks for; "60 searches" and "300 look-ups" are what many
ask for, drawn at random, and "packed" is asked for as browsers do, with gzip.
At last the server and the writer are killed under load, and the file is checked and served again.
``--keep FOLDER`` keeps the cache, and takes up one that is there; ``--seconds`` is how long each is asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import module_from_spec, spec_from_file_location
from itertools import islice
from pathlib import Path
from threading import Thread
from urllib.parse import quote, quote_plus

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests"), str(HERE)]


from drawn_vectors import draw
from loading import Answers, Asks, Connection, PackedConnection, arrive, load

from broadsheet.paper import Sighting
from broadsheet.record import Maker
from broadsheet.store import Store

DATASETTE = ("datasette==0.65.2",)
PAPERS_A_DAY = 250
IN_FLIGHT = 50
ARRIVALS_PER_S = 50
WRITES_PER_S = 50
PACKED = ", packed"
HEAD = (
    f"{'server':<12}{'request':<20}{'bytes':>8}{'closed/s':>10}{'/ floor':>9}{'p95 ms':>9}{'open p95':>10}"
    f"{'alone p95':>11}{'CPU ms':>8}{'failed':>8}"
)


@dataclass(frozen=True)
class Running:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    port: int
    start_s: float

    @property
    def peak_mb(self) -> float:
        """The most memory that it has held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@contextmanager
def serving(command: list[str], port: int, path: str) -> Iterator[Running]:
    """Start a server, and wait until it has answered once."""
    started = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            while not asyncio.run(_answers(port, path)):
                time.sleep(0.02)
            yield Running(process, port, time.perf_counter() - started)
        finally:
            process.terminate()


async def _answers(port: int, path: str) -> bool:
    try:
        connection = await Connection.to(port)
    except OSError:
        return False
    is_well = await connection.ask(path) == 200
    connection.close()
    return is_well


def write_for_ever(database: Path) -> None:
    """Store annotations at an even pace, and print the key of each once it is stored."""
    dice = random.Random(3)
    with Store.open(database) as store:
        ids = store.records.ids(where_all(), limit=5_000)
        started, number = time.perf_counter(), 0
        while True:
            (record,) = store.records.by_ids([dice.choice(ids)])
            maker = Maker("openai", "benchmark", f"{number}", f"{os.getpid()}")
            assert record.annotation
            with store.transaction():
                store.annotations.keep(record.paper, maker, record.annotation)
            print(maker.key(record.paper.content_hash), flush=True)
            number += 1
            time.sleep(max(0.0, started + number / WRITES_PER_S - time.perf_counter()))


def fill(database: Path, papers: int) -> None:
    """Make the cache: the papers of the site's benchmark with their annotations, without editions."""
    found = spec_from_file_location("site_benchmark", HERE / "site.py")  # a module of Python has its name
    assert found
    assert found.loader
    site = module_from_spec(found)
    found.loader.exec_module(site)
    source = site.variants()
    with Store.open(database) as store:
        for number in range(0, papers, PAPERS_A_DAY):
            day = site.FIRST + timedelta(number // PAPERS_A_DAY)
            with store.transaction():
                for rank, (paper, annotation) in enumerate(islice(source, PAPERS_A_DAY), start=1):
                    store.papers.add(paper, day)
                    listed = Sighting(source="arxiv", origin="cs.LG", day=day, rank=rank)
                    store.papers.sight(paper.id, listed)
                    store.annotations.keep(paper, site.MAKER, annotation)
        draw(store)


def where_all():
    """Return the filter that lets every paper through."""
    from broadsheet.filters import Filter

    return Filter()


@contextmanager
def writing(database: Path, told: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Write beside the server, in a process of its own."""
    command = [sys.executable, str(Path(__file__)), "--write", str(database)]
    with told.open("ab") as stream, subprocess.Popen(command, stdout=stream) as process:
        try:
            yield process
        finally:
            process.kill()


def floor(port: int, size: int) -> Answers:
    """Ask a bare server for as many bytes."""
    with serving([sys.executable, str(HERE / "floor.py"), str(port)], port, "/1") as server:
        return load(port, server.process.pid, lambda _: f"/{size}", in_flight=IN_FLIGHT, seconds=2)


def measure(name: str, server: Running, requests: Mapping[str, Asks], seconds: float) -> None:
    """Print a line for each kind of request, and what the server took as a whole."""
    port, process = server.port, server.process.pid
    for kind, asks in requests.items():
        by = PackedConnection if kind.endswith(PACKED) else Connection
        alone = load(port, process, asks, in_flight=1, seconds=seconds / 3, by=by)
        opened = arrive(
            port, process, asks, per_s=ARRIVALS_PER_S, connections=IN_FLIGHT, seconds=seconds / 2, by=by
        )
        closed = load(port, process, asks, in_flight=IN_FLIGHT, seconds=seconds, by=by)
        same = floor(port + 1, closed.size)
        print(
            f"{name:<12}{kind:<20}{closed.size:>8,}{closed.per_s:>10.0f}{closed.per_s / same.per_s:>9.3f}"
            f"{closed.percentile(0.95):>9.1f}{opened.percentile(0.95):>10.1f}{alone.percentile(0.95):>11.1f}"
            f"{closed.cpu_ms:>8.2f}{alone.failed + opened.failed + closed.failed:>8}\n"
            f"{'floor':<12}{'':<20}{closed.size:>8,}{same.per_s:>10.0f}{1:>9}{same.percentile(0.95):>9.1f}"
            f"{'':>21}{same.cpu_ms:>8.2f}{same.failed:>8}",
            flush=True,
        )
    print(f"{name:<12}start {server.start_s:.2f} s, peak memory {server.peak_mb:.0f} MB", flush=True)


def kinds(database: Path) -> tuple[dict[str, Asks], dict[str, Asks]]:
    """Return what is asked of ours and of Datasette, nearest to each other."""
    with Store.open(database) as store:
        ids = store.records.ids(where_all(), limit=20_000)
        tags = list(store.records.tag_counts())
        words = sorted({word for record in store.records.by_ids(ids[:300]) for word in _words(record.title)})

    lines = (HERE / "search_queries.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line)["asked"] for line in lines]

    def two(dice: random.Random) -> str:
        return " ".join(dice.sample(words, 2))

    tagged = "select p.* from tags t join papers p on p.id = t.paper_id where t.tag = :q"
    found = "select p.* from papers_fts f join papers p on p.rowid = f.rowid where papers_fts match :q"
    ours: dict[str, Asks] = {
        "look-up": lambda dice: f"/api/papers/{quote(dice.choice(ids))}",
        "paper's page": lambda dice: f"/p/{quote(dice.choice(ids))}",
        "tag page": lambda dice: f"/tag/{quote(dice.choice(tags))}",
        "search": lambda dice: f"/papers?q={quote_plus(two(dice))}",
        "API search": lambda dice: f"/api/papers?q={quote_plus(two(dice))}",
        "60 searches": lambda dice: f"/papers?q={quote_plus(dice.choice(asked))}",
        "300 look-ups": lambda dice: f"/api/papers/{quote(dice.choice(ids[:300]))}",
    }
    ours |= {kind + PACKED: ours[kind] for kind in ("tag page", "60 searches")}
    theirs: dict[str, Asks] = {
        "look-up": lambda dice: _sql("select * from papers where id = :q", dice.choice(ids)),
        "tag page": lambda dice: _sql(f"{tagged} order by p.first_seen desc limit 30", dice.choice(tags)),
        "search": lambda dice: _sql(f"{found} order by bm25(papers_fts) limit 30", two(dice)),
    }
    return ours, theirs


def _words(title: str) -> Iterator[str]:
    yield from (word for word in title.split() if word.isalpha() and len(word) > 4)


def _sql(query: str, value: str) -> str:
    return f"/cache.json?sql={quote_plus(query)}&q={quote_plus(value)}&_shape=array"


def datasette() -> Path:
    """Return the command of Datasette, installed the first time."""
    folder = HERE / ".servers" / "datasette"
    command = folder / "bin" / "datasette"
    if not command.exists():
        venv.create(folder, with_pip=True)
        subprocess.run(
            [folder / "bin" / "python", "-m", "pip", "install", "--quiet", *DATASETTE, "setuptools<81"],
            check=True,
        )
    return command


def _ask_until_killed(port: int, process: int, asks: Asks) -> None:
    with suppress(OSError):
        load(port, process, asks, in_flight=IN_FLIGHT, seconds=3_600)


def kill_and_restart(database: Path, command: list[str], port: int, asks: Asks, told: Path) -> None:
    """Kill server and writer in the middle of their work; look at the file; serve it again."""
    before = len(told.read_bytes().splitlines())
    with serving(command, port, "/api/stats") as server, writing(database, told) as writer:
        asking = Thread(target=_ask_until_killed, args=(port, server.process.pid, asks))
        asking.start()
        while len(told.read_bytes().splitlines()) < before + 2 * WRITES_PER_S:
            time.sleep(0.05)
        server.process.send_signal(signal.SIGKILL)
        writer.kill()
        asking.join()
    keys = {line.decode() for line in told.read_bytes().splitlines() if len(line) == 24}
    with sqlite3.connect(database) as db:
        checked = db.execute("PRAGMA integrity_check").fetchone()[0]
        kept = {row[0] for row in db.execute("SELECT key FROM annotations WHERE model = 'benchmark'")}
    with serving(command, port, "/api/stats") as server:
        print(
            f"Killed under load: integrity_check says {checked}; {len(keys - kept)} of {len(keys):,} stored"
            f" annotations are lost; served again after {server.start_s:.2f} s."
        )


def main() -> None:
    """Fill, serve, ask, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("papers", type=int, nargs="?", default=75_000)
    options.add_argument("--keep", type=Path)
    options.add_argument("--seconds", type=float, default=15.0)
    options.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.write:
        write_for_ever(given.write)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        database, told = folder / "cache.db", folder / "written"
        told.touch()
        if not database.exists():
            fill(database, given.papers)
        ours, theirs = kinds(database)
        port = 8_765
        command = [sys.executable, "-m", "broadsheet", "serve", "--db", str(database), "--port", str(port)]
        print(
            f"{given.papers:,} papers, {IN_FLIGHT} in flight, {WRITES_PER_S} writes a second", HEAD, sep="\n"
        )
        with serving(command, port, ours["look-up"](random.Random(1))) as server, writing(database, told):
            measure("broadsheet", server, ours, given.seconds)
        peer = [str(datasette()), "serve", str(database), "--port", str(port)]
        with serving(peer, port, "/cache.json") as server, writing(database, told):
            measure("datasette", server, theirs, given.seconds)
        kill_and_restart(database, command, port, ours["search"], told)


if __name__ == "__main__":
    main()
