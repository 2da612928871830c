"""`prepare`, the way into the stage: what to annotate and what it will cost, before anything is asked."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from broadsheet import tokens
from broadsheet.annotate.fruitless import ANSWER_TOKENS
from broadsheet.annotate.judging import Judge
from broadsheet.annotate.queue import AskQueue
from broadsheet.annotate.recovery import Recovered, recover
from broadsheet.annotate.report import AnnotateReport, Watch
from broadsheet.annotate.requests import RequestBuilder
from broadsheet.annotate.run import AnnotateRun
from broadsheet.annotate.spending import Budget, Ledger
from broadsheet.annotation import CORE
from broadsheet.batching import TOKENS_A_PAPER, Batch, Limits, binding, fitted, pack, plan, what_binds
from broadsheet.config import Settings
from broadsheet.engines import engine_of
from broadsheet.errors import ConfigError
from broadsheet.llm import LLM, quota_of
from broadsheet.paper import Paper
from broadsheet.prices import Price, Prices
from broadsheet.prompts import Prompts
from broadsheet.record import Maker
from broadsheet.schema import schema_id
from broadsheet.store import Store
from broadsheet.store.backlog import Standing, Wanted

log = logging.getLogger(__name__)

CACHED_FROM = 1024
"""Tokens from which providers keep the beginning of a prompt."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take if every answer is right the first time.

    Attributes:
        papers: Papers to annotate.
        requests: Requests.
        input_tokens: Prompt tokens.
        output_tokens: Tokens of the answers.
        cost_usd: US dollars, nothing cached; None where the price is unknown.
        with_service: Papers that requests of earlier runs ask about; their answers are not counted here.
        usd_per_1000: US dollars for 1,000 papers with the instructions of all requests but the first cached,
            where they are long enough; None where the price is unknown.
        embedding_texts: Texts that a run asks for vectors of besides; their cost is part of ``cost_usd``.
        embedding_tokens: Their tokens.
    """

    papers: int
    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    with_service: int = 0
    usd_per_1000: float | None = None
    embedding_texts: int = 0
    embedding_tokens: int = 0

    @property
    def tokens(self) -> int:
        """Return the tokens in and out, those of vectors included."""
        return self.input_tokens + self.output_tokens + self.embedding_tokens


@dataclass(frozen=True)
class Prepared:
    """A run that can begin.

    Attributes:
        papers: Papers to annotate, those included whose stored reply holds the annotation.
        estimate: What asking about them will take.
        standing: How many papers are left as they are, and why.
    """

    papers: Sequence[Paper]
    estimate: Estimate
    standing: Standing
    _store: Store
    _prompts: Prompts
    _price: Price | None
    _work: AnnotateRun

    def run(self, budget: Budget | None = None, watch: Watch | None = None) -> AnnotateReport:
        """Annotate the papers, and commit every answer as it comes. Call it once.

        Requests that earlier runs left with a deferred engine are collected first, whatever the budget is:
        they are paid for. They were asked under the prompt of that day and are stored as such.

        Args:
            budget: What the run may cost, at most.
            watch: Sees how far the run is, and may stop it.

        Raises:
            ConfigError: The budget is in dollars and the model's price is unknown.
            LLMError: The engine cannot answer, now or ever; what is done is kept.
            StoreError: The database cannot be written, or another process is annotating.
        """
        budget = budget or Budget()
        if budget.usd is not None and self._price is None:
            raise ConfigError(
                f"The price of {self._work.maker.model} is unknown, so a budget in dollars cannot be kept;"
                " add it to the table of prices or use --budget-tokens."
            )
        if not self.papers and not self._work.open_requests:
            return AnnotateReport(cost_usd=0.0)
        ledger = Ledger(budget, self._price, all_at_once=self._work.in_flight is None)
        with self._store.annotating():
            self._store.declare(self._prompts.fields)
            return self._work.run(self.papers, ledger, watch or Watch())


def prepare(
    store: Store,
    llm: LLM,
    prompts: Prompts,
    settings: Settings,
    wanted: Wanted = Wanted(),  # noqa: B008 - it is frozen
) -> Prepared:
    """Find what has no current annotation, and plan how to ask about it; nothing is written or asked.

    A paper that a request of an earlier run asks about in its present words is left to that request. Hold
    ``store.annotating()`` around this call and `Prepared.run` where other processes may annotate.

    Args:
        store: The cache.
        llm: The engine.
        prompts: Texts and taxonomy.
        settings: Limits, pace and prices.
        wanted: Which papers.

    Raises:
        ConfigError: The table of prices cannot be read, or the limits leave no room for a paper.
    """
    # Read before tokens are counted, which may download: a wrong table is said at once.
    price = Prices.load(settings.prices).of(llm.model, engine_of(llm.engine).price_factor)
    maker, judge = maker_of(llm, prompts), judge_of(prompts, suspicious=settings.distrust_neighbours)
    wanting = store.backlog.wanting(maker, wanted)
    open_requests = llm.open_requests()
    open_papers = {
        (paper.id, paper.content_hash) for request in open_requests for paper in request.papers.values()
    }
    papers = [paper for paper in wanting if (paper.id, paper.content_hash) not in open_papers][: wanted.limit]
    recovered = recover(store, judge, maker, papers) if llm.prompted and not wanted.again else Recovered()
    unasked = [paper for paper in papers if not recovered.has(paper.id)]
    # With nothing to ask, neither the templates nor the token counter are loaded: that run takes 0.1 s less.
    asks = llm.prompted and bool(papers or open_requests)
    batches, builder, queue = _questions(unasked, recovered, llm, prompts, settings, asks=asks)
    work = AnnotateRun(
        store,
        llm,
        judge,
        builder,
        queue,
        recovered=recovered,
        open_requests=open_requests,
        in_flight=None if llm.deferred else settings.max_in_flight,
    )
    estimate = _estimate(batches, builder, llm, price, with_service=len(open_papers))
    standing = store.backlog.standing(maker, wanted.paper_ids)
    return Prepared(papers, estimate, standing, store, prompts, price, work)


def _questions(
    papers: Sequence[Paper],
    recovered: Recovered,
    llm: LLM,
    prompts: Prompts,
    settings: Settings,
    *,
    asks: bool,
) -> tuple[Sequence[Batch], RequestBuilder, AskQueue]:
    """Choose how many papers go into a request, and pack them."""
    limits = Limits.of(settings, extra_fields=len(prompts.annotation.model_fields) - len(CORE))
    told = quota_of(llm)
    chosen = plan(
        len(papers),
        limits,
        in_flight=None if llm.deferred else settings.max_in_flight,
        tokens_per_minute=settings.tokens_per_minute
        or binding(told.tokens_per_minute, len(papers), TOKENS_A_PAPER),
        requests_per_minute=settings.requests_per_minute or told.requests_per_minute,
    )
    limits = replace(limits, papers=chosen.papers)
    builder = RequestBuilder(prompts, limits, maker_of(llm, prompts), prompted=asks)
    builder.require_room()
    count = tokens.count if llm.prompted else len
    batches = pack(papers, limits, fixed_tokens=builder.fixed_tokens, count=count)
    if papers:
        log.info((llm.prompted and what_binds(batches, limits, builder.fixed_tokens)) or chosen.why)
    queue = AskQueue(
        (batch.papers for batch in batches),
        builder,
        chosen.papers,
        patient=chosen.under_quota or llm.deferred,
    )
    room = limits.room(1, builder.fixed_tokens)
    queue.ask_apart(fitted(paper, room, count) for paper in recovered.apart.values())
    queue.repair((fitted(paper, room, count), fault) for paper, fault in recovered.faults.values())
    return batches, builder, queue


def judge_of(prompts: Prompts, *, suspicious: bool = False) -> Judge:
    """Return what judges records under these prompts."""
    return Judge(prompts.taxonomy, prompts.annotation, suspicious)


def maker_of(llm: LLM, prompts: Prompts) -> Maker:
    """Return what the engine's annotations depend on besides the paper."""
    prompt = prompts.id if llm.prompted else prompts.taxonomy.cues_id
    return Maker(llm.engine, llm.model, prompt, schema_id(prompts.taxonomy, prompts.annotation))


def _estimate(
    batches: Sequence[Batch], builder: RequestBuilder, llm: LLM, price: Price | None, *, with_service: int
) -> Estimate:
    papers = sum(len(batch.papers) for batch in batches)
    if not (papers and llm.prompted):
        return Estimate(papers, 0, 0, 0, 0.0, with_service, 0.0)
    input_tokens = builder.fixed_tokens * len(batches) + sum(batch.tokens for batch in batches)
    output_tokens = ANSWER_TOKENS * papers
    counts = papers, len(batches), input_tokens, output_tokens
    if price is None:
        return Estimate(*counts, None, with_service)
    cached = builder.fixed_tokens * (len(batches) - 1) if builder.fixed_tokens >= CACHED_FROM else 0
    usd_per_1000 = price.cost(input_tokens, cached, output_tokens) / papers * 1000
    return Estimate(*counts, price.cost(input_tokens, 0, output_tokens), with_service, usd_per_1000)
