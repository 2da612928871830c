"""``import``: what a backfill has written, into the cache."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.options import JsonOption, TaskOptions, start
from broadsheet.cli.printing import say_result
from broadsheet.cli.progress import progress
from broadsheet.store import Store
from broadsheet.text import plural

if TYPE_CHECKING:
    from broadsheet.cluster.importing import ImportReport

PartsArgument = Annotated[Path, typer.Argument(metavar="PARTS", help="The folder that backfill wrote.")]


@command("import")
def import_(*, parts: PartsArgument, as_json: JsonOption = False, options: TaskOptions) -> None:
    """Merge the parts of a backfill into the cache; doing it again changes nothing."""
    from broadsheet.cluster.importing import import_parts
    from broadsheet.cluster.parts import Parts, require_parquet

    settings = start(options)
    require_parquet()
    with Store.open(settings.db) as store, store.annotating(), progress("Importing") as advance:
        report = import_parts(Parts(parts), store, on_progress=lambda done, total: advance(done, total, ""))
    say_result(asdict(report), imported_sentence(report), as_json=as_json)


def imported_sentence(report: ImportReport) -> str:
    """Return what came into the cache, in sentences."""
    came = (
        f"{plural(report.annotations, 'annotation')} from {plural(report.parts, 'part')},"
        f" {plural(report.papers, 'new paper')}, {plural(report.replies, 'new reply', 'new replies')}"
    )
    parts = [f"{came}."]
    if report.failures:
        parts.append(f"{plural(report.failures, 'paper')} got no annotation.")
    if report.unfinished:
        unfinished = plural(report.unfinished, "partition is", "partitions are")
        parts.append(f"{unfinished} not done; run the backfill again to go on.")
    return " ".join(parts)
