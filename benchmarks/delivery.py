"""How fast weeks of real days reach their readers, and what kills cost: two tables, from one command.

usage: python benchmarks/delivery.py [--readers 10000] [--days 44] [--kills 5] [--seed 7]

Three newsletters are composed and sent day by day through the real command: one of everything and one of a
few tags, each day, and one a week. Their readers have 50 filters, and get daily, weekly or monthly mail.
aiosmtpd, in a process beside, takes every message on loopback and writes down who got what. After five of the
days a loop around `smtplib.SMTP.sendmail` hands over the same bytes once more: that is the floor. The same is
sent to a tenth of the readers first, to see whether memory depends on how many there are.

Then all of it is sent again to new readers by a sender that is killed (SIGKILL) at random moments. Who was to
get what is worked out apart from the sender, from the editions and from what `list` says of the filters.

The days are those of a folder beside the repository (or where ``BROADSHEET_SHARED`` says), and else invented.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from email.utils import format_datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

import days_of_mail
from days_of_mail import NEWSLETTERS, Expected
from mail_sink import Sink, Taken

from broadsheet.store import Store

FLOORS = 5
COMMAND = (sys.executable, str(ROOT / "benchmarks" / "measured.py"))
# As where it is installed, a command does not compile its modules anew each time.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    "PYTHONPATH": str(ROOT / "src"),
}


@dataclass
class Run:
    """What one `send` took.

    Attributes:
        edition: The newsletter and the day.
        sent: Messages that arrived.
        seconds: Wall time of the command.
        cpu_s: Its time on a processor.
        server_cpu_s: That of the mail server meanwhile.
        peak_mb: The most memory that it held.
        code: Its exit status.
    """

    edition: tuple[str, date]
    sent: int
    seconds: float
    cpu_s: float
    server_cpu_s: float
    peak_mb: float
    code: int


@dataclass
class Total:
    """What all runs came to, and the floor beside some of them."""

    runs: list[Run] = field(default_factory=list)
    floors: list[tuple[Run, float]] = field(default_factory=list)


def send(folder: Path, sink: Sink, newsletter: str, day: date, kill_after: int | None = None) -> Run:
    """Run the real command on the folder's cache, and kill it after so many messages if asked."""
    peak = folder / "peak"
    before, begun, server = sink.count(), time.monotonic(), sink.cpu_s()
    process = subprocess.Popen(
        [*COMMAND, str(peak), "send", "--quiet", "--newsletter", newsletter, "--date", day.isoformat()],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
    )
    while kill_after is not None:
        if sink.count() - before >= kill_after:
            process.send_signal(signal.SIGKILL)
            break
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(
        (newsletter, day),
        sink.count() - before,
        time.monotonic() - begun,
        used.ru_utime + used.ru_stime,
        sink.cpu_s() - server,
        float(peak.read_text(encoding="ascii")) if kill_after is None else 0.0,
        process.returncode,
    )


def floor(sink: Sink, first: int) -> float:
    """Hand the messages since the first one over again by a bare loop; return the seconds."""
    made = [(each.address, made_again(sink, each)) for each in sink.taken(first)]
    begun = time.monotonic()
    with smtplib.SMTP("127.0.0.1", sink.port) as smtp:
        for address, raw in made:
            smtp.sendmail("papers@lists.example.org", [address], raw)
    return time.monotonic() - begun


def made_again(sink: Sink, taken: Taken) -> bytes:
    """A message with headers as long as those that came; its key is one that no reader has."""
    leave = "https://lists.example.org/unsubscribe/" + "x" * 32
    own = (
        f"To: {taken.address}\r\n"
        f"Date: {format_datetime(days_of_mail.NOON)}\r\n"
        f"Message-ID: <{'0' * len(taken.key)}@lists.example.org>\r\n"
        f"List-Unsubscribe: <{leave}>, <mailto:papers@lists.example.org?subject=unsubscribe%20{'x' * 32}>\r\n"
    ).encode()
    return own + sink.body(taken.content)


def each_day(folder: Path, days: list[date]) -> Iterator[tuple[str, date]]:
    """Yield the editions, in the order in which they are sent."""
    with Store.open(folder / "broadsheet.db") as store:
        have = {name: set(store.editions.days(name)) for name in NEWSLETTERS}
    for day in days:
        yield from ((name, day) for name in NEWSLETTERS if day in have[name])


def undisturbed(folder: Path, sink: Sink, days: list[date]) -> Total:
    """Send every edition, and a floor beside some."""
    total = Total()
    editions = list(each_day(folder, days))
    daily = [place for place, (name, _) in enumerate(editions) if name == "daily"]
    beside = set(daily[:: max(1, len(daily) // FLOORS)][:FLOORS])
    for place, (name, day) in enumerate(editions):
        first = sink.count()
        run = send(folder, sink, name, day)
        total.runs.append(run)
        if place in beside:
            total.floors.append((run, floor(sink, first)))
        progress(place + 1, len(editions))
    return total


def killed(folder: Path, sink: Sink, days: list[date], kills: int, dice: random.Random) -> list[str]:
    """Send every edition with kills; return where they struck."""
    editions = list(each_day(folder, days))
    expected = Expected(folder).by_edition
    largest = [each for each in editions if expected[each] > 20]
    struck = dice.sample(largest, min(kills, len(largest)))
    told = []
    for place, (name, day) in enumerate(editions):
        if (name, day) in struck:
            after = dice.randrange(1, expected[name, day])
            run = send(folder, sink, name, day, after)
            told.append(f"{name} {day} after {run.sent:,} of about {expected[name, day]:,} (exit {run.code})")
        send(folder, sink, name, day)
        progress(place + 1, len(editions))
    return told


def progress(done: int, of: int) -> None:
    """Say how far it is, to a person."""
    if sys.stderr.isatty():
        print(f"\r{done} of {of} editions", end="\r", file=sys.stderr)


def speed(total: Total) -> Iterator[str]:
    """Yield the rows of the first table."""
    sent, seconds = sum(run.sent for run in total.runs), sum(run.seconds for run in total.runs)
    cpu, server = sum(run.cpu_s for run in total.runs), sum(run.server_cpu_s for run in total.runs)
    yield f"editions sent                             {len(total.runs):>10,}"
    yield f"messages                                  {sent:>10,}"
    yield f"the whole commands, start and rendering   {seconds:>10.1f} s   {sent / seconds:,.0f} messages/s"
    yield f"their time on a processor                 {cpu:>10.1f} s   {sent / cpu:,.0f} messages/s"
    yield f"the mail server's                         {server:>10.1f} s"
    ours, bare = sum(run.seconds for run, _ in total.floors), sum(floor for _, floor in total.floors)
    some = sum(run.sent for run, _ in total.floors)
    yield f"those with a floor                        {ours:>10.1f} s   {some / ours:,.0f} messages/s"
    yield f"the floor: bare sendmail, the same bytes  {bare:>10.1f} s   {some / bare:,.0f} messages/s"


def memory(folder: Path, readers: int, few: Total, many: Total) -> Iterator[str]:
    """Yield the peaks of the first days, of days in the middle and of the last, and the largest of all."""
    by_edition = {run.edition: run.peak_mb for run in few.runs}
    with Store.open(folder / "broadsheet.db") as store:
        editions = {each: store.editions.get(each[1], each[0]) for each in by_edition}
    daily = [run for run in many.runs if run.edition[0] == "daily"]
    middle, largest = len(daily) // 2, max(many.runs, key=lambda run: run.peak_mb)
    shown = {id(run): run for run in (*daily[:2], *daily[middle : middle + 2], *daily[-2:], largest)}
    yield f"peak memory                {'papers':>10}  {readers // 10:>8,} readers  {readers:>8,} readers"
    for run in shown.values():
        name, day = run.edition
        edition = editions[run.edition]
        papers = len(edition.cards) if edition else 0
        sizes = f"{by_edition[run.edition]:>13.0f} MB  {run.peak_mb:>13.0f} MB"
        yield f"{name:<8} {day}        {papers:>10,}  {sizes}"


def accounts(folder: Path, sink: Sink) -> Iterator[str]:
    """Yield who got what, beside who was to."""
    expected = Expected(folder)
    got = Counter(each.key for each in sink.taken() if each.key.strip("0"))
    seen: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for each in sink.taken():
        if each.key in expected.newsletter:
            seen[each.address, expected.newsletter[each.key]].update(sink.papers(each.content))
    again = sum(count > 1 for papers in seen.values() for count in papers.values())
    with Store.open(folder / "broadsheet.db") as store:
        states = [store.deliveries.states(name, "mail") for name in NEWSLETTERS]
    once = sum(got[key] == 1 for key in expected.newsletter)
    none = sum(not got[key] for key in expected.newsletter)
    strange = sum(count for key, count in got.items() if key not in expected.newsletter)
    yield f"messages that readers were to get         {len(expected.newsletter):>10,}"
    yield f"of them, arrived exactly once             {once:>10,}"
    yield f"of them, arrived more than once           {sum(got[key] > 1 for key in expected.newsletter):>10,}"
    yield f"of them, not arrived                      {none:>10,}"
    yield f"messages that nobody was to get           {strange:>10,}"
    yield f"papers that came to a reader twice        {again:>10,}"
    yield f"told as unknown                           {sum(each.get('unknown', 0) for each in states):>10,}"


def main() -> None:
    """Fill the cache, send, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=44)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", choices=["undisturbed", "killed"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        days = days_of_mail.fill(made / "broadsheet.db", given.days)
        subprocess.run([*COMMAND, str(made / "peak"), "--version"], env=ENVIRONMENT, check=True)
        few = Total()
        for title in ("a tenth", "undisturbed", "killed"):
            if given.only not in (None, title) and not (title == "a tenth" and given.only == "undisturbed"):
                continue
            readers = given.readers // 10 if title == "a tenth" else given.readers
            folder = made / title.replace(" ", "-")
            folder.mkdir()
            shutil.copy(made / "broadsheet.db", folder)
            days_of_mail.enrol(folder / "broadsheet.db", readers)
            sink = Sink(folder)
            (folder / "broadsheet.toml").write_text(days_of_mail.settings(sink.port), encoding="utf-8")
            print(f"\n{title}: {readers:,} readers, {len(days)} days of {days_of_mail.WHENCE}")
            try:
                if title == "a tenth":
                    few = undisturbed(folder, sink, days)
                    rows = list(speed(few))
                elif title == "undisturbed":
                    many = undisturbed(folder, sink, days)
                    rows = [*speed(many), *memory(folder, readers, few, many)]
                else:
                    rows = killed(folder, sink, days, given.kills, random.Random(given.seed))
                for row in (*rows, *accounts(folder, sink)):
                    print(f"  {row}", flush=True)
            finally:
                sink.close()


if __name__ == "__main__":
    main()
