"""How fast editions reach their readers, and what a kill costs: a table, from one command.

usage: python benchmarks/delivery.py [--readers 10000] [--filters 50] [--papers 120] [--kills 5]

A mail server of its own (aiosmtpd, in a process beside) takes every message on loopback and writes down who
got it. The same readers are served twice: once undisturbed, once by a sender that is killed (SIGKILL) after a
random number of messages, again and again.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from broadsheet import subscribers
from broadsheet.compose import compose
from broadsheet.filters import Filter
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from builders import DAY, add, annotate, annotation, paper

CONSENT = {"how": "benchmark", "when": "2026-01-02"}
TOML = """[mail]
from = "papers@lists.example.org"
host = "127.0.0.1"
port = {port}
security = "none"
url = "https://lists.example.org"
messages_per_second = 100000
"""
SINK = """
import asyncio, sys
from aiosmtpd.smtp import SMTP

class Sink:
    async def handle_DATA(self, server, session, envelope):
        out.write(envelope.rcpt_tos[0] + "\\t" + str(len(envelope.content)) + "\\n")
        out.flush()
        return "250 taken"

async def main():
    make = lambda: SMTP(Sink(), hostname="sink", decode_data=False)
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()

out = open(sys.argv[1], "a")
asyncio.run(main())
"""


def filters(count: int) -> list[Filter]:
    """So many distinct filters, most of which some paper passes."""
    topics = [topic.id for topic in Prompts.load().taxonomy.topics]
    pairs = [Filter(), *(Filter(tags=pair) for pair in itertools.combinations(topics, 2))]
    return pairs[:count]


def fill(path: Path, papers: int, readers: int, wanted: list[Filter]) -> None:
    """A cache with one edition and its readers."""
    taxonomy = Prompts.load().taxonomy
    topics = [topic.id for topic in taxonomy.topics]
    with Store.open(path) as store:
        for number in range(papers):
            one = paper(f"Estuary {number}: Tidal Flats from Sparse Soundings of Nine Surveys")
            add(store, one)
            annotate(store, one, said=annotation(topics=(topics[number % len(topics)],)))
        compose(store, DAY, taxonomy=taxonomy)
        with store.transaction():
            for number in range(readers):
                where = wanted[number % len(wanted)]
                subscribers.add_with_consent(
                    store, f"reader{number}@example.org", "daily", where, "daily", CONSENT
                )


class Sink:
    """The mail server, and who got what."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "received"
        self.log.touch()
        self._process = subprocess.Popen(
            [sys.executable, "-c", SINK, str(self.log)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())

    def received(self) -> Counter[str]:
        """How many messages each address got."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return Counter(line.partition("\t")[0] for line in lines)

    def count(self) -> int:
        """How many messages there are."""
        with self.log.open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))

    def megabytes(self) -> float:
        """What they come to."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return sum(int(line.partition("\t")[2]) for line in lines) / 1e6

    def close(self) -> None:
        """Stop it."""
        self._process.kill()
        self._process.wait()


def sender(folder: Path) -> subprocess.Popen[bytes]:
    """The real command, on the folder's cache."""
    return subprocess.Popen(
        [sys.executable, "-m", "broadsheet", "send", "--quiet"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )


def resident_mb(process: subprocess.Popen[bytes]) -> float:
    """The memory that a process holds now."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in status.splitlines() if "VmRSS" in line), 0.0)


def run(folder: Path, sink: Sink, readers: int) -> Iterator[str]:
    """Send to all at once; yields the rows of the table."""
    memory: dict[int, float] = {}
    begun, first = time.monotonic(), 0.0
    before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    process = sender(folder)
    while process.poll() is None:
        count = sink.count()
        first = first or (time.monotonic() if count else 0.0)
        tenth = count * 10 // readers
        memory[tenth] = max(memory.get(tenth, 0.0), resident_mb(process))
        time.sleep(0.05)
    took = time.monotonic() - begun
    used = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before
    count = sink.count()
    yield f"messages sent                       {count:>10,}"
    yield f"size of all                         {sink.megabytes():>10,.0f} MB"
    yield f"the whole command                   {took:>10.1f} s   {count / took:,.0f} messages/s"
    yield f"of it on a processor                {used:>10.1f} s   {count / used:,.0f} messages/s"
    yield f"from the first message to the last  {time.monotonic() - first:>10.1f} s"
    yield f"memory at one tenth, at nine tenths {memory.get(1, 0):>10.0f} MB  {memory.get(9, 0):.0f} MB"


def killed_run(folder: Path, sink: Sink, readers: int, kills: int, dice: random.Random) -> Iterator[str]:
    """Send with kills; yields the rows of the table."""
    places = sorted(dice.sample(range(1, readers), kills))
    for place in places:
        process = sender(folder)
        while sink.count() < place and process.poll() is None:
            time.sleep(dice.uniform(0, 0.002))
        process.send_signal(signal.SIGKILL)
        process.wait()
    code = sender(folder).wait()
    got = sink.received()
    with Store.open(folder / "broadsheet.db") as store:
        states = store.deliveries.states("daily", "mail")
    yield f"killed after                          {', '.join(f'{place:,}' for place in places)}"
    yield f"readers with exactly one message    {sum(count == 1 for count in got.values()):>10,}"
    yield f"readers with more                   {sum(count > 1 for count in got.values()):>10,}"
    yield f"readers with none                   {sum(states.values()) - len(got):>10,}"
    yield f"told as unknown                     {states.get('unknown', 0):>10,}   (exit {code})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=10_000)
    parser.add_argument("--filters", type=int, default=50)
    parser.add_argument("--papers", type=int, default=120)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "broadsheet.db", given.papers, given.readers, filters(given.filters))
        for title in ("undisturbed", "killed"):
            place = folder / title
            place.mkdir()
            shutil.copy(folder / "broadsheet.db", place)
            sink = Sink(place)
            (place / "broadsheet.toml").write_text(TOML.format(port=sink.port), encoding="utf-8")
            print(f"\n{title}: {given.readers:,} readers, {given.filters} filters, {given.papers} papers")
            try:
                rows = (
                    run(place, sink, given.readers)
                    if title == "undisturbed"
                    else killed_run(place, sink, given.readers, given.kills, random.Random(given.seed))
                )
                for row in rows:
                    print(f"  {row}", flush=True)
            finally:
                sink.close()


if __name__ == "__main__":
    main()
