"""A process that annotates the papers of a database with an engine of its own; tests kill it.

Usage: annotate_worker.py DB BILL

The engine answers everything that is under way at once, as a busy server would, and writes each paper that it
answers for into BILL before the answer is read: what stands there has been paid for. After each answer that
was dealt with, the process prints a line.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from annotating import annotate
from broadsheet.annotate import Progress, maker_of
from broadsheet.batching import Limits
from broadsheet.llm import Control, Outcome, Request
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from papers import AnsweringLLM, right


class BillingLLM(AnsweringLLM):
    def __init__(self, bill: Path) -> None:
        super().__init__()
        self._bill = bill

    def complete(self, requests: Sequence[Request], control: Control) -> Iterator[Outcome]:
        done = 0
        while done < len(requests):
            under_way = list(requests[done:])
            with self._bill.open("a") as bill:
                bill.writelines(f"{paper.id}\n" for request in under_way for paper in request.papers.values())
            done += len(under_way)
            for request in under_way:
                yield Outcome(request, right(request))


def tell(progress: Progress) -> None:
    sys.stdout.write(f"{progress.done}\n")
    sys.stdout.flush()


def main(db: str, bill: str) -> None:
    prompts = Prompts.load()
    stopped = False

    def stop(*_: Any) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    llm = BillingLLM(Path(bill))
    with Store.open(db) as store:
        report = annotate(
            store.backlog.wanting(maker_of(llm, prompts)),
            store,
            llm,
            prompts,
            limits=Limits(papers=4),
            in_flight=4,
            tokens_per_minute=1_000_000,
            on_progress=tell,
            stop=lambda: stopped,
        )
    sys.stdout.write(f"{report.ending} {report.annotated}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
