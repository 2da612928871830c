"""Progress of long work: a live bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

PLAIN_INTERVAL_S = 5.0


class Advance(Protocol):
    """Tells where the work stands."""

    def __call__(self, done: int, total: int | None, note: str, what: str = "") -> None:
        """Say it.

        Args:
            done: How much is done.
            total: Of how much, where it is known.
            note: A remark such as ``"12 papers/s"``.
            what: What is being done now, where that has changed.
        """


@contextmanager
def progress(what: str, *, quiet: bool = False) -> Iterator[Advance]:
    """Show progress on standard error while the body runs; it calls what it is given."""
    if quiet:
        yield _silent
    elif sys.stderr.isatty():
        yield from _live(what)
    else:
        yield from _plain(what)


def _silent(done: int, total: int | None, note: str, what: str = "") -> None:
    """Nothing is shown."""


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

        def advance(done: int, total: int | None, note: str, what: str = "") -> None:
            bars.update(task, completed=done, total=total, note=note, description=what or None)

        yield advance


def _plain(what: str) -> Iterator[Advance]:
    last, doing = time.monotonic(), what

    def advance(done: int, total: int | None, note: str, what: str = "") -> None:
        nonlocal last, doing
        doing = what or doing
        if time.monotonic() - last >= PLAIN_INTERVAL_S:
            last = time.monotonic()
            of = f" of {total:,}" if total is not None else ""
            print(f"{doing}: {done:,}{of} {note}".rstrip(), file=sys.stderr)  # noqa: T201 - a front door prints

    yield advance
