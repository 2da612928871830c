"""Reading the cache: ``list``, ``show`` and ``export``. None of them calls a model."""

from __future__ import annotations

import textwrap
from datetime import datetime
from pathlib import Path
from typing import Annotated, get_args

import typer

from broadsheet.annotation import CodeStatus, Finding
from broadsheet.cli.app import DbOption, JsonOption, app, check_choice, note, say, say_json, start
from broadsheet.filters import Filter
from broadsheet.record import Record
from broadsheet.store import Store

_Day = ["%Y-%m-%d"]
TagOption = Annotated[list[str] | None, typer.Option("--tag", help="Has this tag; may be repeated.")]
MatchOption = Annotated[str, typer.Option("--match", help="With several --tag: any or all.")]
NotOption = Annotated[list[str] | None, typer.Option("--not", help="Lacks this tag; may be repeated.")]
CodeOption = Annotated[str | None, typer.Option("--code", help="available, announced or none.")]
SinceOption = Annotated[
    datetime | None, typer.Option("--since", formats=_Day, help="First seen then or later.")
]
UntilOption = Annotated[
    datetime | None, typer.Option("--until", formats=_Day, help="First seen then or before.")
]
SearchOption = Annotated[str, typer.Option("--search", help="Words of title, abstract, TL;DR, authors.")]
LimitOption = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many.")]


def _filter(
    tag: list[str] | None,
    match: str,
    without: list[str] | None,
    code: str | None,
    since: datetime | None,
    until: datetime | None,
    search: str,
) -> Filter:
    check_choice("--match", match, ("any", "all"))
    check_choice("--code", code, get_args(CodeStatus))
    return Filter.model_validate(
        {
            "tags": tag or (),
            "match": match,
            "without": without or (),
            "code": code,
            "since": since.date() if since else None,
            "until": until.date() if until else None,
            "search": search,
        }
    )


@app.command("list")
def list_(
    tag: TagOption = None,
    match: MatchOption = "any",
    without: NotOption = None,
    code: CodeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    search: SearchOption = "",
    limit: LimitOption = None,
    as_json: JsonOption = False,
    db: DbOption = None,
) -> None:
    """List cached papers that pass a filter, latest first; with --json, one record a line."""
    settings = start(db=db)
    where = _filter(tag, match, without, code, since, until, search)
    with Store.open(settings.db, create=False) as store:
        _warn_of_unknown_tags(store, where)
        shown = 0
        for record in store.list(where, limit=limit):
            if as_json:
                say_json(record.as_dict())
            else:
                say(_line(record))
            shown += 1
    if not shown and not as_json:
        note("No paper in the cache passes that filter.")


@app.command()
def show(
    id_or_title: Annotated[str, typer.Argument(help="An id, a title, or an unambiguous part of a title.")],
    as_json: JsonOption = False,
    db: DbOption = None,
) -> None:
    """Show one cached paper with its summary; never calls a model."""
    settings = start(db=db)
    with Store.open(settings.db, create=False) as store:
        record = store.get(id_or_title)
    if as_json:
        say_json(record.as_dict(), indent=2)
    else:
        say(_card(record))


def _warn_of_unknown_tags(store: Store, where: Filter) -> None:
    known = store.records.known_tags()
    for tag in (*where.tags, *where.without):
        if known and tag not in known:
            note(f"No cached paper has the tag {tag!r}; tags in use: {', '.join(sorted(known))}")


def _line(record: Record) -> str:
    annotation = record.annotation
    if annotation is None:
        return f"{record.id}  {record.title}\n    not annotated yet"
    code = "" if annotation.code.status == "none" else f"  [code {annotation.code.status}]"
    return f"{record.id}  {record.title}{code}\n    {annotation.tldr}"


def _card(record: Record) -> str:
    lines = [record.title]
    if record.paper.authors:
        lines.append(", ".join(record.paper.authors))
    lines.append(
        " · ".join(part for part in (record.id, record.paper.url, f"seen {record.first_seen}") if part)
    )
    annotation, made = record.annotation, record.provenance
    if annotation and made:
        lines += ["", *textwrap.wrap(annotation.tldr, 76), ""]
        lines.append(f"Topics        {', '.join(annotation.topics)}")
        lines.append(f"Contribution  {annotation.contribution}")
        lines.append(f"Keywords      {', '.join(annotation.keywords)}")
        lines.append(f"Code          {annotation.code.status}")
        lines += [f"              {url}" for url in annotation.code.urls]
        if annotation.code.evidence:
            quote = textwrap.wrap(f"“{annotation.code.evidence}”", 62)
            lines += [f"              {part}" for part in quote]
        how = "extracted from the abstract by rules" if record.extracted else f"written by {made.model}"
        lines.append(f"Summary       {how}, {made.annotated_at:%Y-%m-%d}")
        lines += [f"Check         {_finding(finding)}" for finding in record.findings]
    else:
        lines += ["", f"Not annotated yet{': ' + record.failure if record.failure else ''}."]
    if record.paper.abstract:
        lines += ["", *textwrap.wrap(record.paper.abstract, 76, max_lines=60)]
    return "\n".join(lines)


def _finding(finding: Finding) -> str:
    why = finding.kind.replace("-", " ")
    if finding.severity == "withheld":
        # What was withheld is untrue, so it is not printed here; --json lists it as a finding.
        return f"{finding.field} withheld: {why}"
    if finding.field == "reply":
        return f"the model's reply was {why} at first"
    return f"{finding.field}: {why} ({finding.detail})" if finding.detail else f"{finding.field}: {why}"


@app.command()
def export(
    form: Annotated[str, typer.Option("--format", help="jsonl, csv or parquet.")] = "jsonl",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write [standard output].")
    ] = None,
    tag: TagOption = None,
    match: MatchOption = "any",
    without: NotOption = None,
    code: CodeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    search: SearchOption = "",
    db: DbOption = None,
) -> None:
    """Write one record a paper as JSON lines, CSV or Parquet."""
    from broadsheet.export import FORMATS, write

    settings = start(db=db)
    check_choice("--format", form, FORMATS)
    where = _filter(tag, match, without, code, since, until, search)
    with Store.open(settings.db, create=False) as store:
        count = write(store.list(where), form, output)
    if output:
        note(f"{count} records written to {output}")
