"""Progress of long work: a live bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from broadsheet.cli.app import note

PLAIN_INTERVAL_S = 5.0
LONGEST_PLAIN_INTERVAL_S = 60.0
_WITHOUT_CURSOR = {"dumb", "unknown"}


class Advance(Protocol):
    """Tells where the work stands; may be called as often as one likes."""

    def __call__(self, done: int, total: int | None, remark: str) -> None:
        """Say it.

        Args:
            done: How much is done.
            total: Of how much, where it is known.
            remark: What else is to be known, such as ``"12 papers/s"``.
        """


@contextmanager
def progress(what: str, *, quiet: bool = False) -> Iterator[Advance]:
    """Show progress on standard error while the body runs; it calls what it is given."""
    if quiet:
        yield _silent
    elif sys.stderr.isatty() and os.environ.get("TERM", "").lower() not in _WITHOUT_CURSOR:
        yield from _live(what)
    else:
        yield _plain(what)


def _silent(done: int, total: int | None, remark: str) -> None:
    """Nothing is shown."""


def _live(what: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.table import Column
    from rich.text import Text

    class RemarkColumn(ProgressColumn):
        """What is cut short where the terminal is narrow; the other columns keep their width."""

        def render(self, task: Task) -> Text:
            return Text(task.fields["remark"], no_wrap=True, overflow="ellipsis")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None, table_column=Column(ratio=1)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        RemarkColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, expand=True) as bars:
        task = bars.add_task(what, total=None, remark="")

        def advance(done: int, total: int | None, remark: str) -> None:
            bars.update(task, completed=done, total=total, remark=remark)

        yield advance


def _plain(what: str) -> Advance:
    """A line now and then: every `PLAIN_INTERVAL_S` while there is progress, rarer and rarer while not."""
    said_at, said_done, interval_s = time.monotonic(), 0, PLAIN_INTERVAL_S

    def advance(done: int, total: int | None, remark: str) -> None:
        nonlocal said_at, said_done, interval_s
        if done != said_done:
            interval_s = PLAIN_INTERVAL_S
        if time.monotonic() - said_at < interval_s:
            return
        said_at, said_done, interval_s = time.monotonic(), done, min(2 * interval_s, LONGEST_PLAIN_INTERVAL_S)
        of = f" of {total:,}" if total is not None else ""
        note(", ".join(filter(None, (f"{what}: {done:,}{of}", remark))))

    return advance
