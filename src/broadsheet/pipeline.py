"""The line in code: source -> intake -> annotate -> compose -> render, one call a stage and no logic.

Every arrow between two stages is a table of the cache, so each stage is also a command of its own, and a run
that is cut off between two of them goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from broadsheet import fallback
from broadsheet.annotate import AnnotateReport, Budget, Prepared, Wanted, Watch, prepare
from broadsheet.compose import Composed, compose
from broadsheet.config import Settings
from broadsheet.errors import LLMError
from broadsheet.fetch import FetchReport, fetch, look_back
from broadsheet.llm import open_llm
from broadsheet.prompts import Prompts
from broadsheet.render import render, write
from broadsheet.sources import Source
from broadsheet.store import Store


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run came to, stage by stage.

    Attributes:
        fetched: Papers read and admitted, source by source.
        annotated: Papers annotated and failed, requests, tokens and cost.
        composed: The day's edition, if there is anything to print; None where the run was stopped before.
        written: The edition's HTML page.
        extracted: Papers whose lines are extracted because the model gave none.
        outage: Why the model gave no answer, if it gave out.
    """

    fetched: FetchReport
    annotated: AnnotateReport
    composed: Composed | None
    written: Path | None
    extracted: int = 0
    outage: LLMError | None = None


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a run calls on its way.

    Attributes:
        approve: Called with what was fetched and what annotating it will take; raises to stop the run.
        on_fetch: Called with the number of papers read so far.
        watching: Opened while annotating, the one stage that spends, and that can be stopped half-way.
    """

    approve: Callable[[FetchReport, Prepared], None] = lambda *_: None
    on_fetch: Callable[[int], None] | None = None
    watching: Callable[[], AbstractContextManager[Watch]] = lambda: nullcontext(Watch())


def run(
    sources: Sequence[Source],
    settings: Settings,
    day: date,
    *,
    budget: Budget | None = None,
    hooks: Hooks | None = None,
    again: bool = False,
    wait: bool = False,
) -> RunReport:
    """Fetch, annotate what is new of it, compose the day's edition and write it.

    Args:
        sources: Where papers come from.
        settings: The database, the engine, the folder for editions.
        day: The edition's day.
        budget: What annotating may cost, at most.
        hooks: Called on the way.
        again: Also annotate papers that another model has annotated.
        wait: Wait while another process annotates the same cache.

    Raises:
        UserError: Something must be put right first; what was done before stays done.
        LLMError: The engine cannot answer and ``settings.fallback`` is off; what it answered before is kept.
    """
    hooks, prompts = hooks or Hooks(), Prompts.load(settings.prompts, settings.language)
    with Store.open(settings.db) as store:
        llm = open_llm(settings, store, prompts)
        fetched = fetch(sources, store, look_back(day, settings), on_progress=hooks.on_fetch)
        with store.annotating(wait=wait):
            pending = fallback.pending(store, llm, prompts, day, fetched.paper_ids)
            prepared = prepare(store, llm, prompts, settings, Wanted(pending, others=again))
            hooks.approve(fetched, prepared)
            with hooks.watching() as watch:
                annotated, outage = fallback.annotate(prepared, store, budget, watch)
            if outage and not settings.fallback:
                raise outage
            if annotated.ending in {"stopped", "with-service"}:
                return RunReport(fetched, annotated, None, None)
            extracted = 0
            if settings.fallback:
                extracted = fallback.extract_rest(store, llm, prompts, settings, day, outage)
        composed = compose(store, day, taxonomy=prompts.taxonomy)
        edition = composed.edition
        pages = render(edition, prompts.taxonomy, settings.language) if edition else None
        written = write(pages, settings.out, day) if pages else None
    return RunReport(fetched, annotated, composed, written, extracted, outage)
