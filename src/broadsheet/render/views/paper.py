"""`PaperPage`: everything the cache knows of one paper, in print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Literal, Protocol

from broadsheet.edition import Correction
from broadsheet.engines import how_made
from broadsheet.paper import Sighting
from broadsheet.record import Record
from broadsheet.render.environments import destination, markdown
from broadsheet.render.fields import Shown, listed_repository, safe_url, sentence_of, shown
from broadsheet.render.page import marked_abstract
from broadsheet.render.reading import readable
from broadsheet.render.remarks import corrected, findings_in_words, in_words
from broadsheet.text import plural
from broadsheet.visible import visible

_MOST_WORDS_COMPARED = 3_000
"""Texts with more words are not compared: the comparison is quadratic in the worst case."""


class StoredVersion(Protocol):
    """One text of a paper as the cache keeps it."""

    @property
    def number(self) -> int | None:
        """Return arXiv's number of it."""

    @property
    def title(self) -> str:
        """Return the title."""

    @property
    def abstract(self) -> str:
        """Return the abstract."""

    @property
    def seen_at(self) -> datetime:
        """Return when it was first read."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that two versions share, or that one of them has."""

    kind: Literal["same", "removed", "added"]
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a version changed.

    Attributes:
        heading: Which version, and when it was read.
        title: The pieces of the title, empty if it did not change.
        abstract: The pieces of the abstract, empty if it did not change.
        note: What is said where nothing is compared.
    """

    heading: str
    title: tuple[Piece, ...]
    abstract: tuple[Piece, ...]
    note: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What the cache knows of a paper beside its record.

    Attributes:
        versions: Its texts, oldest first.
        sightings: Where it was listed, oldest first.
        editions: Day, newsletter and the newsletter's title of each edition that has it.
        related: The ids and titles of papers that are like it, most alike first.
        bibtex: Its BibTeX entry.
        corrections: What was put right about it in published editions, oldest first.
    """

    versions: Sequence[StoredVersion] = ()
    sightings: Sequence[Sighting] = ()
    editions: Sequence[tuple[date, str, str]] = ()
    related: Sequence[tuple[str, str]] = ()
    bibtex: str = ""
    corrections: Sequence[Correction] = ()


@dataclass(frozen=True, slots=True)
class PaperPage:
    """One paper in print.

    Attributes:
        id: Its id in the cache.
        heading: Its title.
        url: Its own page, or empty.
        pdf: Its PDF at arXiv, or empty.
        authors: The name of each of them.
        dates: When it was published and first seen, in words.
        sentence: Its summary, or empty.
        made: How the summary was made, by what and when, or why there is none.
        shown: The fields of its annotation other than the summary.
        withheld: What the check withheld, a sentence each.
        notes: What the check noted, a sentence each.
        abstract: The abstract before, in and after the words that are evidence for code.
        changes: What each version after the first changed, latest first.
        sightings: Where it was listed, a phrase each.
        editions: Day, newsletter, and both in words, of each edition that has it.
        related: The ids and titles of papers that are like it.
        bibtex: Its BibTeX entry.
        markdown: A line of Markdown that cites it.
        corrections: What was put right about it in published editions, a sentence each.
    """

    id: str
    heading: str
    url: str
    pdf: str
    authors: tuple[str, ...]
    dates: str
    sentence: str
    made: str
    shown: tuple[Shown, ...]
    withheld: tuple[str, ...]
    notes: tuple[str, ...]
    abstract: tuple[str, str, str]
    changes: tuple[Change, ...]
    sightings: tuple[str, ...]
    editions: tuple[tuple[date, str, str], ...]
    related: tuple[tuple[str, str], ...]
    bibtex: str
    markdown: str = field(repr=False, default="")
    corrections: tuple[str, ...] = ()

    @classmethod
    def of(cls, record: Record, names: Mapping[str, str], around: Surroundings) -> PaperPage:
        """Return the page of a record.

        Args:
            record: The paper with its annotation.
            names: Shown name of each tag, by id.
            around: What the cache knows beside it.
        """
        annotation, paper = record.annotation, record.paper
        fields = shown(annotation, names, under="", states=record.links) if annotation else ()
        published = f"Published {in_words(paper.published)} · f" if paper.published else "F"
        return cls(
            id=record.id,
            heading=readable(record.title) or record.id,
            url=safe_url(paper.url),
            pdf=safe_url(f"https://arxiv.org/pdf/{paper.arxiv_id}") if paper.arxiv_id else "",
            authors=tuple(name for author in paper.authors if (name := readable(author))),
            dates=f"{published}irst seen {in_words(record.first_seen)}",
            sentence=sentence_of(record),
            made=_made(record),
            shown=(
                *(each for each in fields if each.at != "headline"),
                *listed_repository(record.repository),
            ),
            withheld=findings_in_words(record, "withheld"),
            notes=findings_in_words(record, "note"),
            abstract=marked_abstract(paper.abstract, annotation),
            changes=_changes(around.versions),
            sightings=tuple(map(_sighting, around.sightings)),
            editions=tuple(
                (day, name, f"{visible(title)}, {in_words(day)}") for day, name, title in around.editions
            ),
            related=tuple((id_, readable(title) or id_) for id_, title in around.related),
            bibtex=_lines(around.bibtex),
            markdown=_markdown_line(record),
            corrections=tuple(map(corrected, around.corrections)),
        )

    def at(self, place: str) -> tuple[Shown, ...]:
        """Return the fields shown at that place."""
        return tuple(each for each in self.shown if each.at == place)


def _made(record: Record) -> str:
    made = record.provenance
    if made is None:
        return (
            f"No summary: {visible(record.failure).replace('-', ' ')}" if record.failure else "No summary yet"
        )
    how = how_made(made.engine, visible(made.model))
    day = made.annotated_at.date()
    prompt = f" (prompt {visible(made.prompt)})" if made.prompt else ""
    return f"Summary {how} on {day.day} {day:%B} {day.year}{prompt}"


def _sighting(sighting: Sighting) -> str:
    origin = f" ({visible(sighting.origin)})" if sighting.origin else ""
    figures = (
        f"rank {sighting.rank:,}" if sighting.rank is not None else "",
        plural(sighting.votes, "vote") if sighting.votes is not None else "",
        plural(sighting.stars, "star") if sighting.stars is not None else "",
    )
    where = f"{visible(sighting.source)}{origin}, {in_words(sighting.day)}"
    return ", ".join([where, *filter(None, figures)])


def _changes(versions: Sequence[StoredVersion]) -> tuple[Change, ...]:
    changes = []
    for before, after in pairwise(versions):
        name = f"Version {after.number}" if after.number else "A later version"
        heading = f"{name}, read {in_words(after.seen_at.date())}"
        title, abstract = (
            _compared(getattr(before, part), getattr(after, part)) for part in ("title", "abstract")
        )
        same = before.title == after.title and before.abstract == after.abstract
        note = "" if title or abstract else "Only the comment changed." if same else "Too long to compare."
        changes.append(Change(heading, title, abstract, note))
    return tuple(reversed(changes))


def _compared(before: str, after: str) -> tuple[Piece, ...]:
    """Return the words of two texts as pieces; none if they are the same or too long."""
    old, new = readable(before).split(), readable(after).split()
    if old == new or len(old) + len(new) > _MOST_WORDS_COMPARED:
        return ()
    pieces: list[Piece] = []
    for kind, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(Piece("same", " ".join(old[start:end])))
            continue
        if end > start:
            pieces.append(Piece("removed", " ".join(old[start:end])))
        if new_end > new_start:
            pieces.append(Piece("added", " ".join(new[new_start:new_end])))
    return tuple(pieces)


def _lines(text: str) -> str:
    """Return text of several lines without invisible characters."""
    return "\n".join(f"{line[: len(line) - len(line.lstrip())]}{visible(line)}" for line in text.splitlines())


def _markdown_line(record: Record) -> str:
    url, title = safe_url(record.paper.url), markdown(visible(record.title) or record.id)
    cited = f"[{title}]({destination(url)})" if url else title
    sentence = sentence_of(record)
    return f"{cited}: {markdown(sentence)}" if sentence else str(cited)
