"""The options that commands share, in groups, and how they become settings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from broadsheet.cli.printing import note, set_verbosity
from broadsheet.config import Settings, misspelt_variables
from broadsheet.engines import ENGINES
from broadsheet.errors import ConfigError

_FIRST_YEAR, _LAST_YEAR = 1900, 2999
MOST_ROWS = 1_000_000_000
"""More than a cache can hold, and less than SQLite's largest integer."""


def day_option(name: str, words: str) -> Any:
    """Return the declaration of an option that takes a day."""
    return typer.Option(name, parser=_parsed_day, metavar="YYYY-MM-DD", help=words)


def parsed_edition_day(text: str) -> date:
    """Return an edition's day; one near the ends of the calendar has no days before or after to look at."""
    day = _parsed_day(text)
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise typer.BadParameter(f"“{text}” is too far away; take a year from {_FIRST_YEAR} to {_LAST_YEAR}.")
    return day


def _parsed_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"“{text}” is no day; write it as YYYY-MM-DD.") from error


DateOption = Annotated[
    date | None,
    typer.Option(
        "--date", parser=parsed_edition_day, metavar="YYYY-MM-DD", help="The edition's day [today]."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Ask no question.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only estimate tokens and cost.")]
BudgetTokensOption = Annotated[
    int | None,
    typer.Option("--budget-tokens", min=0, max=10**15, help="Stop before this many tokens, in and out."),
]
BudgetUsdOption = Annotated[
    float | None, typer.Option("--budget-usd", min=0.0, help="Stop before this many US dollars.")
]
OutOption = Annotated[Path | None, typer.Option("--out", help="Folder for editions [editions].")]


@dataclass(frozen=True)
class CacheOptions:
    """Where the cache is."""

    db: Annotated[Path | None, typer.Option("--db", help="The cache, an SQLite file [broadsheet.db].")] = None


@dataclass(frozen=True)
class TaskOptions(CacheOptions):
    """How much a command that takes a while prints."""

    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print more details.")] = False


@dataclass(frozen=True)
class EngineOptions(TaskOptions):
    """What annotates."""

    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            help=f"What annotates: {', '.join(ENGINES)} [openai if a key or server is set, else extractive].",
        ),
    ] = None
    model: Annotated[str | None, typer.Option("--model", help="Model that the openai engines ask.")] = None


@dataclass(frozen=True)
class PaceOptions(EngineOptions):
    """What annotates, and how fast."""

    requests_per_minute: Annotated[
        float | None,
        typer.Option("--requests-per-minute", min=0.1, help="The provider's limit of requests a minute."),
    ] = None
    tokens_per_minute: Annotated[
        float | None,
        typer.Option(
            "--tokens-per-minute", min=1.0, help="The provider's limit of tokens a minute, in and out."
        ),
    ] = None


@dataclass(frozen=True)
class SourceOptions(TaskOptions):
    """What live sources are asked for, and what becomes of their replies."""

    look_back_days: Annotated[
        int | None,
        typer.Option("--look-back", metavar="DAYS", help="Days before --date to ask live sources for [3]."),
    ] = None
    record: Annotated[
        Path | None, typer.Option("--record", help="Keep raw replies of live sources in this folder.")
    ] = None
    replay: Annotated[
        Path | None, typer.Option("--replay", help="Read the replies kept in this folder; ask no network.")
    ] = None


def start(options: CacheOptions, **more: Any) -> Settings:
    """Load the settings with a command's options, and send log messages to standard error.

    Raises:
        ConfigError: An option, an environment variable or ``broadsheet.toml`` is invalid.
    """
    given = {**asdict(options), **more}
    set_verbosity(quiet=given.pop("quiet", False), verbose=given.pop("verbose", False))
    for sentence in misspelt_variables():
        note(f"broadsheet: {sentence}")
    return Settings.load(**given)


def or_today(day: date | None) -> date:
    """Return the day given with an option, or today."""
    return day or date.today()  # noqa: DTZ011 - today in the user's time zone


def check_choice(name: str, value: str | None, choices: tuple[str, ...]) -> None:
    """Check that an option's value, if given, is one of the choices.

    Raises:
        ConfigError: It is not.
    """
    if value is not None and value not in choices:
        raise ConfigError(f"{name} takes {', '.join(choices[:-1])} or {choices[-1]}, not {value!r}.")
