"""``backup`` and ``rebuild``: the cache as text for git, and the same cache from it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.options import CacheOptions, JsonOption, start
from broadsheet.cli.printing import say_result
from broadsheet.text import plural

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The backup's folder.")]


@command("backup")
def backup_(*, folder: FolderArgument, as_json: JsonOption = False, options: CacheOptions) -> None:
    """Write the cache as text for git: files by day that are only appended to; nothing about readers."""
    from broadsheet.backup import back_up

    settings = start(options)
    report = back_up(settings.db, folder)
    words = f"{plural(report.rows, 'row')} in {folder}: {plural(report.lines, 'line')} appended"
    say_result(asdict(report), f"{words} to {plural(report.files, 'file')}.", as_json=as_json)


@command("rebuild")
def rebuild_(
    *,
    folder: FolderArgument,
    db: Annotated[
        Path | None, typer.Option("--db", "--database", help="The new file [broadsheet.db].")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new cache from a backup: the same one, without readers and what was sent to them."""
    from broadsheet.backup import rebuild

    settings = start(CacheOptions(db=db))
    rows = rebuild(folder, settings.db)
    say_result(
        {"database": str(settings.db), "rows": rows},
        f"{settings.db} has {plural(rows, 'row')}.",
        as_json=as_json,
    )
