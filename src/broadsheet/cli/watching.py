"""Shows progress and handles Ctrl-C for the commands that annotate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from broadsheet.cli.printing import note
from broadsheet.cli.progress import progress
from broadsheet.cli.spending import progress_note
from broadsheet.cli.stopping import stopping

if TYPE_CHECKING:
    from broadsheet.annotate import Watch


@contextmanager
def watching(stage: str = "Annotating") -> Iterator[Watch]:
    """Show the progress of a stage while the body runs; stop cleanly on the first Ctrl-C or SIGTERM."""
    from broadsheet.annotate import Watch

    with progress(stage) as advance, stopping(note) as stop:
        yield Watch(lambda now: advance(now.done, now.total, progress_note(now)), stop)
