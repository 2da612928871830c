"""Annotates one partition: the annotate stage as it is, on a cache in memory; answers are kept at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from broadsheet.annotate import AnnotateReport, Progress, Wanted, Watch, maker_of, prepare
from broadsheet.cluster.keeping import Keep
from broadsheet.cluster.parts import ANNOTATIONS, PAPERS, REPLIES, Parts, Row
from broadsheet.cluster.plan import Partition
from broadsheet.cluster.rows import annotation_rows, keep_reply, paper_of, reply_row
from broadsheet.config import Settings
from broadsheet.engines import engine_of
from broadsheet.errors import ConfigError, LLMError
from broadsheet.llm import LLM, Outcome
from broadsheet.paper import Paper
from broadsheet.prices import Prices
from broadsheet.prompts import Prompts
from broadsheet.record import Maker
from broadsheet.store import Store


@dataclass(frozen=True, slots=True)
class PartitionReport:
    """What came of one partition.

    Attributes:
        name: Its name.
        report: What its run did.
        error: Why the engine gave out, in a sentence; empty where it did not.
        exit_code: The status that the error ends a command with.
    """

    name: str
    report: AnnotateReport = field(default_factory=AnnotateReport)
    error: str = ""
    exit_code: int = 0


def annotate_partition(
    partition: Partition,
    parts: Parts,
    settings: Settings,
    prompts: Prompts,
    opened: Callable[[Store, Keep], LLM],
    watch: Watch,
) -> PartitionReport:
    """Annotate a partition and write its parts, unless it is stopped; answers that it has are not paid again.

    Args:
        partition: What to annotate.
        parts: Where its papers are, and its parts go.
        settings: Limits of a request, and prices.
        prompts: Texts and taxonomy.
        opened: Opens the engine on a cache, given what keeps each of its answers.
        watch: Sees how far it is, and may stop it.

    Raises:
        ConfigError: Another version of Broadsheet has planned it.
        StoreError: The cache in memory fails.
        UserError: A part cannot be read or written.
    """
    papers = [paper_of(row)[0] for row in parts.read(PAPERS, partition.name)]
    with Store.in_memory() as store:
        _fill(store, papers, prompts)
        maker = parts.maker(partition.name)
        price = Prices.load(settings.prices).of(maker.model, engine_of(maker.engine).price_factor)
        replies = _restore(store, parts.kept_replies(partition.name), papers, maker)

        def keep(outcome: Outcome) -> None:
            assert outcome.reply  # noqa: S101 - narrows the type: what has no answer is not kept
            row = reply_row(outcome.request, outcome.reply, price)
            parts.keep_reply(partition.name, row, maker)
            replies.append(row)

        llm = opened(store, keep)
        if maker_of(llm, prompts) != maker:
            raise ConfigError("This node has another version of Broadsheet than the one that began.")
        left_out = set(partition.left_out)
        wanted = Wanted([paper.id for paper in papers if paper.id not in left_out])
        all_at_once = max(1, -(-len(papers) // settings.batch_papers))
        settings = settings.model_copy(
            update={"max_in_flight": all_at_once}
        )  # the gate holds back, not the run
        prepared = prepare(store, llm, prompts, settings, wanted)
        try:
            report = prepared.run(watch=watch)
        except LLMError as error:
            return PartitionReport(
                partition.name, _so_far(store, len(prepared.papers)), str(error), error.exit_code
            )
        if report.ending == "done":
            keys = {maker.key(paper.content_hash): paper for paper in papers if paper.id not in left_out}
            parts.write(REPLIES, partition.name, replies, maker, prompts.fields)
            rows = list(annotation_rows(store, maker, keys, replies))
            parts.write(ANNOTATIONS, partition.name, rows, maker, prompts.fields)
            parts.forget_kept(partition.name)
    return PartitionReport(partition.name, report)


def _fill(store: Store, papers: Sequence[Paper], prompts: Prompts) -> None:
    """Put the papers of a partition into a cache; they were told apart when they were first read."""
    today = date.min
    with store.transaction():
        for paper in papers:
            store.papers.add(paper, today)
    store.declare(prompts.fields)


def _restore(store: Store, rows: list[Row], papers: Sequence[Paper], maker: Maker) -> list[Row]:
    """Store the answers of an earlier try at a partition; the annotate stage reads them before it asks."""
    by_id: Mapping[str, Paper] = {paper.id: paper for paper in papers}
    with store.transaction():
        for row in rows:
            keep_reply(store, row, maker, by_id)
    return rows


def _so_far(store: Store, papers: int) -> AnnotateReport:
    """Return what a run did before its engine gave out."""
    run = store.runs.latest(1)
    annotated = run[0]["annotated"] or 0 if run else 0
    return AnnotateReport(papers=papers, annotated=annotated, left=papers - annotated, ending="unavailable")


def watch_of(name: str, said: Callable[[str, Progress], str]) -> Watch:
    """Return a watch that tells how far a partition is, and stops when it is told why."""
    latest: list[str] = [""]

    def see(progress: Progress) -> None:
        latest[0] = said(name, progress)

    return Watch(see, lambda: bool(latest[0]))
