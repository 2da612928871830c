"""The annotate stage in one call, for tests that begin with papers and end with a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from broadsheet.annotate import AnnotateReport, Budget, Progress, Wanted, Watch, prepare
from broadsheet.batching import Limits
from broadsheet.config import Settings
from broadsheet.llm import LLM
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.store import Store

NAMES = {
    "papers": "batch_papers",
    "input_tokens": "batch_input_tokens",
    "output_tokens": "batch_output_tokens",
    "context_tokens": "context_tokens",
}


def annotate(
    papers: Sequence[Paper],
    store: Store,
    llm: LLM,
    prompts: Prompts,
    *,
    limits: Limits | None = None,
    budget: Budget | None = None,
    in_flight: int = 16,
    on_progress: Callable[[Progress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    **settings: Any,
) -> AnnotateReport:
    """Prepare a run over these papers, and run it.

    Args:
        papers: Papers of the store.
        store: The cache.
        llm: The engine.
        prompts: Texts and taxonomy.
        limits: What a request may hold.
        budget: What the run may cost.
        in_flight: Requests under way at once.
        on_progress: Called after every answer.
        stop: Stops it.
        settings: Others, by name.
    """
    held = {NAMES[name]: getattr(limits, name) for name in NAMES} if limits else {}
    chosen = Settings.load(engine="extractive", max_in_flight=in_flight, **held, **settings)
    ids = [paper.id for paper in papers]
    prepared = prepare(store, llm, prompts, chosen, Wanted(ids, others=True, stale=True, failed_too=True))
    return prepared.run(budget, Watch(on_progress, stop))
