"""``fetch``: papers into the cache, no model."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from broadsheet.cli.app import (
    DateOption,
    DbOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    app,
    as_day,
    note,
    say,
    start,
)
from broadsheet.cli.progress import progress
from broadsheet.fetch import FetchReport, fetch
from broadsheet.sources import open_sources
from broadsheet.store import Store

SourcesArgument = Annotated[
    list[str], typer.Argument(metavar="SOURCE...", help="sample, a file, a folder, or - for standard input.")
]
LOOK_BACK = timedelta(days=3)


@app.command("fetch")
def fetch_(
    sources: SourcesArgument,
    day: DateOption = None,
    as_json: JsonOption = False,
    db: DbOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Read papers into the cache; no model is asked."""
    settings = start(db=db, quiet=quiet, verbose=verbose)
    troubles = Troubles()
    asked = open_sources(sources, day=day.date() if day else None, on_trouble=troubles)
    with Store.open(settings.db) as store, progress("Reading papers", quiet=quiet) as advance:
        report = fetch(
            asked, store, as_day(day) - LOOK_BACK, on_progress=lambda read: advance(read, None, "")
        )
    say(json.dumps(asdict(report)) if as_json else fetched_sentence(report))
    for sentence in report.failed:
        troubles(sentence)
    if troubles.count:
        raise typer.Exit(1)


class Troubles:
    """Says each trouble on standard error as it comes, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, sentence: str) -> None:
        """Say one."""
        self.count += 1
        note(f"broadsheet: {sentence}")


def fetched_sentence(report: FetchReport) -> str:
    """What a fetch came to, in a sentence."""
    revised = f", {report.revised:,} revised" if report.revised else ""
    return f"{report.read:,} papers read, {len(report.paper_ids):,} distinct, {report.new:,} new{revised}."
