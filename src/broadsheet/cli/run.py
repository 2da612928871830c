"""``run``: the main job, from sources to a written edition."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from broadsheet.cli.app import (
    DateOption,
    DbOption,
    EngineOption,
    JsonOption,
    ModelOption,
    OutOption,
    QuietOption,
    VerboseOption,
    app,
    as_day,
    note,
    say,
    start,
)
from broadsheet.cli.fetch import (
    LookBackOption,
    MapOption,
    RecordOption,
    ReplayOption,
    SourcesArgument,
    Troubles,
    fetched_sentence,
    mapped_fields,
)
from broadsheet.cli.progress import progress
from broadsheet.cli.spending import (
    DryRunOption,
    RequestsOption,
    TokensOption,
    TokensPerMinuteOption,
    UsdOption,
    WaitOption,
    YesOption,
    confirm,
    estimate_sentence,
    report_sentence,
)
from broadsheet.cli.watching import watching
from broadsheet.config import Settings
from broadsheet.sources import open_sources

if TYPE_CHECKING:
    from broadsheet.annotate import Prepared
    from broadsheet.pipeline import RunReport


@app.command("run")
def run_(
    sources: SourcesArgument,
    day: DateOption = None,
    engine: EngineOption = None,
    model: ModelOption = None,
    mapped: MapOption = None,
    look_back_days: LookBackOption = None,
    record: RecordOption = None,
    replay: ReplayOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    wait: WaitOption = False,
    budget_tokens: TokensOption = None,
    budget_usd: UsdOption = None,
    requests_per_minute: RequestsOption = None,
    tokens_per_minute: TokensPerMinuteOption = None,
    as_json: JsonOption = False,
    db: DbOption = None,
    out: OutOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Fetch papers, annotate what is new, compose the day's edition and write it in three formats."""
    from broadsheet.annotate import Budget
    from broadsheet.pipeline import run

    settings = start(
        quiet=quiet,
        verbose=verbose,
        db=db,
        out=out,
        engine=engine,
        model=model,
        record=record,
        replay=replay,
        look_back_days=look_back_days,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
    )
    troubles = Troubles()
    named = day.date() if day else None
    fields = mapped_fields(mapped)
    asked = open_sources(sources, day=named, on_trouble=troubles, settings=settings, fields=fields)

    with ExitStack() as reading:
        advance = reading.enter_context(progress("Reading papers", quiet=quiet))
        report = run(
            asked,
            settings,
            as_day(day),
            budget=Budget(budget_tokens, budget_usd),
            approve=_approval(reading.close, settings, dry_run=dry_run, yes=yes, as_json=as_json),
            on_fetch=lambda read: advance(read, None, ""),
            watching=lambda: watching(quiet=quiet),
            wait=wait,
        )
    for sentence in report.fetched.failed:
        troubles(sentence)
    if report.outage:
        troubles(f"{report.outage} {_papers(report.extracted)} extracted lines until the model answers.")
    for failure in report.annotated.failures:
        troubles(f"{failure.paper_id} {failure.title!r} was not annotated: {failure.reason} {failure.detail}")
    if as_json:
        say(json.dumps(_as_dict(report), ensure_ascii=False, indent=2))
    else:
        _tell(report)
    if troubles.count or report.annotated.ending != "done":
        raise typer.Exit(report.outage.exit_code if report.outage else 1)


def _approval(
    close_line: Callable[[], None], settings: Settings, *, dry_run: bool, yes: bool, as_json: bool
) -> Callable[[Prepared], None]:
    """Return what to do with the estimate: print it and end, ask the user, or go on."""

    def approve(prepared: Prepared) -> None:
        expected = prepared.estimate
        close_line()  # a question below a live line could be neither read nor answered
        if dry_run:
            say(json.dumps(asdict(expected)) if as_json else estimate_sentence(expected))
            raise typer.Exit
        if not yes:
            confirm(expected, settings, instead="fewer sources")

    return approve


def _papers(number: int) -> str:
    return "1 paper has" if number == 1 else f"{number:,} papers have"


def _tell(report: RunReport) -> None:
    note(fetched_sentence(report.fetched))
    note(report_sentence(report.annotated, how_to_go_on=report.composed is not None))
    if report.composed is None:
        say("No edition is composed yet: run the same command again to go on.")
    elif report.written is None:
        say("Nothing to print: every paper in the cache stands in another edition or is of a later day.")
    else:
        papers = len(report.composed.edition.cards) if report.composed.edition else 0
        state = "" if report.composed.changed else ", unchanged"
        say(f"Newsletter of {papers:,} papers{state}: {report.written}")


def _as_dict(report: RunReport) -> dict[str, Any]:
    edition = report.composed.edition if report.composed else None
    return {
        "fetched": asdict(report.fetched),
        "annotated": asdict(report.annotated),
        "edition": str(report.written) if report.written else None,
        "papers": len(edition.cards) if edition else 0,
        "extracted": report.extracted,
        "outage": str(report.outage) if report.outage else None,
        "changed": bool(report.composed and report.composed.changed),
    }
