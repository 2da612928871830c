"""``fetch``: read papers into the cache, without a model."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.options import DateOption, JsonOption, SourceOptions, or_today, start
from broadsheet.cli.printing import complain, note, say_result
from broadsheet.cli.progress import progress
from broadsheet.config import Settings
from broadsheet.errors import ConfigError, Notice
from broadsheet.fetch import FetchReport, fetch, look_back
from broadsheet.sources import Source, open_sources
from broadsheet.sources.records import NAMES
from broadsheet.store import Store
from broadsheet.text import plural

SourcesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="hf, arxiv:cs.CL+cs.LG, 'arxiv?QUERY', arxiv-oai:SET, sample, a file, a folder, or - for stdin.",
    ),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="FIELD=NAME",
        help=f"Read a field ({', '.join(NAMES)}) from another name, or inside it: content.title.value.",
    ),
]


@command("fetch")
def fetch_(
    *,
    sources: SourcesArgument,
    day: DateOption = None,
    mapped: MapOption = None,
    as_json: JsonOption = False,
    options: SourceOptions,
) -> None:
    """Read papers into the cache, without a model."""
    settings = start(options)
    problems = Problems()
    opened = opened_sources(sources, day, mapped, settings, problems)
    with Store.open(settings.db) as store, progress("Reading papers") as advance:
        report = fetch(
            opened,
            store,
            look_back(or_today(day), settings),
            on_progress=lambda read: advance(read, None, ""),
        )
    say_result(asdict(report), fetched_sentence(report), as_json=as_json)
    for sentence in report.failed:
        problems(sentence)
    problems.exit_if_any()


class Problems:
    """Prints problems and notices on standard error, and remembers whether there was a problem."""

    def __init__(self) -> None:
        self._occurred = False

    def __call__(self, sentence: str) -> None:
        """Print a problem or a notice."""
        if isinstance(sentence, Notice):
            note(f"broadsheet: {sentence}")
        else:
            self._occurred = True
            complain(sentence)

    def exit_if_any(self) -> None:
        """End the command with status 1 if there was a problem."""
        if self._occurred:
            raise typer.Exit(1)


def opened_sources(
    specs: list[str], day: date | None, mapped: list[str] | None, settings: Settings, problems: Problems
) -> list[Source]:
    """Open the sources of a command.

    Raises:
        ConfigError: A ``FIELD=NAME`` pair is malformed, or names a field that papers do not have.
        UserError: A source does not exist.
    """
    fields = dict(pair.partition("=")[::2] for pair in mapped or [])
    if wrong := [ours for ours, theirs in fields.items() if ours not in NAMES or not theirs]:
        raise ConfigError(f"--map takes FIELD=NAME with a field of {', '.join(NAMES)}, not {wrong[0]!r}.")
    return open_sources(specs, day=day, on_trouble=problems, settings=settings, fields=fields)


def fetched_sentence(report: FetchReport) -> str:
    """Summarize a fetch in one sentence."""
    revised = f", {report.revised:,} revised" if report.revised else ""
    read = f"{plural(report.read, 'paper')} read, {len(report.paper_ids):,} distinct"
    return f"{read}, {report.new:,} new{revised}."
