"""How the commands that annotate are watched: progress shown while it goes on, Ctrl-C heard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from broadsheet.cli.app import note
from broadsheet.cli.progress import progress
from broadsheet.cli.spending import progress_note
from broadsheet.cli.stopping import stopping

if TYPE_CHECKING:
    from broadsheet.annotate import Watch


@contextmanager
def watching(*, quiet: bool) -> Iterator[Watch]:
    """Show where annotating stands while the body runs; the first Ctrl-C or SIGTERM ends it cleanly."""
    from broadsheet.annotate import Watch

    def tell(sentence: str) -> None:
        if not quiet:
            note(sentence)

    with progress("Annotating", quiet=quiet) as advance, stopping(tell) as stop:
        yield Watch(lambda now: advance(now.done, now.total, progress_note(now)), stop)
