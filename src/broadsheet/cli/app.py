"""The Typer application, the options that commands share, and how errors become sentences and exit codes."""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer

from broadsheet import __version__
from broadsheet.config import Settings
from broadsheet.engines import ENGINES
from broadsheet.errors import AmbiguousError, BroadsheetError, ConfigError, UserError

app = typer.Typer(
    name="broadsheet",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DbOption = Annotated[Path | None, typer.Option("--db", help="The cache, an SQLite file [broadsheet.db].")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Folder for editions [editions].")]
EngineOption = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help=f"What annotates: {', '.join(ENGINES)} [{Settings.model_fields['engine'].description}].",
    ),
]
ModelOption = Annotated[str | None, typer.Option("--model", help="Model that the openai engines ask.")]
DateOption = Annotated[
    datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="The edition's day [today].")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors and results only.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Say more of what is done.")]


def main() -> None:
    """Run the command line; errors raised on purpose become one sentence on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 shows ? for what it lacks
    try:
        with _whole_output():
            app()
    except AmbiguousError as error:
        print(f"broadsheet: {error}", file=sys.stderr)  # noqa: T201 - a front door prints
        for paper_id, title in error.candidates:
            note(f"  {paper_id}  {title}".translate(_UNPRINTABLE))
        sys.exit(error.exit_code)
    except BroadsheetError as error:
        print(f"broadsheet: {error}", file=sys.stderr)  # noqa: T201 - the same
        sys.exit(error.exit_code)


@contextmanager
def _whole_output() -> Iterator[None]:
    """Write out what was printed: at the interpreter's own end nobody could be told that it cannot be.

    Raises:
        UserError: The disk is full.
    """
    try:
        try:
            yield
        finally:
            if sys.stdout:  # closed by the shell's >&-, there is none
                sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough, as `head` has
        _drop_output()
        sys.exit(1)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _drop_output()
        raise UserError(
            "The disk is full, so the output is not whole; free some space and run the same command again."
        ) from error


def _drop_output() -> None:
    """Send what is still to be written nowhere, so that the interpreter's end is silent."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def start(*, quiet: bool = False, verbose: bool = False, **options: Any) -> Settings:
    """Settings from a command's options, with notes and warnings of the rooms below sent to standard error.

    Raises:
        ConfigError: An option, a variable or ``broadsheet.toml`` cannot be used.
    """
    level = logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[_Notes()], force=True)
    logging.getLogger("broadsheet").setLevel(level)
    return Settings.load(**options)


# Titles and abstracts are strangers' words: an escape sequence in one must not reach the terminal.
_CONTROLS = [*range(9), *range(11, 32), *range(127, 160)]
_UNPRINTABLE = dict.fromkeys(_CONTROLS, "\N{REPLACEMENT CHARACTER}")
_ESCAPED = {code: f"\\u{code:04x}" for code in _CONTROLS}


def say(text: str) -> None:
    """Print a result, without the control characters that a terminal would obey."""
    print(text.translate(_UNPRINTABLE))  # noqa: T201 - a front door prints


def say_json(value: Any, *, indent: int | None = None) -> None:
    """Print a result as JSON; control characters, which JSON allows from U+007F on, are escaped."""
    print(json.dumps(value, ensure_ascii=False, indent=indent).translate(_ESCAPED))  # noqa: T201 - the same


def note(text: str) -> None:
    """Print what is no result: a report, a hint."""
    print(text, file=sys.stderr)  # noqa: T201 - a front door prints


class _Notes(logging.Handler):
    """Notes of the rooms below, printed where standard error is now: a live line stands aside for them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one; where standard error is gone, nobody is to be told."""
        with suppress(OSError):
            note(self.format(record))


def as_day(given: datetime | None) -> date:
    """The day an option names, or today where it is not given."""
    return given.date() if given else date.today()  # noqa: DTZ011 - the reader's own morning is meant


def check_choice(name: str, value: str | None, choices: tuple[str, ...]) -> None:
    """Refuse a value that is none of the choices.

    Raises:
        ConfigError: It is not.
    """
    if value is not None and value not in choices:
        raise ConfigError(f"{name} takes {', '.join(choices[:-1])} or {choices[-1]}, not {value!r}.")


def _version(wanted: bool) -> None:
    if wanted:
        say(f"broadsheet {__version__}")
        raise typer.Exit


@app.callback()
def broadsheet(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Each day's new papers as a newsletter that people trust."""
