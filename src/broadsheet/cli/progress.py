"""Progress of long work: a live bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int, int | None, str], None]
PLAIN_INTERVAL_S = 5.0


@contextmanager
def progress(what: str, *, quiet: bool = False) -> Iterator[Advance]:
    """Show progress on standard error while the body runs.

    Yields:
        A function to call with the number done, the total where it is known, and a note such as
        ``"12 papers/s"``.
    """
    if quiet:
        yield lambda *_: None
    elif sys.stderr.isatty():
        yield from _live(what)
    else:
        yield from _plain(what)


def _live(what: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(what, total=None, note="")
        yield lambda done, total, note: bars.update(task, completed=done, total=total, note=note)


def _plain(what: str) -> Iterator[Advance]:
    last = time.monotonic()

    def advance(done: int, total: int | None, note: str) -> None:
        nonlocal last
        if time.monotonic() - last >= PLAIN_INTERVAL_S:
            last = time.monotonic()
            of = f" of {total}" if total is not None else ""
            print(f"{what}: {done}{of} {note}".rstrip(), file=sys.stderr)  # noqa: T201 - a front door prints

    yield advance
