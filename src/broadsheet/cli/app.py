"""The Typer application, how a command declares its options, and how errors are reported."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, NoReturn, get_type_hints

import typer
from typer.core import TyperArgument, TyperCommand, TyperOption

from broadsheet import __version__
from broadsheet.cli.last_door import EXIT_INTERNAL, fault_sentence, foreseen
from broadsheet.cli.printing import complain, note, say
from broadsheet.cli.streams import guarded_streams
from broadsheet.errors import AmbiguousError, BroadsheetError

app = typer.Typer(
    name="broadsheet",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class _Command(TyperCommand):
    """A command whose help says in plain words which kind of value an option takes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for parameter in self.params:
            if isinstance(parameter, TyperArgument | TyperOption):
                kind = _kind(parameter.type_descriptor)
                parameter.display_type = lambda _, kind=kind: kind  # type: ignore[method-assign, misc]


def subcommands(name: str, words: str) -> typer.Typer:
    """Register a command that has commands of its own, and return what they are registered with."""
    group = typer.Typer(name=name, help=words, no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(group, name=name)
    return group


def _kind(described: Any) -> str:
    if described.is_path:
        return "<path>"
    return "<number>" if described.is_ranged or described.annotation in {int, float} else "<text>"


def command(name: str, under: typer.Typer = app) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a command; a parameter that is a dataclass stands for an option for each field.

    So commands share the declarations of their options, and receive those that belong together as one value.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(function, include_extras=True)
        groups = {name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)}

        def run(**given: Any) -> None:
            for parameter, group in groups.items():
                given[parameter] = group(**{field.name: given.pop(field.name) for field in fields(group)})
            function(**given)

        run.__doc__ = function.__doc__
        parameters = [
            each
            for parameter in signature(function).parameters.values()
            for each in (
                _options(groups[parameter.name])
                if parameter.name in groups
                else [parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[parameter.name])]
            )
        ]
        run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        under.command(name, cls=_Command)(run)
        return function

    return register


def _options(group: type) -> list[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name])
        for field in fields(group)
    ]


def main() -> None:
    """Run the command line; end every failure with one sentence on standard error and an exit status.

    The status is that of a `BroadsheetError`, or 70 for a fault of Broadsheet's own.
    """
    with guarded_streams():
        try:
            with _whole_output():
                app(prog_name="broadsheet")
        except BroadsheetError as error:
            _exit_with(error)
        except Exception as error:  # noqa: BLE001 - the last door: nothing behind it would report the error
            if known := foreseen(error):
                _exit_with(known)
            complain(fault_sentence(error))
            sys.exit(EXIT_INTERNAL)


def _exit_with(error: BroadsheetError) -> NoReturn:
    complain(str(error))
    for paper_id, title in error.candidates if isinstance(error, AmbiguousError) else ():
        note(f"  {paper_id}  {title}")
    sys.exit(error.exit_code)


@contextmanager
def _whole_output() -> Iterator[None]:
    """Flush standard output at the end of the body, since a failure at interpreter exit cannot be reported.

    Raises:
        OSError: The disk is full.
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
        if error.errno == errno.ENOSPC:
            _drop_output()
        raise


def _drop_output() -> None:
    """Discard unwritten output, so that the interpreter exits without another error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
