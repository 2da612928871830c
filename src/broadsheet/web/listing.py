"""`Listing`: the papers that pass a filter, with the form that changes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from broadsheet.render.views.listing import Day, PaperRow, by_day, tag_of
from broadsheet.store import Store
from broadsheet.taxonomy import Tag, Taxonomy
from broadsheet.text import plural
from broadsheet.visible import visible
from broadsheet.web.asking import Asked, write_cursor
from broadsheet.web.reading import Readers


@dataclass(frozen=True, slots=True)
class TagChoice:
    """A tag in the form.

    Attributes:
        id: The tag.
        name: What a reader calls it.
        papers: How many papers have it and pass the other conditions.
        is_wanted: Whether the filter asks for it.
        is_unwanted: Whether the filter leaves it out.
    """

    id: str
    name: str
    papers: int
    is_wanted: bool
    is_unwanted: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list of papers.

    Attributes:
        heading: Its title.
        definition: What it is about, or empty.
        extent: How many papers there are, and which of them the page shows.
        days: The papers under their days; empty if they come in another order.
        rows: The papers if they come in another order.
        facets: The tags to choose from, under the name of their facet.
        asked: What was asked for.
        is_narrowed: Whether more than words was asked for.
        next: The query string of the next page, or empty.
        previous: The query string of the page before, or None.
    """

    heading: str
    definition: str
    extent: str
    days: tuple[Day, ...]
    rows: tuple[PaperRow, ...]
    facets: tuple[tuple[str, tuple[TagChoice, ...]], ...]
    asked: Asked
    is_narrowed: bool
    next: str
    previous: str | None = field(default=None)

    @classmethod
    def of(cls, asked: Asked, reading: Readers, taxonomy: Taxonomy, heading: Tag) -> Listing:
        """Return the page that was asked for.

        Args:
            asked: Filter, order and cursor.
            reading: The cache.
            taxonomy: Gives the tags their names.
            heading: Its name and definition head the page.
        """
        store, start = reading.store, asked.offset
        total = store.count(asked.filter)
        found = store.records.matching(asked.filter, order=asked.order, limit=asked.limit, offset=start)
        rows = tuple(map(PaperRow.of, found))
        end = start + len(rows)
        part = f" · {start + 1:,} to {end:,}" if rows and len(rows) < total else ""
        before = max(0, start - asked.limit)
        return cls(
            heading=visible(heading.name),
            definition=visible(heading.definition),
            extent=plural(total, "paper") + part,
            days=by_day(rows) if asked.order == "new" else (),
            rows=() if asked.order == "new" else rows,
            facets=tuple(_facets(asked, taxonomy, _counts(asked, reading, store))),
            asked=asked,
            is_narrowed=bool(asked.query(q="", cursor="", limit=30)),
            next=asked.query(cursor=write_cursor(end)) if rows and end < total else "",
            previous=asked.query(cursor=write_cursor(before) if before else "") if start else None,
        )


def _counts(asked: Asked, reading: Readers, store: Store) -> Mapping[str, int]:
    """Return for each tag how many papers it would leave or, where one of the tags is enough, add."""
    conditions = asked.filter
    if asked.match == "any":
        conditions = conditions.model_copy(update={"tags": ()})
    if conditions == Asked().filter:
        return reading.tag_totals.of(store)
    return store.records.tag_counts(conditions)


def _facets(
    asked: Asked, taxonomy: Taxonomy, counts: Mapping[str, int]
) -> Iterator[tuple[str, tuple[TagChoice, ...]]]:
    known = {tag.id for tag in (*taxonomy.topics, *taxonomy.contributions)}
    others = sorted({*counts, *asked.tag, *asked.without} - known)
    for name, tags in (
        ("Topics", taxonomy.topics),
        ("Contributions", taxonomy.contributions),
        ("Earlier tags", tuple(tag_of(taxonomy, id_) for id_ in others)),
    ):
        choices = tuple(
            TagChoice(
                tag.id,
                visible(tag.name),
                counts.get(tag.id, 0),
                tag.id in asked.tag,
                tag.id in asked.without,
            )
            for tag in tags
            if counts.get(tag.id) or tag.id in asked.tag or tag.id in asked.without
        )
        if choices:
            yield name, choices
