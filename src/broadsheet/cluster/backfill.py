"""What is to be annotated, divided into partitions that workers with one gate carry out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from broadsheet.annotate import AnnotateReport, Budget, Estimate, Watch, maker_of, prepare
from broadsheet.cluster.fleet import Limits
from broadsheet.cluster.gate import BUDGET, STOPPED, News
from broadsheet.cluster.parts import PAPERS, Parts
from broadsheet.cluster.plan import Partition, plan
from broadsheet.cluster.rows import paper_of
from broadsheet.cluster.worker import PartitionReport
from broadsheet.config import Settings
from broadsheet.engines import engine_of
from broadsheet.errors import ConfigError
from broadsheet.fetch import fetch
from broadsheet.llm import LLM, open_llm
from broadsheet.llm.access import endpoint_address, require_access
from broadsheet.prices import Price, Prices
from broadsheet.prompts import Prompts
from broadsheet.sources import open_sources
from broadsheet.store import Store

PARTITION_PAPERS = 1_000
_SAMPLED_PAPERS = 200
_SQLITE = b"SQLite format 3\0"  # https://www.sqlite.org/fileformat.html


@dataclass(frozen=True)
class Job:
    """All that a worker or the gate has to know.

    Attributes:
        folder: Where the parts are.
        settings: The engine, its model, and what a request may hold.
        prompts: Texts and taxonomy.
        addresses: The servers; empty for an engine that asks none.
        limits: What all workers together may do.
        price: What tokens cost, if it is known.
        budget: What may be spent.
    """

    folder: Path
    settings: Settings
    prompts: Prompts
    addresses: tuple[str, ...]
    limits: Limits
    price: Price | None
    budget: Budget

    @classmethod
    def of(cls, folder: Path, settings: Settings, prompts: Prompts, budget: Budget) -> Job:
        """Return the job that the settings describe.

        Raises:
            ConfigError: The engine answers within a day only, has no server, or its price is unknown.
        """
        if settings.engine == "openai-batch":
            raise ConfigError(
                "A backfill asks at once; for the Batch API use: broadsheet annotate --engine openai-batch"
            )
        if settings.endpoints and "engine" not in settings.model_fields_set:
            settings = settings.model_copy(update={"engine": "openai"})
        engine = engine_of(settings.engine)
        price = Prices.load(settings.prices).of(settings.model, engine.price_factor)
        if budget.usd is not None and price is None:
            raise ConfigError(
                f"The price of {settings.model} is unknown, so a budget in dollars cannot be kept;"
                " add it to the table of prices or use --budget-tokens."
            )
        given = tuple(dict.fromkeys(each.rstrip("/") for each in settings.endpoints))
        if engine.asks_server and not given:
            require_access()
            given = (endpoint_address(),)
        limits = Limits(settings.max_in_flight, settings.requests_per_minute, settings.tokens_per_minute)
        return cls(folder, settings, prompts, given if engine.asks_server else (), limits, price, budget)

    def portable(self) -> Job:
        """Return the job without what was made of its prompts in this process only."""
        return replace(self, prompts=replace(self.prompts))

    def engine(self, store: Store) -> LLM:
        """Open the engine on a cache, to know its name; nothing is asked of it.

        Raises:
            ConfigError: It lacks something, such as a file of replies.
        """
        if not self.addresses:
            return open_llm(self.settings, store, self.prompts)
        from broadsheet.llm.openai import OpenAILLM

        return OpenAILLM(self.settings, store)


class Workers(Protocol):
    """What carries a job out on a cluster."""

    def start(self, partitions: Iterable[Partition]) -> None:
        """Begin; returns at once."""
        ...

    def news(self) -> News:
        """Return how things stand."""
        ...

    def stop(self, why: str) -> None:
        """Let what is under way come to its end, and begin nothing new."""
        ...

    def reports(self, timeout_s: float) -> list[PartitionReport] | None:
        """Wait a moment for partitions to come to an end; None once there are no more."""
        ...


@contextmanager
def source_store(
    source: str | None, job: Job, day: date, on_trouble: Callable[[str], None]
) -> Iterator[Store]:
    """Yield a cache with the papers of a source: the cache that it is, or one for as long as it is read.

    Args:
        source: A file, a folder, a named source or a cache; None for the cache of the settings.
        job: Whose settings name the cache.
        day: The first day to ask live sources for.
        on_trouble: Called with a sentence for each problem.

    Raises:
        StoreError: The cache cannot be read.
        UserError: There is no such source.
    """
    path = Path(source) if source else job.settings.db
    if source is None or _is_cache(path):
        with Store.open(path, create=False, reading=True) as store:
            yield store
        return
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "papers.db") as store:
        sources = open_sources([source], day=day, on_trouble=on_trouble, settings=job.settings)
        for sentence in fetch(sources, store, day).failed:
            on_trouble(sentence)
        yield store


def _is_cache(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def planned(
    store: Store,
    job: Job,
    parts: Parts,
    *,
    size: int = PARTITION_PAPERS,
    on_progress: Callable[[int], None] = lambda _: None,
) -> list[Partition]:
    """Divide what a cache has no current annotation of; see `broadsheet.cluster.plan.plan`."""
    maker = maker_of(job.engine(store), job.prompts)
    wanting = store.backlog.each_wanting(maker)
    return plan(wanting, store, maker, parts, size=size, on_progress=on_progress)


def estimate(partitions: list[Partition], job: Job, parts: Parts) -> Estimate:
    """Return what partitions will take, reckoned from the first papers of the first of them."""
    papers = sum(partition.papers for partition in partitions)
    if not papers:
        return Estimate(0, 0, 0, 0, 0.0)
    rows = parts.read(PAPERS, partitions[0].name)[:_SAMPLED_PAPERS]
    with Store.in_memory() as store:
        with store.transaction():
            for row in rows:
                store.papers.add(paper_of(row)[0], date.min)
        settings = job.settings.model_copy(update={"max_in_flight": 1})  # full requests, as workers send them
        sample = prepare(store, job.engine(store), job.prompts, settings).estimate
    times = papers / max(1, sample.papers)
    return replace(
        sample,
        papers=papers,
        requests=round(sample.requests * times),
        input_tokens=round(sample.input_tokens * times),
        output_tokens=round(sample.output_tokens * times),
        cost_usd=None if sample.cost_usd is None else sample.cost_usd * times,
    )


def run(
    partitions: list[Partition], workers: Workers, watch: Watch
) -> tuple[AnnotateReport, list[PartitionReport]]:
    """Have workers annotate partitions until all have come to an end.

    Returns:
        What all of it came to, and the partitions whose engine gave out.
    """
    from broadsheet.cluster.reporting import Sum

    total = Sum(sum(partition.papers for partition in partitions))
    workers.start(partitions)
    failed = []
    stopping = False
    while (reports := workers.reports(0.2)) is not None:
        for report in reports:
            total.add(report.report)
            failed += [report] if report.error else []
        news = workers.news()
        watch.on_progress(total.progress(news))
        if not stopping and watch.stop():
            workers.stop(STOPPED)
            stopping = True
    news = workers.news()
    if news.stop not in {"", STOPPED, BUDGET, *(each.error for each in failed)}:
        failed.append(PartitionReport("", error=news.stop, exit_code=1))
    return total.report(news), failed
