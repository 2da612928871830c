"""Lists of papers in print: the rows, the pages of a tag, the index of tags and the archive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from broadsheet.record import Record
from broadsheet.render.fields import Link, authors_line, linked, sentence_of
from broadsheet.render.reading import readable
from broadsheet.render.remarks import in_words
from broadsheet.taxonomy import Tag, Taxonomy
from broadsheet.text import plural
from broadsheet.visible import visible


@dataclass(frozen=True, slots=True)
class PaperRow:
    """One paper in a list.

    Attributes:
        paper_id: Its id in the cache.
        heading: Its title.
        authors: The first three and how many more, or empty.
        day: The day of its first sighting.
        sentence: Its summary, or empty.
        code: Links to its code.
        tags: Id and name of each of its tags, on pages that show them.
        votes: How many votes it has, on such pages, or None.
    """

    paper_id: str
    heading: str
    authors: str
    day: date
    sentence: str
    code: tuple[Link, ...]
    tags: tuple[tuple[str, str], ...] = ()
    votes: int | None = None

    @classmethod
    def of(cls, record: Record, names: Mapping[str, str] | None = None) -> PaperRow:
        """Return the row of a record.

        Args:
            record: The paper with its annotation.
            names: The shown name of each tag, by id, where the row shows tags and votes.
        """
        annotation = record.annotation
        code, tags = linked(annotation, names or {}, record.links) if annotation else ((), ())
        return cls(
            paper_id=record.id,
            heading=readable(record.title) or record.id,
            authors=authors_line(record.paper.authors),
            day=record.first_seen,
            sentence=sentence_of(record),
            code=code,
            tags=tags if names is not None else (),
            votes=record.votes if names is not None else None,
        )


@dataclass(frozen=True, slots=True)
class Day:
    """The rows of one day.

    Attributes:
        day: The day.
        heading: The day in words.
        rows: Its papers.
    """

    day: date
    heading: str
    rows: tuple[PaperRow, ...]


def by_day(rows: Iterable[PaperRow]) -> tuple[Day, ...]:
    """Return the rows under their days, in the order in which they come."""
    return tuple(Day(day, in_words(day), tuple(of_day)) for day, of_day in groupby(rows, lambda row: row.day))


@dataclass(frozen=True, slots=True)
class TagPage:
    """One page of a tag's papers.

    Attributes:
        id: The tag.
        name: What a reader calls it.
        definition: What it covers, or empty.
        days: The papers, newest day first.
        number: The page's number, counted from the oldest; None for the page of the newest papers.
        older: The number of the page with the papers before these, or None.
        newer: The number of the page with the papers after these; None if those are the newest.
        extent: How many papers there are, and from when to when.
    """

    id: str
    name: str
    definition: str
    days: tuple[Day, ...]
    number: int | None
    older: int | None
    newer: int | None
    extent: str

    @classmethod
    def of(
        cls,
        tag: Tag,
        records: Iterable[Record],
        *,
        number: int | None = None,
        older: int | None = None,
        newer: int | None = None,
        total: int | None = None,
    ) -> TagPage:
        """Return the page of these papers, which come newest first.

        Args:
            tag: The tag.
            records: The papers of the page.
            number: The page's number, or None for the newest papers.
            older: The number of the page of papers before these.
            newer: The number of the page of papers after these.
            total: How many papers have the tag, where the page says it.
        """
        rows = tuple(map(PaperRow.of, records))
        return cls(
            id=tag.id,
            name=visible(tag.name),
            definition=visible(tag.definition),
            days=by_day(rows),
            number=number,
            older=older,
            newer=newer,
            extent=_extent(rows, total),
        )


def _extent(rows: Sequence[PaperRow], total: int | None) -> str:
    papers = plural(len(rows) if total is None else total, "paper")
    if not rows:
        return papers
    newest, oldest = rows[0].day, rows[-1].day
    span = in_words(newest) if newest == oldest else f"{in_words(oldest)} to {in_words(newest)}"
    return f"{papers} · this page: {span}" if total not in {None, len(rows)} else f"{papers} · {span}"


@dataclass(frozen=True, slots=True)
class TagCount:
    """A tag in the index of tags, with the number of its papers."""

    id: str
    name: str
    definition: str
    papers: int


@dataclass(frozen=True, slots=True)
class TagIndex:
    """All tags that some paper has, facet by facet, in the order of the taxonomy."""

    facets: tuple[tuple[str, tuple[TagCount, ...]], ...]

    @classmethod
    def of(cls, taxonomy: Taxonomy, counts: Mapping[str, int]) -> TagIndex:
        """Return the index; tags that the taxonomy no longer has come last."""
        known = {tag.id for tag in (*taxonomy.topics, *taxonomy.contributions)}
        others = tuple(tag_of(taxonomy, id_) for id_ in sorted(counts) if id_ not in known)
        facets = (
            ("Topics", taxonomy.topics),
            ("Contributions", taxonomy.contributions),
            ("Earlier tags", others),
        )
        counted = (
            (name, tuple(_counted(tag, counts) for tag in tags if counts.get(tag.id)))
            for name, tags in facets
        )
        return cls(tuple((name, tags) for name, tags in counted if tags))


def tag_of(taxonomy: Taxonomy, tag_id: str) -> Tag:
    """Return a tag; one that the taxonomy no longer has goes by its id."""
    tags = (tag for tag in (*taxonomy.topics, *taxonomy.contributions) if tag.id == tag_id)
    return next(tags, Tag(tag_id, tag_id.replace("-", " ").capitalize(), ""))


def _counted(tag: Tag, counts: Mapping[str, int]) -> TagCount:
    return TagCount(tag.id, visible(tag.name), visible(tag.definition), counts[tag.id])


@dataclass(frozen=True, slots=True)
class ArchivedEdition:
    """An edition in the archive.

    Attributes:
        day: Its day.
        label: Its day in words, without the year.
        papers: How many papers it has.
        newsletter: The name of its newsletter.
    """

    day: date
    label: str
    papers: int
    newsletter: str


@dataclass(frozen=True, slots=True)
class ArchivedMonth:
    """The editions of a month, latest first."""

    heading: str
    editions: tuple[ArchivedEdition, ...]


@dataclass(frozen=True, slots=True)
class Archive:
    """Every edition of a newsletter, latest month first."""

    newsletter: str
    title: str
    months: tuple[ArchivedMonth, ...]

    @classmethod
    def of(cls, newsletter: str, title: str, sizes: Mapping[date, int]) -> Archive:
        """Return the archive of a newsletter, given the number of papers in each edition."""
        editions = (
            ArchivedEdition(day, f"{day:%A}, {day.day} {day:%B}", sizes[day], newsletter)
            for day in sorted(sizes, reverse=True)
        )
        months = groupby(editions, lambda edition: (edition.day.year, edition.day.month))
        return cls(
            newsletter,
            title,
            tuple(ArchivedMonth(f"{date(*month, 1):%B %Y}", tuple(of_month)) for month, of_month in months),
        )
