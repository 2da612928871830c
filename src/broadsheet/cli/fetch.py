"""``fetch``: read papers into the cache, without a model."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
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
from broadsheet.errors import ConfigError
from broadsheet.fetch import FetchReport, fetch, look_back
from broadsheet.sources import open_sources
from broadsheet.sources.records import NAMES
from broadsheet.store import Store

SourcesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="hf, arxiv:cs.CL+cs.LG, 'arxiv?QUERY', arxiv-oai:SET, sample, a file, a folder, or - for stdin.",
    ),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FIELD=NAME", help="Read title, abstract, … from a field of this name."),
]
LookBackOption = Annotated[
    int | None,
    typer.Option("--look-back", metavar="DAYS", help="Days before --date to ask live sources for [3]."),
]
RecordOption = Annotated[
    Path | None, typer.Option("--record", help="Keep raw replies of live sources in this folder.")
]
ReplayOption = Annotated[
    Path | None, typer.Option("--replay", help="Read the replies kept in this folder; ask no network.")
]


@app.command("fetch")
def fetch_(
    sources: SourcesArgument,
    day: DateOption = None,
    mapped: MapOption = None,
    look_back_days: LookBackOption = None,
    record: RecordOption = None,
    replay: ReplayOption = None,
    as_json: JsonOption = False,
    db: DbOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Read papers into the cache, without a model."""
    settings = start(
        db=db,
        look_back_days=look_back_days,
        record=record,
        replay=replay,
        quiet=quiet,
        verbose=verbose,
    )
    troubles = Troubles()
    asked = open_sources(
        sources,
        day=day.date() if day else None,
        on_trouble=troubles,
        settings=settings,
        fields=mapped_fields(mapped),
    )
    with Store.open(settings.db) as store, progress("Reading papers", quiet=quiet) as advance:
        report = fetch(
            asked, store, look_back(as_day(day), settings), on_progress=lambda read: advance(read, None, "")
        )
    say(json.dumps(asdict(report)) if as_json else fetched_sentence(report))
    for sentence in report.failed:
        troubles(sentence)
    if troubles.count:
        raise typer.Exit(1)


class Troubles:
    """Prints problems on standard error as they occur, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, sentence: str) -> None:
        """Print and count one problem."""
        self.count += 1
        note(f"broadsheet: {sentence}")


def mapped_fields(pairs: list[str] | None) -> dict[str, str]:
    """Parse ``FIELD=NAME`` pairs into a mapping from our field names to those of the records.

    Raises:
        ConfigError: A pair is malformed, or names a field that papers do not have.
    """
    fields = dict(pair.partition("=")[::2] for pair in pairs or [])
    if wrong := [ours for ours, theirs in fields.items() if ours not in NAMES or not theirs]:
        raise ConfigError(f"--map takes FIELD=NAME with a field of {', '.join(NAMES)}, not {wrong[0]!r}.")
    return fields


def fetched_sentence(report: FetchReport) -> str:
    """Summarize a fetch in one sentence."""
    revised = f", {report.revised:,} revised" if report.revised else ""
    return f"{report.read:,} papers read, {len(report.paper_ids):,} distinct, {report.new:,} new{revised}."
