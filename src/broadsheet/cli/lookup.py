"""Reading the cache: ``list``, ``show`` and ``export``. None of them calls a model."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, get_args

import typer

from broadsheet.annotation import Code, CodeStatus, Finding
from broadsheet.cli.app import command
from broadsheet.cli.options import DAY_FORMAT, CacheOptions, JsonOption, check_choice, start
from broadsheet.cli.printing import note, say, say_json, say_result
from broadsheet.errors import ConfigError
from broadsheet.filters import Filter
from broadsheet.record import Record
from broadsheet.render.fields import authors_line, words
from broadsheet.schema import shown_fields
from broadsheet.store import Store
from broadsheet.text import plural

Texts = list[str] | None
Day = datetime | None


@dataclass(frozen=True)
class FilterOptions(CacheOptions):
    """Which papers of the cache are wanted."""

    tag: Annotated[Texts, typer.Option("--tag", help="Has this tag; may be repeated.")] = None
    match: Annotated[str, typer.Option("--match", help="With several --tag: any or all.")] = "any"
    without: Annotated[Texts, typer.Option("--not", help="Lacks this tag; may be repeated.")] = None
    code: Annotated[str | None, typer.Option("--code", help="available, announced or none.")] = None
    since: Annotated[
        Day, typer.Option("--since", formats=DAY_FORMAT, help="We first saw it then or later.")
    ] = None
    until: Annotated[
        Day, typer.Option("--until", formats=DAY_FORMAT, help="We first saw it then or before.")
    ] = None
    published_since: Annotated[
        Day, typer.Option("--published-since", formats=DAY_FORMAT, help="It appeared then or later.")
    ] = None
    published_until: Annotated[
        Day, typer.Option("--published-until", formats=DAY_FORMAT, help="It appeared then or before.")
    ] = None
    where: Annotated[
        Texts,
        typer.Option("--where", metavar="FIELD=VALUE", help="A field has this value; may be repeated."),
    ] = None
    search: Annotated[str, typer.Option("--search", help="Words of title, abstract, TL;DR, authors.")] = ""

    @property
    def cache(self) -> Path:
        """Return the path of the cache."""
        return start(CacheOptions(self.db)).db

    @property
    def filter(self) -> Filter:
        """Return the filter.

        Raises:
            ConfigError: An option's value is none that it takes.
        """
        check_choice("--match", self.match, ("any", "all"))
        check_choice("--code", self.code, get_args(CodeStatus))
        return Filter.model_validate(
            {
                "tags": self.tag or (),
                "match": self.match,
                "without": self.without or (),
                "code": self.code,
                "since": self.since,
                "until": self.until,
                "published_since": self.published_since,
                "published_until": self.published_until,
                "fields": [_field_and_value(each) for each in self.where or ()],
                "search": self.search,
            }
        )


def _field_and_value(words: str) -> tuple[str, str]:
    name, equals, value = words.partition("=")
    if not (name.strip() and equals):
        raise ConfigError(f"--where takes FIELD=VALUE, such as contribution=survey, not {words!r}.")
    return name.strip(), value.strip()


@command("list")
def list_(
    *,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many.")] = None,
    as_json: JsonOption = False,
    options: FilterOptions,
) -> None:
    """List cached papers that pass a filter, latest first; with --json, one record a line."""
    where = options.filter
    with Store.open(options.cache, create=False) as store:
        _warn_of_unknown_tags(store, where)
        shown = 0
        for shown, record in enumerate(store.list(where, limit=limit), 1):  # noqa: B007 - the last is the count
            if as_json:
                say_json(record.as_dict(store.annotation))
            else:
                say(_line(record))
    if not shown and not as_json:
        note("No paper in the cache passes that filter.")


@command("show")
def show_(
    *,
    id_or_title: Annotated[
        str, typer.Argument(help="An id or its first letters, an address, a title or a part of it.")
    ],
    as_json: JsonOption = False,
    options: CacheOptions,
) -> None:
    """Show one cached paper with its summary; never calls a model."""
    with Store.open(start(options).db, create=False) as store:
        record, model = store.get(id_or_title), store.annotation
    say_result(record.as_dict(model), _card(record), as_json=as_json)


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
    where = " · ".join(filter(None, (record.id, record.paper.url, f"seen {record.first_seen}")))
    lines = list(filter(None, (record.title, authors_line(record.paper.authors), where)))
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


@command("export")
def export_(
    *,
    form: Annotated[str, typer.Option("--format", help="jsonl, csv or parquet.")] = "jsonl",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write [standard output].")
    ] = None,
    options: FilterOptions,
) -> None:
    """Write one record a paper as JSON lines, CSV or Parquet."""
    from broadsheet.export import FORMATS, write

    check_choice("--format", form, FORMATS)
    where = options.filter
    with Store.open(options.cache, create=False) as store:
        count = write(store.list(where), form, output, store.annotation)
    if output:
        note(f"{plural(count, 'record')} written to {output}")
