"""``annotate``: what has no current annotation, through the chosen engine."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from broadsheet.annotate import (
    AnnotateReport,
    Budget,
    Estimate,
    Progress,
    annotate_wanting,
    estimate,
    limits_of,
    maker_of,
    rebuild,
)
from broadsheet.cli.app import (
    DbOption,
    EngineOption,
    JsonOption,
    ModelOption,
    QuietOption,
    VerboseOption,
    app,
    note,
    say,
    start,
)
from broadsheet.cli.progress import progress
from broadsheet.cli.stopping import stopping
from broadsheet.config import Settings
from broadsheet.errors import ConfigError
from broadsheet.llm import open_llm
from broadsheet.prices import Prices
from broadsheet.prompts import Prompts
from broadsheet.store import Store

StaleOption = Annotated[
    bool, typer.Option("--stale", help="Also what was annotated under another prompt or taxonomy.")
]
RebuildOption = Annotated[
    bool, typer.Option("--rebuild", help="Make annotations anew from the kept replies, for no tokens.")
]
RetryOption = Annotated[bool, typer.Option("--retry-failed", help="Also what failed too often before.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only estimate tokens and cost.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Ask no question before a large run.")]
LimitOption = Annotated[int | None, typer.Option("--limit", min=1, help="Papers, at most.")]
TokensOption = Annotated[
    int | None, typer.Option("--budget-tokens", min=0, help="Stop before this many tokens, in and out.")
]
UsdOption = Annotated[
    float | None, typer.Option("--budget-usd", min=0.0, help="Stop before this many US dollars.")
]


@app.command("annotate")
def annotate_(
    stale: StaleOption = False,
    again: RebuildOption = False,
    retry_failed: RetryOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    limit: LimitOption = None,
    budget_tokens: TokensOption = None,
    budget_usd: UsdOption = None,
    engine: EngineOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
    db: DbOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Annotate what has no current annotation."""
    settings = start(db=db, engine=engine, model=model, quiet=quiet, verbose=verbose)
    prompts = Prompts.load(settings.prompts)
    with Store.open(settings.db, create=False) as store:
        if again:
            number = rebuild(store, prompts)
            say(json.dumps({"rebuilt": number}) if as_json else f"{number:,} annotations rebuilt.")
            return
        if retry_failed and not dry_run:
            with store.transaction():
                store.annotations.forgive()
        llm = open_llm(settings, store, prompts)
        wanting = store.annotations.wanting(maker_of(llm, prompts), stale=stale)[:limit]
        expected = estimate(wanting, llm, prompts, limits_of(settings), Prices.load(settings.prices))
        if dry_run:
            say(json.dumps(asdict(expected)) if as_json else estimate_sentence(expected))
            return
        if not yes:
            confirm(expected, settings)
        with progress("Annotating", quiet=quiet) as advance, stopping() as stop:
            report = annotate_wanting(
                store,
                llm,
                prompts,
                settings,
                paper_ids=[paper.id for paper in wanting],
                stale=stale,
                budget=Budget(budget_tokens, budget_usd),
                on_progress=lambda now: advance(now.done, now.total, progress_note(now)),
                stop=stop,
            )
    say(json.dumps(asdict(report), ensure_ascii=False) if as_json else report_sentence(report))
    for failure in report.failures:
        note(f"  {failure.paper_id}  {failure.title}: {failure.reason} {failure.detail}".rstrip())
    if report.failures or report.ending != "done":
        raise typer.Exit(1)


def confirm(expected: Estimate, settings: Settings) -> None:
    """Ask before a large run.

    Raises:
        ConfigError: The run is large, and nobody is there to be asked.
        Abort: The user says no.
    """
    if expected.tokens <= settings.confirm_tokens:
        return
    if not sys.stdin.isatty():
        raise ConfigError(
            f"This run is large ({estimate_sentence(expected)[:-1]}); add --yes to start it, or use --limit."
        )
    note(estimate_sentence(expected))
    typer.confirm("Start?", abort=True, err=True)


def estimate_sentence(expected: Estimate) -> str:
    """An estimate in a sentence."""
    return (
        f"{expected.papers:,} papers in {expected.requests:,} requests: about {expected.tokens:,} tokens,"
        f" cost {money(expected.cost_usd)}."
    )


def progress_note(now: Progress) -> str:
    """What stands beside the bar: rate, tokens, cost, and what is waited for."""
    parts = [f"{now.papers_per_s:.1f} papers/s", f"{now.tokens:,} tokens", money(now.cost_usd)]
    return ", ".join([*parts, now.waiting] if now.waiting else parts)


def report_sentence(report: AnnotateReport) -> str:
    """What a run came to, in sentences."""
    spent = report.input_tokens + report.output_tokens
    wasted = sum(report.wasted.values())
    causes = ", ".join(f"{cause} {tokens:,}" for cause, tokens in report.wasted.items())
    sentence = (
        f"{report.annotated:,} of {report.papers:,} papers annotated in {report.requests:,} requests:"
        f" {spent:,} tokens ({report.cached_tokens:,} cached), cost {money(report.cost_usd)}."
    )
    if wasted:
        sentence += f" {wasted:,} tokens ({wasted / max(spent, 1):.0%}) brought nothing: {causes}."
    if report.failures:
        sentence += f" {report.failed:,} failed."
    if report.elsewhere:
        sentence += f" {report.elsewhere:,} are being annotated by another process."
    if report.ending != "done":
        why = "The budget is used up" if report.ending == "budget" else "Stopped"
        sentence += f" {why}; {report.left:,} papers are left: go on with broadsheet annotate."
    return sentence


def money(usd: float | None) -> str:
    """US dollars, or that they are unknown."""
    return "unknown" if usd is None else f"${usd:,.4f}" if usd < 1 else f"${usd:,.2f}"
