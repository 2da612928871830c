"""``run``: the main job, from sources to a written edition."""

from __future__ import annotations

import json
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
    look_back,
    mapped_fields,
)
from broadsheet.cli.progress import progress
from broadsheet.config import Settings
from broadsheet.sources import open_sources

if TYPE_CHECKING:
    from broadsheet.annotate import AnnotateReport, Progress
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
    as_json: JsonOption = False,
    db: DbOption = None,
    out: OutOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Fetch papers, annotate what is new, compose the day's edition and write it in three formats."""
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
    )
    troubles = Troubles()
    named = day.date() if day else None
    fields = mapped_fields(mapped)
    asked = open_sources(sources, day=named, on_trouble=troubles, settings=settings, fields=fields)
    with progress("Reading papers", quiet=quiet) as advance:

        def on_annotate(at: Progress) -> None:
            advance(at.done, at.total, _pace(at), "Annotating")

        report = run(
            asked,
            settings,
            as_day(day),
            since=look_back(as_day(day), settings),
            on_fetch=lambda read: advance(read, None, ""),
            on_annotate=on_annotate,
        )
    for sentence in report.fetched.failed:
        troubles(sentence)
    for failure in report.annotated.failures:
        troubles(f"{failure.paper_id} {failure.title!r} was not annotated: {failure.reason} {failure.detail}")
    if as_json:
        say(json.dumps(_as_dict(report), ensure_ascii=False, indent=2))
    else:
        _tell(report, settings)
    if troubles.count:
        raise typer.Exit(1)


def _pace(at: Progress) -> str:
    parts = [f"{at.papers_per_s:.0f} papers/s"]
    if at.tokens:
        parts.append(f"{at.tokens:,} tokens")
    return ", ".join([*parts, at.waiting] if at.waiting else parts)


def _tell(report: RunReport, settings: Settings) -> None:
    note(fetched_sentence(report.fetched))
    note(annotated_sentence(report.annotated, settings))
    if report.written is None:
        say("Nothing to print: every paper in the cache stands in another edition or is of a later day.")
        return
    papers = len(report.composed.edition.cards) if report.composed.edition else 0
    state = "" if report.composed.changed else ", unchanged"
    say(f"Newsletter of {papers:,} papers{state}: {report.written}")


def annotated_sentence(report: AnnotateReport, settings: Settings) -> str:
    """What annotating came to, in a sentence."""
    if not report.papers:
        return "Nothing new to annotate."
    if settings.engine == "extractive":
        return f"{report.annotated:,} annotated by rules, with no model."
    cost = "cost unknown" if report.cost_usd is None else f"${report.cost_usd:.4f}"
    failed = f", {report.failed:,} failed" if report.failed else ""
    return (
        f"{report.annotated:,} annotated by {settings.model}{failed}: {report.requests:,} requests,"
        f" {report.input_tokens + report.output_tokens:,} tokens, {cost}."
    )


def _as_dict(report: RunReport) -> dict[str, Any]:
    edition = report.composed.edition
    return {
        "fetched": asdict(report.fetched),
        "annotated": asdict(report.annotated),
        "edition": str(report.written) if report.written else None,
        "papers": len(edition.cards) if edition else 0,
        "changed": report.composed.changed,
    }
