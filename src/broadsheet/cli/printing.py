"""Prints results on standard output, and everything else on standard error; nothing but errors when quiet."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import suppress
from typing import Any

from broadsheet.redaction import Secrets, redacted
from broadsheet.visible import printable, printable_json

_log = logging.getLogger(__name__)


def set_verbosity(*, quiet: bool, verbose: bool) -> None:
    """Send log messages of this level and above to standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[_Messages()], force=True)
    logging.getLogger("broadsheet").setLevel(
        logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING
    )


def is_quiet() -> bool:
    """Tell whether the user has asked for errors only."""
    return not _log.isEnabledFor(logging.WARNING)


def say(text: str) -> None:
    """Print a result on standard output, unless quiet."""
    if not is_quiet():
        print(printable(Secrets.of_environment().hide(text)))  # noqa: T201 - command-line output


def say_json(value: Any, *, indent: int | None = None) -> None:
    """Print a result as JSON, escaping the control and invisible characters that JSON allows unescaped."""
    text = Secrets.of_environment().hide(json.dumps(value, ensure_ascii=False, indent=indent))
    print(printable_json(text))  # noqa: T201 - command-line output


def say_result(value: Any, words: str, *, as_json: bool) -> None:
    """Print a result in words, or as JSON."""
    if as_json:
        say_json(value, indent=2)
    else:
        say(words)


def note(text: str) -> None:
    """Print a message that is neither a result nor an error on standard error, unless quiet."""
    if not is_quiet():
        _print_message(text)


def complain(sentence: str) -> None:
    """Print an error on standard error."""
    _print_message(f"broadsheet: {sentence}")


def _print_message(text: str) -> None:
    with suppress(OSError):  # standard error is closed
        print(printable(redacted(text)), file=sys.stderr)  # noqa: T201 - command-line output


class _Messages(logging.Handler):
    """Prints log messages on the current standard error, which rich replaces during a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        _print_message(self.format(record))
