"""The Typer application, the options shared by commands, and how errors are reported."""

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
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Print more details.")]


def main() -> None:
    """Run the command line; print a `BroadsheetError` as one sentence on standard error and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # print ? where the terminal's encoding lacks a character
    try:
        with _whole_output():
            app()
    except AmbiguousError as error:
        print(f"broadsheet: {error}", file=sys.stderr)  # noqa: T201 - command-line output
        for paper_id, title in error.candidates:
            note(f"  {paper_id}  {title}".translate(_UNPRINTABLE))
        sys.exit(error.exit_code)
    except BroadsheetError as error:
        print(f"broadsheet: {error}", file=sys.stderr)  # noqa: T201 - the same
        sys.exit(error.exit_code)


@contextmanager
def _whole_output() -> Iterator[None]:
    """Flush standard output at the end of the body, since a failure at interpreter exit cannot be reported.

    Raises:
        UserError: The disk is full.
    """
    try:
        try:
            yield
        finally:
            if sys.stdout:  # None if the shell has closed it with >&-
                sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        _drop_output()
        sys.exit(1)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _drop_output()
        raise UserError(
            "The disk is full and the output incomplete; free some space and run the same command again."
        ) from error


def _drop_output() -> None:
    """Discard unwritten output, so that the interpreter exits without another error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def start(*, quiet: bool = False, verbose: bool = False, **options: Any) -> Settings:
    """Load the settings with a command's options, and send log messages to standard error.

    Raises:
        ConfigError: An option, an environment variable or ``broadsheet.toml`` is invalid.
    """
    level = logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[_Notes()], force=True)
    logging.getLogger("broadsheet").setLevel(level)
    return Settings.load(**options)


# Titles and abstracts are untrusted: an escape sequence in one must not reach the terminal.
_CONTROLS = [*range(9), *range(11, 32), *range(127, 160)]
_UNPRINTABLE = dict.fromkeys(_CONTROLS, "\N{REPLACEMENT CHARACTER}")
_ESCAPED = {code: f"\\u{code:04x}" for code in _CONTROLS}


def say(text: str) -> None:
    """Print a result on standard output, with control characters replaced."""
    print(text.translate(_UNPRINTABLE))  # noqa: T201 - command-line output


def say_json(value: Any, *, indent: int | None = None) -> None:
    """Print a result as JSON, escaping the control characters from U+007F on, which JSON allows unescaped."""
    print(json.dumps(value, ensure_ascii=False, indent=indent).translate(_ESCAPED))  # noqa: T201 - the same


def note(text: str) -> None:
    """Print a message that is not a result, such as a report or a hint, on standard error."""
    print(text, file=sys.stderr)  # noqa: T201 - command-line output


class _Notes(logging.Handler):
    """Prints log messages on the current standard error, which rich replaces during a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message, or drop it if standard error is closed."""
        with suppress(OSError):
            note(self.format(record))


def as_day(given: datetime | None) -> date:
    """Return the day given with an option, or today."""
    return given.date() if given else date.today()  # noqa: DTZ011 - today in the user's time zone


def check_choice(name: str, value: str | None, choices: tuple[str, ...]) -> None:
    """Check that an option's value, if given, is one of the choices.

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
    """Turn each day's new papers into a newsletter that readers can trust."""
