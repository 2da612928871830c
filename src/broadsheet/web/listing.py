"""`Listing`: the papers that pass a filter, with the form that changes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from broadsheet.render.views.listing import Day, PaperRow, by_day
from broadsheet.taxonomy import Tag, Taxonomy
from broadsheet.text import plural
from broadsheet.visible import visible
from broadsheet.web.asking import Asked, write_cursor
from broadsheet.web.choosing import Chip, Choices, chips, choices
from broadsheet.web.periods import Period
from broadsheet.web.reading import Readers

ORDERS = {"relevance": "Best match first", "new": "Newest first", "top": "Most votes first"}


@dataclass(frozen=True, slots=True)
class Scope:
    """Which page lists the papers.

    Attributes:
        heading: Its name and definition head the page.
        path: Where its form leads.
        period: The days that it is about, if any.
    """

    heading: Tag
    path: str = "/papers"
    period: Period | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """Where one gets from a period: to the one before, to the one after, and to longer ones."""

    previous: Period | None
    next: Period | None
    wider: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list of papers.

    Attributes:
        heading: Its title.
        definition: What it is about, or empty.
        path: Where its form leads.
        extent: How many papers there are, and which of them the page shows.
        days: The papers under their days; empty if they come in another order or are of one day.
        rows: The papers otherwise.
        choices: What can be chosen, with counts.
        chips: What was chosen, each with the query that is left without it.
        asked: What was asked for.
        query: The same as a query string, without order and place.
        taken: The query string of the same papers elsewhere: with the days of the period, if any.
        orders: The query string of each order, under its name, and whether it is the present one.
        turn: The periods around this one, if the page is about one.
        next: The query string of the next page, or empty.
        previous: The query string of the page before, or None.
    """

    heading: str
    definition: str
    path: str
    extent: str
    days: tuple[Day, ...]
    rows: tuple[PaperRow, ...]
    choices: Choices
    chips: tuple[Chip, ...]
    asked: Asked
    query: str
    taken: str
    orders: tuple[tuple[str, str, bool], ...]
    turn: Turn | None
    next: str
    previous: str | None = field(default=None)

    @classmethod
    def of(cls, asked: Asked, reading: Readers, taxonomy: Taxonomy, scope: Scope) -> Listing:
        """Return the page that was asked for.

        Args:
            asked: Filter, order and cursor.
            reading: The cache.
            taxonomy: Gives the tags their names.
            scope: Which page it is.
        """
        store, start, period = reading.store, asked.offset, scope.period
        days = {"since": period.first, "until": period.last} if period else {}
        where = asked.model_copy(update=days).filter
        index = reading.facets.of(store)
        with store.snapshot():  # what a search finds is worked out once for the list and the counts
            found = store.records.matching(where, order=asked.order, limit=asked.limit + 1, offset=start)
            records = list(found)
            counts = index.counts(where, store)
        rows = tuple(PaperRow.of(record, taxonomy.names) for record in islice(records, asked.limit))
        end = start + len(rows)
        total = max(counts.total, end)  # the counts may be a little older
        part = f" · {start + 1:,} to {end:,}" if rows and len(rows) < total else ""
        before = max(0, start - asked.limit)
        usual = "relevance" if asked.q else "new"
        is_grouped = asked.order == "new" and not (period and period.kind == "day")
        return cls(
            heading=visible(scope.heading.name),
            definition=visible(scope.heading.definition),
            path=scope.path,
            extent=plural(total, "paper") + part,
            days=by_day(rows) if is_grouped else (),
            rows=() if is_grouped else rows,
            choices=choices(asked, taxonomy, counts, in_period=period is not None),
            chips=tuple(chips(asked, taxonomy.names)),
            asked=asked,
            query=asked.query(sort=None, cursor="", limit=30),
            taken=asked.query(sort=None, cursor="", limit=30, **days),
            orders=tuple(
                (words, asked.query(sort=None if order == usual else order, cursor=""), order == asked.order)
                for order, words in ORDERS.items()
                if asked.q or order != "relevance"
            ),
            turn=Turn(period.before(store), period.after(store), period.wider) if period else None,
            next=asked.query(cursor=write_cursor(end)) if len(records) > asked.limit else "",
            previous=asked.query(cursor=write_cursor(before) if before else "") if start else None,
        )
