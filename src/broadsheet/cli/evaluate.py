"""``evaluate``: agreement of an engine with reference annotations."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from broadsheet.cli.app import (
    DbOption,
    EngineOption,
    JsonOption,
    ModelOption,
    QuietOption,
    VerboseOption,
    app,
    note,
    say,
    say_json,
    start,
)
from broadsheet.cli.spending import YesOption, confirm
from broadsheet.cli.watching import watching
from broadsheet.errors import ConfigError, UserError
from broadsheet.prompts import Prompts
from broadsheet.store import Store

if TYPE_CHECKING:
    from broadsheet.evaluate import Evaluation

_Papers = typer.Option("--papers", help="JSON lines with id, title and abstract [papers.jsonl beside it].")
_Report = typer.Option("--report", help="Also write a Markdown report here.")
_Compare = typer.Option("--compare", help="Output of an earlier --json, put beside; may be repeated.")


@app.command("evaluate")
def evaluate_(
    reference: Annotated[Path, typer.Argument(metavar="REFERENCE.jsonl", help="Reference annotations.")],
    papers: Annotated[Path | None, _Papers] = None,
    report: Annotated[Path | None, _Report] = None,
    compare: Annotated[list[Path] | None, _Compare] = None,
    engine: EngineOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
    db: DbOption = None,
    yes: YesOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Score an engine against reference annotations, in a temporary cache unless --db names one."""
    from broadsheet.evaluate import evaluate, expected, read_reference
    from broadsheet.evaluate.report import as_markdown
    from broadsheet.llm import open_llm

    settings = start(quiet=quiet, verbose=verbose, db=db, engine=engine, model=model)
    prompts = Prompts.load(settings.prompts)
    earlier = [_earlier(path) for path in compare or ()]
    with ExitStack() as stack:
        cache = stack.enter_context(Store.open(settings.db)) if db or settings.db.exists() else None
        references = read_reference(reference, prompts, papers=papers, cache=cache)
        if db and cache:
            store = cache
        else:
            folder = stack.enter_context(TemporaryDirectory())
            store = stack.enter_context(Store.open(Path(folder) / "evaluation.db"))
        if store is not cache and open_llm(settings, store, prompts).deferred:
            raise ConfigError(
                "This engine answers within a day, which a temporary cache does not last; add --db PATH."
            )
        if not yes:
            confirm(expected(references, store, settings, prompts), settings, instead="fewer references")
        watch = stack.enter_context(watching(quiet=quiet))
        evaluation = evaluate(references, store, settings, prompts, watch=watch)
    runs = [evaluation, *earlier]
    if report:
        _write(report, as_markdown(runs))
    if as_json:
        say_json(evaluation.as_dict(), indent=2)
    else:
        _show(runs)
    for title, reason in evaluation.failed.items():
        note(f"broadsheet: not annotated ({reason}): {title}")
    if evaluation.failed:
        raise typer.Exit(1)


def _earlier(path: Path) -> Evaluation:
    from broadsheet.evaluate import Evaluation

    try:
        return Evaluation.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{path} is no output of broadsheet evaluate --json ({error}); correct --compare."
        ) from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}); correct --report.") from error


def _show(runs: Sequence[Evaluation]) -> None:
    from broadsheet.evaluate.report import as_text, heading, rows

    if not sys.stdout.isatty():
        say(as_text(runs))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("")
    for run in runs:
        table.add_column(Text(heading(run)))
    for row in rows(runs):
        table.add_row(*map(Text, row))
    Console().print(table)
