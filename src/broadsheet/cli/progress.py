"""Shows the progress of long tasks: a live bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from broadsheet.cli.printing import is_quiet, note
from broadsheet.cli.streams import Door, unguarded
from broadsheet.visible import printable

PLAIN_INTERVAL_S = 5.0
LONGEST_PLAIN_INTERVAL_S = 60.0
_WITHOUT_CURSOR = {"dumb", "unknown"}


class Advance(Protocol):
    """A callback that updates the progress shown; it may be called at any rate."""

    def __call__(self, done: int, total: int | None, remark: str) -> None:
        """Update the progress.

        Args:
            done: Units of work done so far.
            total: Units of work in all, if known.
            remark: Further information, such as ``"12 papers/s"``.
        """


@contextmanager
def progress(what: str) -> Iterator[Advance]:
    """Show progress on standard error while the body runs; yield the callback that updates it."""
    if is_quiet():
        yield lambda *_: None
    elif sys.stderr.isatty() and os.environ.get("TERM", "").lower() not in _WITHOUT_CURSOR:
        yield from _live(what)
    else:
        yield _plain(what)


def _live(what: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.table import Column
    from rich.text import Text

    class RemarkColumn(ProgressColumn):
        """The remark: the only column that is truncated on a narrow terminal."""

        def render(self, task: Task) -> Text:
            return Text(task.fields["remark"], no_wrap=True, overflow="ellipsis")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None, table_column=Column(ratio=1)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        RemarkColumn(),
    )
    bars = Progress(*columns, console=Console(file=unguarded(sys.stderr)), transient=True, expand=True)
    try:  # a Ctrl-C while the line starts must stop it too, or it is drawn over what is said next
        bars.start()
        # rich has put streams of its own in place until it stops; they obey escape sequences.
        sys.stdout, sys.stderr = Door(sys.stdout), Door(sys.stderr)
        task = bars.add_task(printable(what), total=None, remark="")

        def advance(done: int, total: int | None, remark: str) -> None:
            bars.update(task, completed=done, total=total, remark=printable(remark))

        yield advance
    finally:
        bars.stop()


def _plain(what: str) -> Advance:
    """Return a callback that prints a line every `PLAIN_INTERVAL_S`, and less often while nothing moves."""
    last_time, last_done, interval_s = time.monotonic(), 0, PLAIN_INTERVAL_S

    def advance(done: int, total: int | None, remark: str) -> None:
        nonlocal last_time, last_done, interval_s
        if done != last_done:
            interval_s = PLAIN_INTERVAL_S
        if time.monotonic() - last_time < interval_s:
            return
        last_time, last_done = time.monotonic(), done
        interval_s = min(2 * interval_s, LONGEST_PLAIN_INTERVAL_S)
        of = f" of {total:,}" if total is not None else ""
        note(", ".join(filter(None, (f"{what}: {done:,}{of}", remark))))

    return advance
