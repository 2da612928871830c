"""Reading the cache: ``list``, ``show`` and ``export``. None of them calls a model."""

from __future__ import annotations

import textwrap
from datetime import datetime
from pathlib import Path
from typing import Annotated, get_args

import typer

from broadsheet.annotation import Code, CodeStatus, Finding
from broadsheet.cli.app import DbOption, JsonOption, app, check_choice, note, say, say_json, start
from broadsheet.errors import ConfigError
from broadsheet.filters import Filter
from broadsheet.record import Record
from broadsheet.render.fields import words
from broadsheet.schema import shown_fields
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
WhereOption = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="FIELD=VALUE", help="A field has this value; may be repeated."),
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
    fields: list[str] | None,
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
            "fields": [_field_and_value(each) for each in fields or ()],
            "search": search,
        }
    )


def _field_and_value(words: str) -> tuple[str, str]:
    name, equals, value = words.partition("=")
    if not (name.strip() and equals):
        raise ConfigError(f"--where takes FIELD=VALUE, such as contribution=survey, not {words!r}.")
    return name.strip(), value.strip()


@app.command("list")
def list_(
    tag: TagOption = None,
    match: MatchOption = "any",
    without: NotOption = None,
    code: CodeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    fields: WhereOption = None,
    search: SearchOption = "",
    limit: LimitOption = None,
    as_json: JsonOption = False,
    db: DbOption = None,
) -> None:
    """List cached papers that pass a filter, latest first; with --json, one record a line."""
    settings = start(db=db)
    chosen = _filter(tag, match, without, code, since, until, fields, search)
    with Store.open(settings.db, create=False) as store:
        _warn_of_unknown_tags(store, chosen)
        shown = 0
        for record in store.list(chosen, limit=limit):
            if as_json:
                say_json(record.as_dict(store.annotation))
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
        record, model = store.get(id_or_title), store.annotation
    if as_json:
        say_json(record.as_dict(model), indent=2)
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
        fields = shown_fields(type(annotation))
        for field in fields:
            if field.show.at == "headline" and (value := getattr(annotation, field.name)):
                lines += ["", *textwrap.wrap(value, 76)]
        lines.append("")
        for field in fields:
            if field.show.at != "headline":
                lines += _field_lines(field.show.label, getattr(annotation, field.name))
        how = "extracted from the abstract by rules" if record.extracted else f"written by {made.model}"
        lines.append(f"Summary       {how}, {made.annotated_at:%Y-%m-%d}")
        lines += [f"Check         {_finding(finding)}" for finding in record.findings]
    else:
        lines += ["", f"Not annotated yet{': ' + record.failure if record.failure else ''}."]
    if record.paper.abstract:
        lines += ["", *textwrap.wrap(record.paper.abstract, 76, max_lines=60)]
    return "\n".join(lines)


def _field_lines(label: str, value: object) -> list[str]:
    """Return a field's value behind its label, further parts of it below; nothing if it is unsaid."""
    if isinstance(value, Code):
        quote = textwrap.wrap(f"“{value.evidence}”", 62) if value.evidence else []
        parts = [value.status, *value.urls, *quote]
    elif isinstance(value, bool):
        parts = ["yes" if value else "no"]
    else:
        parts = textwrap.wrap(words(value, label), 62)
    return [f"{label if number == 0 else '':<13} {part}" for number, part in enumerate(parts)]


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
    fields: WhereOption = None,
    search: SearchOption = "",
    db: DbOption = None,
) -> None:
    """Write one record a paper as JSON lines, CSV or Parquet."""
    from broadsheet.export import FORMATS, write

    settings = start(db=db)
    check_choice("--format", form, FORMATS)
    chosen = _filter(tag, match, without, code, since, until, fields, search)
    with Store.open(settings.db, create=False) as store:
        count = write(store.list(chosen), form, output, store.annotation)
    if output:
        note(f"{count} records written to {output}")
