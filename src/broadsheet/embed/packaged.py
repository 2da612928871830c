"""Makes the vectors of the packaged model that are lacking, on this machine: no key, no request, no cost."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from broadsheet.annotate import Progress, Watch
from broadsheet.embed.run import EmbedReport
from broadsheet.embedding import MODEL, installed
from broadsheet.store import Store


def make_vectors(
    store: Store,
    watch: Watch | None = None,
    most: int | None = None,
    among: Sequence[str] | None = None,
) -> EmbedReport | None:
    """Make a vector for each paper that has none, the latest first, on all processors.

    Args:
        store: The cache.
        watch: Sees how far it is, and may stop it.
        most: About so many at most.
        among: Only of the papers with these ids.

    Returns:
        What it came to; None without the extra ``search``.
    """
    if installed() is None:
        return None
    watch, lacking, began = watch or Watch(), store.vectors.lacking(among), time.monotonic()
    total = lacking if most is None else min(lacking, most)

    def told(made: int) -> None:
        seconds = max(time.monotonic() - began, 0.001)
        watch.on_progress(Progress(min(made, total), total, made / seconds, 0, 0.0, 0))

    threads = os.cpu_count() or 1
    made = store.complete_vectors(watch.stop, most=most, among=among, threads=threads, on_made=told)
    left = store.vectors.lacking(among) if made else lacking
    ending = "stopped" if left and (most is None or made < most) else "done"
    return EmbedReport(MODEL, lacking, made, left=left, ending=ending)
