"""``site``: the cache as a site of static files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.options import JsonOption, TaskOptions, start
from broadsheet.cli.printing import note, say_result
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from broadsheet.text import plural


@dataclass(frozen=True)
class SiteOptions(TaskOptions):
    """Where the site goes and where it is published."""

    site_out: Annotated[Path | None, typer.Option("--out", help="Folder for the site [site].")] = None
    site_url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="URL", help="The site's public address; feeds and the sitemap need it."
        ),
    ] = None


@command("site")
def site_(
    *,
    again: Annotated[
        bool, typer.Option("--again", help="Write every page anew, and look for related papers anew.")
    ] = False,
    as_json: JsonOption = False,
    options: SiteOptions,
) -> None:
    """Write a static site of all editions, tags and papers; later runs write what has changed."""
    from broadsheet.site import Publication, write_site

    settings = start(options)
    taxonomy = Prompts.load(settings.prompts, settings.language).taxonomy
    publication = Publication.of(settings)
    with Store.open(settings.db, create=False) as store:
        report = write_site(store, taxonomy, settings.site_out, publication, again=again)
    result = {
        "home": str(report.home),
        "files": report.files,
        "written": report.written,
        "removed": report.removed,
    }
    removed = f", {report.removed:,} removed" if report.removed else ""
    words = f"{plural(report.files, 'file')}: {report.written:,} written{removed}.\n{report.home}"
    say_result(result, words, as_json=as_json)
    if not settings.site_url and not as_json:
        note("It has no feeds and no sitemap, which need its public address: --url https://…")
