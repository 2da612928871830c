"""``worker``: an edition each day, by the clock."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.last_door import fault_sentence, foreseen
from broadsheet.cli.options import TaskOptions, start
from broadsheet.cli.printing import complain, is_quiet, note, say
from broadsheet.cli.stopping import stopping
from broadsheet.store.lock import StageLock


@command("worker")
def worker_(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Do today and what was missed, now, then end; for cron.")
    ] = False,
    options: TaskOptions,
) -> None:
    """Make each day's edition at its time: fetch, annotate, compose, render, write the site, send."""
    from broadsheet.worker import Stopped, Worker

    settings = start(options)
    worker = Worker(settings, _write, _listening, _told)
    with StageLock(settings.db, "running as this cache's worker", ".worker.lock").held():
        try:
            if once:
                status = worker.run_once()
                raise typer.Exit(status)
            worker.run_for_ever()
        except (Stopped, KeyboardInterrupt):
            if once:
                raise KeyboardInterrupt from None
            note("broadsheet: The worker has stopped; finished work is saved.")


def _told(error: Exception) -> str:
    """Return a sentence for what no other code has foreseen; a fault of Broadsheet's own leaves a report."""
    return str(foreseen(error) or fault_sentence(error))


def _write(line: str) -> None:
    """Print a line at once: whoever reads a log waits for it."""
    say(line)
    sys.stdout.flush()
    if is_quiet() and " state=failed " in line:
        complain(line)


@contextmanager
def _listening() -> Iterator[Callable[[], bool]]:
    """Let a stage end by itself on the first Ctrl-C or SIGTERM; a signal that nobody asked for is not lost.

    Raises:
        KeyboardInterrupt: A signal came too late for the stage to notice it.
    """
    was_heard = False

    def heard() -> bool:
        nonlocal was_heard
        was_heard = was_heard or stop()
        return was_heard

    with stopping(note, "what is under way") as stop:
        yield heard
    if not was_heard and stop():
        raise KeyboardInterrupt
