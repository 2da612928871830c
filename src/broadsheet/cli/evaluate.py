"""``evaluate``: agreement of an engine with reference annotations."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter

from broadsheet.cli.app import command
from broadsheet.cli.fetch import Problems
from broadsheet.cli.options import EngineOptions, JsonOption, YesOption, start
from broadsheet.cli.printing import say_result
from broadsheet.cli.spending import confirm
from broadsheet.cli.watching import watching
from broadsheet.errors import ConfigError, UserError
from broadsheet.prompts import Prompts
from broadsheet.store import Store

if TYPE_CHECKING:
    from broadsheet.evaluate import Evaluation

_Papers = typer.Option("--papers", help="JSON lines with id, title and abstract [papers.jsonl beside it].")
_Report = typer.Option("--report", help="Also write a Markdown report here.")
_Compare = typer.Option("--compare", help="Output of an earlier --json, put beside; may be repeated.")


@command("evaluate")
def evaluate_(
    *,
    reference: Annotated[Path, typer.Argument(metavar="REFERENCE.jsonl", help="Reference annotations.")],
    papers: Annotated[Path | None, _Papers] = None,
    report: Annotated[Path | None, _Report] = None,
    compare: Annotated[list[Path] | None, _Compare] = None,
    as_json: JsonOption = False,
    yes: YesOption = False,
    options: EngineOptions,
) -> None:
    """Score an engine against reference annotations, in a temporary cache unless --db names one."""
    from broadsheet.evaluate import evaluate, expected, read_reference
    from broadsheet.evaluate.report import as_markdown, as_text
    from broadsheet.llm import open_llm

    settings, problems = start(options), Problems()
    prompts = Prompts.load(settings.prompts, settings.language)
    earlier = [_earlier(path) for path in compare or ()]
    with ExitStack() as stack:
        cache = stack.enter_context(Store.open(settings.db)) if options.db or settings.db.exists() else None
        references = read_reference(reference, prompts, papers=papers, cache=cache)
        if options.db and cache:
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
        watch = stack.enter_context(watching())
        evaluation = evaluate(references, store, settings, prompts, watch=watch)
    runs = [evaluation, *earlier]
    if report:
        _write(report, as_markdown(runs))
    say_result(asdict(evaluation), as_text(runs), as_json=as_json)
    for title, reason in evaluation.failed.items():
        problems(f"“{title}” was not annotated: {reason}")
    problems.exit_if_any()


def _earlier(path: Path) -> Evaluation:
    from broadsheet.evaluate import Evaluation

    try:
        return TypeAdapter(Evaluation).validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no output of broadsheet evaluate --json; correct --compare.") from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}); correct --report.") from error
