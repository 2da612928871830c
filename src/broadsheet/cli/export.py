"""``export``: records of the cache in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.filtering import FilterOptions
from broadsheet.cli.lookup import chosen
from broadsheet.cli.printing import note
from broadsheet.text import plural


@command("export")
def export_(
    *,
    form: Annotated[
        str | None, typer.Option("--format", help="jsonl, csv, bibtex or parquet [by the file's suffix].")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write [standard output].")
    ] = None,
    options: FilterOptions,
) -> None:
    """Write one record a paper as JSON lines, CSV, BibTeX or Parquet."""
    from broadsheet.export import format_of, write

    form = format_of(form, output)
    with chosen(options) as (store, where):
        count = write(store.list(where), form, output, store.annotation)
    if output:
        note(f"{plural(count, 'record')} written to {output}")
