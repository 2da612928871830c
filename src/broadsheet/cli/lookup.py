"""Reading the cache: ``list``, ``show`` and ``tags``. None of them calls a model."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from broadsheet.annotation import Code, Finding
from broadsheet.cli.app import command
from broadsheet.cli.filtering import FilterOptions
from broadsheet.cli.options import MOST_ROWS, CacheOptions, JsonOption, start
from broadsheet.cli.printing import note, say, say_json, say_result
from broadsheet.config import Settings
from broadsheet.engines import how_made
from broadsheet.errors import StoreError
from broadsheet.filters import Filter
from broadsheet.prompts import Prompts
from broadsheet.record import Record
from broadsheet.render.fields import authors_line, words
from broadsheet.schema import shown_fields
from broadsheet.store import Store
from broadsheet.text import plural

if TYPE_CHECKING:
    from broadsheet.embed import SearchEmbedder

WORDS_ALONE = "Only words are compared; with broadsheet[search], what papers are about counts too."
_EMBED = "words alone are compared until `broadsheet embed` has made them."
_WORTH_A_WORD = 50
"""Fewer papers take less than a second."""


@contextmanager
def chosen(options: FilterOptions) -> Iterator[tuple[Store, Filter]]:
    """Open the cache, and return it with the filter that the options make."""
    settings = start(CacheOptions(options.db))
    taxonomy = Prompts.load(settings.prompts, settings.language).taxonomy
    with Store.open(settings.db, create=False, reading=True) as store:
        where = options.filter(taxonomy, store)
        if where.search:
            from broadsheet.llm.extractive.topics import topics_of_search

            store.ranking.topics_of = topics_of_search(taxonomy)
        with ranking(store, settings) if where.search else nullcontext():
            yield store, where


@contextmanager
def ranking(store: Store, settings: Settings) -> Iterator[None]:
    """Keep what new papers are about for the next time, or say that only words are compared.

    Where an endpoint's model is set, it gives the vector of the search. Else vectors that are lacking are
    made, if these are few, and stored once the question inside has been answered, so that a damaged cache is
    left as it is. So is one that cannot be written.
    """
    searches, lacking = None, 0
    if settings.embedding_model:
        from broadsheet.embed import search_embedder

        searches = store.vectors.asks = search_embedder(settings, store)
    elif store.vectors.lacks_many:
        note(f"{plural(store.vectors.lacking(), 'paper has', 'papers have')} no vector yet: {_EMBED}")
    elif (lacking := store.vectors.lacking()) > _WORTH_A_WORD:
        note(f"Working out what {lacking:,} papers are about; this is done once.")
    if not store.vectors.compares:
        note(WORDS_ALONE)
    try:
        yield
    finally:
        if searches:
            searches.close()
    if searches or lacking or store.vectors.has_signs_to_keep():
        _keep(settings, searches, makes_vectors=lacking > 0)


def _keep(settings: Settings, searches: SearchEmbedder | None, *, makes_vectors: bool) -> None:
    """Store what a search has cost, and what later searches need not work out or read again."""
    with suppress(StoreError), Store.open(settings.db, create=False) as store:
        if makes_vectors:
            store.complete_vectors()
        if searches:
            from broadsheet.embed import keep_spent

            keep_spent(store, settings, searches)
        store.keep_signs()


@command("list")
def list_(
    *,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, max=MOST_ROWS, help="At most so many.")
    ] = None,
    as_json: JsonOption = False,
    options: FilterOptions,
) -> None:
    """List cached papers that pass a filter, best answer to --search or latest first; --json: one a line."""
    with chosen(options) as (store, where):
        shown = 0
        for shown, record in enumerate(store.list(where, limit=limit), 1):  # noqa: B007 - the last is the count
            if as_json:
                say_json(record.as_dict(store.annotation))
            else:
                say(line(record))
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
    with Store.open(start(options).db, create=False, reading=True) as store:
        record, model = store.get(id_or_title), store.annotation
    say_result(record.as_dict(model), _card(record), as_json=as_json)


@command("tags")
def tags_(*, as_json: JsonOption = False, options: CacheOptions) -> None:
    """List the tags, topics and contributions, each with the number of papers that have it."""
    settings = start(options)
    taxonomy = Prompts.load(settings.prompts, settings.language).taxonomy
    with Store.open(settings.db, create=False, reading=True) as store:
        rows = taxonomy.counted(store.records.tag_counts())
    lines = [f"{row['facet']:14}{row['tag']:32}{row['papers']:>7,}  {row['name']}" for row in rows]
    say_result(rows, "\n".join(lines), as_json=as_json)


def line(record: Record) -> str:
    """Return a paper on two lines: its id and title, and what it says."""
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
        lines.append(f"Summary       {how_made(made.engine, made.model)}, {made.annotated_at:%Y-%m-%d}")
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
