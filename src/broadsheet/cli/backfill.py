"""``backfill``: more papers than one process can annotate, on a cluster."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.fetch import Problems
from broadsheet.cli.options import (
    MOST_ROWS,
    BudgetTokensOption,
    BudgetUsdOption,
    DryRunOption,
    JsonOption,
    PaceOptions,
    YesOption,
    or_today,
    start,
)
from broadsheet.cli.printing import note, say_result
from broadsheet.cli.progress import progress
from broadsheet.cli.spending import confirm, estimate_sentence, exit_if_unfinished, report_sentence
from broadsheet.cli.watching import watching
from broadsheet.errors import ConfigError
from broadsheet.fetch import look_back

if TYPE_CHECKING:
    from broadsheet.cluster.worker import PartitionReport

SourceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[SOURCE]", help="Parquet, JSON Lines or any other source; a cache [the cache itself]."
    ),
]


@dataclass(frozen=True)
class ClusterOptions:
    """Which cluster, which servers, and where the parts go."""

    cluster: Annotated[str, typer.Option("--cluster", help="What carries it out: ray.")] = "ray"
    address: Annotated[
        str | None, typer.Option("--address", help="The cluster's address [RAY_ADDRESS, else this machine].")
    ] = None
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Workers [one for each CPU of the cluster].")
    ] = None
    endpoint: Annotated[
        list[str] | None, typer.Option("--endpoint", help="A server of the model; may be repeated.")
    ] = None
    out: Annotated[Path, typer.Option("--out", help="Folder for the parts, which all nodes share.")] = Path(
        "parts"
    )
    partition_papers: Annotated[
        int | None, typer.Option("--partition", min=1, max=MOST_ROWS, help="Papers a part, at most [1000].")
    ] = None


@dataclass(frozen=True)
class BackfillSpendingOptions:
    """What a backfill may spend, and what it asks before."""

    dry_run: DryRunOption = False
    yes: YesOption = False
    budget_tokens: BudgetTokensOption = None
    budget_usd: BudgetUsdOption = None


@command("backfill")
def backfill_(
    *,
    source: SourceArgument = None,
    as_json: JsonOption = False,
    on: ClusterOptions,
    spending: BackfillSpendingOptions,
    options: PaceOptions,
) -> None:
    """Annotate very many papers on a cluster, into parts that import takes in."""
    if on.cluster != "ray":
        raise ConfigError(f"--cluster takes ray, not {on.cluster!r}.")
    from broadsheet.annotate import AnnotateReport, Budget
    from broadsheet.cluster.backfill import PARTITION_PAPERS, Job, estimate, planned, run, source_store
    from broadsheet.cluster.on_ray import RayWorkers, connected, require_ray
    from broadsheet.cluster.parts import Parts, UnwrittenParts, require_parquet
    from broadsheet.prompts import Prompts

    settings, problems = start(options, endpoints=on.endpoint), Problems()
    require_ray()
    require_parquet()
    prompts = Prompts.load(settings.prompts, settings.language)
    job = Job.of(on.out.resolve(), settings, prompts, Budget(spending.budget_tokens, spending.budget_usd))
    with ExitStack() as stack:
        parts = UnwrittenParts(job.folder) if spending.dry_run else Parts(job.folder)
        if not spending.dry_run:
            parts.make_folders()
            stack.enter_context(parts.held())
        since = look_back(or_today(None), settings)
        with source_store(source, job, since, problems) as store, progress("Reading papers") as advance:
            partitions = planned(
                store,
                job,
                parts,
                size=on.partition_papers or PARTITION_PAPERS,
                on_progress=lambda read: advance(read, None, ""),
            )
        expected = estimate(partitions, job, parts)
        if spending.dry_run:
            say_result(asdict(expected), estimate_sentence(expected), as_json=as_json)
            return
        if not spending.yes:
            confirm(expected, settings, instead="--budget-tokens")
        if not partitions:
            say_result(asdict(AnnotateReport()), report_sentence(AnnotateReport()), as_json=as_json)
            problems.exit_if_any()
            return
        stack.enter_context(connected(on.address))
        workers = stack.enter_context(RayWorkers(job, on.workers))
        report, failed = run(partitions, workers, stack.enter_context(watching()))
    for failure in report.failures:
        problems(failure.sentence)
    say_result(asdict(report), report_sentence(report), as_json=as_json)
    if report.annotated:
        note(f"The parts are in {on.out}; take them into the cache with: broadsheet import {on.out}")
    _exit_if_failed(failed, problems)
    problems.exit_if_any()
    exit_if_unfinished(report)


def _exit_if_failed(failed: list[PartitionReport], problems: Problems) -> None:
    """End the command with the gravest status of the partitions whose engine gave out, and say each once."""
    for sentence in dict.fromkeys(each.error for each in failed):
        problems(sentence)
    if failed:
        raise typer.Exit(max(1, *(each.exit_code for each in failed)))
