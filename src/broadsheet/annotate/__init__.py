"""A batch becomes annotations.

Ask, check paper by paper, one repair turn, then halve until the bad paper stands alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from broadsheet import tokens
from broadsheet.annotate.asking import Asker
from broadsheet.annotate.course import Course
from broadsheet.annotate.estimating import Estimate, estimate
from broadsheet.annotate.judging import Judge
from broadsheet.annotate.left import left as left_of
from broadsheet.annotate.rebuilding import rebuild as rebuild_with
from broadsheet.annotate.rebuilding import recover
from broadsheet.annotate.report import AnnotateReport, Failure, Progress, Watch
from broadsheet.annotate.spending import Budget, Spending
from broadsheet.annotate.stage import Stage
from broadsheet.batching import Limits, pack, plan, what_binds
from broadsheet.config import Settings
from broadsheet.errors import ConfigError
from broadsheet.fencing import FencedPaper
from broadsheet.llm import LLM, Request
from broadsheet.llm.lasting import Lasting
from broadsheet.paper import Paper
from broadsheet.prices import Prices
from broadsheet.prompts import Prompts
from broadsheet.record import Maker
from broadsheet.schema import schema_id
from broadsheet.store import Store

__all__ = [
    "AnnotateReport",
    "Budget",
    "Estimate",
    "Failure",
    "Limits",
    "Progress",
    "Watch",
    "annotate",
    "annotate_wanting",
    "estimate",
    "expect",
    "limits_of",
    "maker_of",
    "rebuild",
    "wanting",
]

log = logging.getLogger(__name__)

IN_FLIGHT = 16
"""Requests under way at once unless told otherwise; what a kill can cost at most."""


def rebuild(store: Store, prompts: Prompts) -> int:
    """Make every annotation anew from the replies that were kept, for no tokens; returns how many there are.

    Raises:
        StoreError: The database cannot be written.
    """
    return rebuild_with(store, judge_of(prompts))


def judge_of(prompts: Prompts) -> Judge:
    """What judges records under these prompts."""
    return Judge(prompts.taxonomy)


def maker_of(llm: LLM, prompts: Prompts) -> Maker:
    """What the engine's annotations depend on besides the paper."""
    prompt = prompts.id if llm.prompted else prompts.taxonomy.cues_id
    return Maker(llm.engine, llm.model, prompt, schema_id(prompts.taxonomy))


def wanting(
    store: Store,
    llm: LLM,
    prompts: Prompts,
    paper_ids: Iterable[str] | None = None,
    *,
    stale: bool = False,
    failed_too: bool = False,
    limit: int | None = None,
) -> list[Paper]:
    """Papers without a current annotation that no request under way asks about; see `annotate_wanting`."""
    maker = maker_of(llm, prompts)
    papers = store.annotations.wanting(maker, paper_ids, stale=stale, failed_too=failed_too)
    return [paper for paper in papers if not (isinstance(llm, Lasting) and llm.holds(paper))][:limit]


def annotate_wanting(
    store: Store,
    llm: LLM,
    prompts: Prompts,
    settings: Settings,
    *,
    paper_ids: Iterable[str] | None = None,
    stale: bool = False,
    limit: int | None = None,
    budget: Budget | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> AnnotateReport:
    """Annotate what has no current annotation, as the settings say.

    Args:
        store: The cache.
        llm: The engine.
        prompts: Texts and taxonomy.
        settings: Limits, pace and prices.
        paper_ids: Only these papers; None for all.
        stale: Also papers annotated under another prompt or schema.
        limit: Papers, at most.
        budget: What the run may cost, at most.
        on_progress: Called after every answer.
        stop: Asked before every request; once true, answers under way are awaited and nothing new is asked.

    Raises:
        ConfigError: The budget is in dollars and the model's price is unknown, or the limits leave no room
            for a paper.
        LLMError: The engine cannot answer, now or ever; what is done is kept.
        StoreError: The database cannot be written.
    """
    return annotate(
        wanting(store, llm, prompts, paper_ids, stale=stale, limit=limit),
        store,
        llm,
        prompts,
        limits=limits_of(settings),
        in_flight=_in_flight(llm, settings),
        tokens_per_minute=_quota(settings),
        requests_per_minute=settings.requests_per_minute,
        budget=budget,
        prices=Prices.load(settings.prices),
        on_progress=on_progress,
        stop=stop,
    )


def limits_of(settings: Settings) -> Limits:
    """What a request may hold, as the settings say."""
    return Limits(
        settings.batch_papers,
        settings.batch_input_tokens,
        settings.batch_output_tokens,
        settings.context_tokens,
    )


def expect(papers: Sequence[Paper], llm: LLM, prompts: Prompts, settings: Settings) -> Estimate:
    """What `annotate_wanting` will take for these papers, as the settings say.

    Raises:
        ConfigError: The table of prices cannot be read, or the limits leave no room for a paper.
    """
    limits = limits_of(settings)
    chosen = plan(
        len(papers),
        limits,
        in_flight=_in_flight(llm, settings),
        tokens_per_minute=_quota(settings),
        requests_per_minute=settings.requests_per_minute,
    )
    limits = replace(limits, papers=chosen.papers)
    return estimate(papers, llm, prompts, limits, Prices.load(settings.prices))


def _in_flight(llm: LLM, settings: Settings) -> int | None:
    return None if llm.engine == "openai-batch" else settings.max_in_flight


def _quota(settings: Settings) -> int | None:
    return int(settings.tokens_per_minute) if settings.tokens_per_minute else None


def _fitted(paper: Paper, limits: Limits, fixed_tokens: int, count: Callable[[str], int]) -> FencedPaper:
    """A paper as it is sent."""
    return pack([paper], limits, fixed_tokens=fixed_tokens, count=count)[0].papers[0]


def annotate(
    papers: Sequence[Paper],
    store: Store,
    llm: LLM,
    prompts: Prompts,
    *,
    limits: Limits | None = None,
    in_flight: int | None = IN_FLIGHT,
    tokens_per_minute: int | None = None,
    requests_per_minute: float | None = None,
    budget: Budget | None = None,
    prices: Prices | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> AnnotateReport:
    """Annotate papers and commit every answer as it comes.

    What earlier runs left with an engine whose answers take a day is collected first, whatever the papers and
    the budget are: it is paid for. It was asked under the prompt of then and is kept as such, so a paper that
    it annotates is not asked about again unless stale papers are. A paper whose words have changed since is
    asked about in its new words, and the answer about the old ones does not become its current one.

    Args:
        papers: Papers of the store.
        store: The cache.
        llm: The engine.
        prompts: Texts and taxonomy.
        limits: What a request may hold.
        in_flight: Requests under way at once; None hands all over, for an engine that makes one job of them.
        tokens_per_minute: The provider's quota, where it is known; it decides the size of batches.
        requests_per_minute: The same for requests.
        budget: What the run may cost, at most.
        prices: The table of prices; the packaged one unless given.
        on_progress: Called after every answer.
        stop: Asked before every request; once true, answers under way are awaited and nothing new is asked.

    Raises:
        ConfigError: The budget is in dollars and the model's price is unknown, or the limits leave no room
            for a paper.
        LLMMisconfigured: The engine can never answer as it is set up.
        StoreError: The database cannot be written.
    """
    limits, budget = limits or Limits(), budget or Budget()
    price = (prices or Prices.load()).of(llm.engine, llm.model)
    if budget.usd is not None and price is None:
        raise ConfigError(
            f"The price of {llm.model} is unknown, so a budget in dollars cannot be kept;"
            " add it to the table of prices or use --budget-tokens."
        )
    if not papers and not isinstance(llm, Lasting):
        return AnnotateReport(cost_usd=0.0)
    asker = Asker(prompts, limits, prompted=llm.prompted)
    asker.require_room()
    taken_up: list[Request] = []
    elsewhere = 0
    if isinstance(llm, Lasting):
        taken_up = llm.take_up()
        papers = [paper for paper in papers if not llm.holds(paper)]
        elsewhere = llm.count_held() - sum(len(request.papers) for request in taken_up)
    if not papers and not taken_up:
        return AnnotateReport(papers=elsewhere, elsewhere=elsewhere, cost_usd=0.0)
    maker, judge = maker_of(llm, prompts), judge_of(prompts)
    count = tokens.count if llm.prompted else len
    fit = partial(_fitted, limits=limits, fixed_tokens=asker.fixed_tokens, count=count)
    recovered, faults = recover(store, judge, maker, papers, fit) if llm.prompted else (set(), [])
    begun = recovered | {fault.paper.paper.id for fault in faults}
    papers = [paper for paper in papers if paper.id not in begun]
    chosen = plan(
        len(papers),
        limits,
        in_flight=in_flight,
        tokens_per_minute=tokens_per_minute,
        requests_per_minute=requests_per_minute,
    )
    limits = replace(limits, papers=chosen.papers)
    batches = pack(papers, limits, fixed_tokens=asker.fixed_tokens, count=count)
    log.info((llm.prompted and what_binds(batches, limits, asker.fixed_tokens)) or chosen.why)
    left = [left_of(request, maker, fit) for request in taken_up]
    course = Course(
        (batch.papers for batch in batches),
        chosen.papers,
        patient=chosen.under_quota or isinstance(llm, Lasting),
        room=asker.room,
        repair_tokens=asker.repair_tokens,
    )
    course.repair(faults)
    stage = Stage(
        store,
        llm,
        maker,
        asker=asker,
        course=course,
        judge=judge,
        spending=Spending(budget, price),
        in_flight=in_flight,
        watch=Watch(on_progress, stop),
        papers=len(papers) + len(faults) + sum(len(taken.ask.papers) for taken in left),
        left=left,
    )
    report = stage.run()
    return replace(
        report,
        papers=report.papers + len(recovered) + elsewhere,
        annotated=report.annotated + len(recovered),
        elsewhere=report.elsewhere + elsewhere,
    )
