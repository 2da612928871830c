"""Makes the vectors of the packaged model that are lacking, on this machine: no key, no request, no cost."""

from __future__ import annotations

import os
import time

from broadsheet.annotate import Progress, Watch
from broadsheet.embed.run import EmbedReport
from broadsheet.embedding import MODEL, installed
from broadsheet.store import Store


def make_vectors(store: Store, watch: Watch | None = None, most: int | None = None) -> EmbedReport | None:
    """Make a vector for each paper that has none, the latest first, on all processors.

    Args:
        store: The cache.
        watch: Sees how far it is, and may stop it.
        most: About so many at most.

    Returns:
        What it came to; None without the extra ``search``.
    """
    if installed() is None:
        return None
    watch, lacking, began = watch or Watch(), store.vectors.lacking(), time.monotonic()
    total = lacking if most is None else min(lacking, most)

    def told(made: int) -> None:
        seconds = max(time.monotonic() - began, 0.001)
        watch.on_progress(Progress(min(made, total), total, made / seconds, 0, 0.0, 0))

    made = store.complete_vectors(watch.stop, most=most, threads=os.cpu_count() or 1, on_made=told)
    left = store.vectors.lacking() if made else lacking
    ending = "stopped" if left and (most is None or made < most) else "done"
    return EmbedReport(MODEL, lacking, made, left=left, ending=ending)
