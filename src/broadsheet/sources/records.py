"""Makes a paper from a record with named fields, as found in JSON, CSV, BibTeX and other formats."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from broadsheet.errors import SourceError
from broadsheet.paper import Paper, Sighting
from broadsheet.sources import identifiers, shapes
from broadsheet.sources.listing import Listing

# Each of our fields with the names recognised for it, best first; case and punctuation are ignored.
NAMES: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "papertitle", "primarytitle", "name"),
    "abstract": ("abstract", "summary", "description", "notesabstract"),
    "authors": ("authors", "author", "firstauthors", "creator", "creators"),
    "url": ("url", "urls", "link", "absurl", "paperurl", "entryid"),
    "published": (
        *("published", "publishedat", "publicationdate", "date", "submitted", "created", "year"),
        "publicationyear",
    ),
    "comment": ("comment", "comments", "note", "notes"),
    "arxiv_id": ("arxivid", "arxiv", "eprint"),
    "doi": ("doi",),
    "local_id": ("id", "paperid", "key"),
    "votes": ("votes", "upvotes"),
    "stars": ("stars", "githubstars"),
}
_SIGNS = re.compile(r"[\W_]+")
_DATE = re.compile(r"(\d{4})(?:-?(\d{2})(?:-?(\d{2}))?)?")
# Fields that are kept with the sighting in the source's own words; models wrote those that begin with ai_.
KEPT = (
    *("ai_summary", "ai_keywords", "githubRepo", "projectPage", "organization", "discussionId"),
    *("thumbnail", "numComments", "announce_type", "categories"),
)
_MOST_TROUBLES = 20


class Unreadable(ValueError):  # noqa: N818 - the state is the name
    """A record that is not a paper; the message is a clause such as "it has no title"."""


Record = Mapping[str, Any] | Unreadable


def as_record(value: Any) -> Record:
    """Return a JSON value if it is an object, else why it is not a paper."""
    return value if isinstance(value, dict) else Unreadable("it is not a JSON object")


def papers(
    listing: Listing, source: str, records: Iterable[tuple[str, Record]], *, first_rank: int = 1
) -> Iterator[Paper]:
    """Yield the papers of a listing's records, ranked in order; report and skip the other records.

    Args:
        listing: The file.
        source: The source's name for the sightings.
        records: Each record, or the reason it is unreadable, after its place, such as ``line 3``.
        first_rank: The first paper's rank.

    Raises:
        SourceError: None of the records is a paper.
    """
    rank, skipped = first_rank, 0
    first_reason = "it is empty"
    for place, record in records:
        try:
            if isinstance(record, Unreadable):
                raise record
            found = paper(record, listing.sighting(source, rank), listing.fields)
        except Unreadable as reason:
            skipped += 1
            first_reason = f"{place}: {reason}" if skipped == 1 else first_reason
            if skipped <= _MOST_TROUBLES:
                listing.trouble(f"{place} is skipped: {reason}")
        else:
            rank += 1
            yield found
    if skipped > _MOST_TROUBLES:
        listing.trouble(f"{skipped - _MOST_TROUBLES} more are skipped for similar reasons")
    if rank == first_rank:
        raise SourceError(f"{listing.name} has no papers ({first_reason}).")


def names_title(names: Iterable[str], fields: Mapping[str, str]) -> bool:
    """Tell whether one of a record's field names means the title, by itself or by the user's mapping."""
    plain = {_plain(name) for name in names}
    return bool(plain & {"title", "papertitle"}) or ("title" in fields and _plain(fields["title"]) in plain)


def paper(record: Mapping[str, Any], sighting: Sighting, names: Mapping[str, str] | None = None) -> Paper:
    """Return the paper described by a record.

    Args:
        record: Values by field name.
        sighting: Where the paper was listed; votes and stars are filled in from the record.
        names: Maps our field names to those of the record, as given by the user.

    Raises:
        Unreadable: The record has no title, or a field has an unexpected type.
    """
    record = shapes.flat(record)
    found = _chosen(record, names or {})
    title, own_id, url, doi = (_line(_first(found.get(name))) for name in ("title", "local_id", "url", "doi"))
    if not title:
        raise Unreadable("it has no title")
    arxiv, version = _first_arxiv_id(_line(found.get("arxiv_id")), own_id, url, doi)
    own_id_is_public = identifiers.arxiv_id(own_id)[0] or identifiers.doi(own_id)
    seen = {
        "day": date_in(record.get("submittedOnDailyAt")) or sighting.day,
        "votes": _count(found.get("votes")),
        "stars": _count(found.get("stars")),
        "words": {name: record[name] for name in KEPT if record.get(name)},
    }
    return Paper(
        title=title,
        abstract=_text(found.get("abstract")).strip(),
        authors=_authors(found.get("authors")),
        url=url or (f"https://arxiv.org/abs/{arxiv}" if arxiv else ""),
        published=date_in(found.get("published")),
        comment=_text(found.get("comment")).strip(),
        arxiv_id=arxiv,
        version=version or _count(record.get("version")),
        doi=identifiers.doi(doi) or identifiers.doi(own_id) or identifiers.doi(url),
        local_id="" if own_id_is_public else own_id,
        sighting=sighting.model_copy(update=seen),
    )


def _chosen(record: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of our fields, each from the first of its names that has a value in the record."""
    plain = {_plain(name): value for name, value in record.items()}
    chosen: dict[str, Any] = {}
    for ours, theirs in NAMES.items():
        if ours in names:
            chosen[ours] = record.get(names[ours])
        else:
            chosen[ours] = next((plain[name] for name in theirs if plain.get(name) not in (None, "")), None)
    return chosen


def _plain(name: object) -> str:
    return _SIGNS.sub("", str(name)).casefold()


def _first_arxiv_id(*texts: str) -> tuple[str, int | None]:
    return next((found for text in texts if (found := identifiers.arxiv_id(text))[0]), ("", None))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        # JSON can contain lone surrogates, which cannot be stored as UTF-8.
        return value.encode("utf-8", errors="replace").decode().replace("\x00", "")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return _text(" ".join(value))
    raise Unreadable(f"it has {str(value)[:40]!r} where text was expected")


def _first(value: Any) -> Any:
    return next(iter(value), None) if isinstance(value, list) else value


def _line(value: Any) -> str:
    return " ".join(_text(value).split())


def _authors(value: Any) -> tuple[str, ...]:
    """Return the names in a list of strings or named objects, or in a string with "and", ";" or ","."""
    if isinstance(value, str):
        value = re.sub(r"\([^()]*\)", "", value)  # arXiv's affiliations
        value = re.split(r";" if ";" in value else r",\s*and\s|\sand\s|,", value)
    if not isinstance(value, (list, tuple)):
        return ()
    names = (author.get("name") if isinstance(author, Mapping) else author for author in value)
    return tuple(first_name_first(line) for name in names if isinstance(name, str) and (line := _line(name)))


def first_name_first(name: str) -> str:
    """Return a name with the first name first: ``Bo Sample`` for ``Sample, Bo``."""
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma and "," not in first else name.strip()


def date_in(value: Any) -> date | None:
    """Parse an ISO 8601 date; a year or month gives its first day, and anything else None."""
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    match = _DATE.match(str(value or "").strip())
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return None


def _count(value: Any) -> int | None:
    """Return the value if it is a non-negative integer that fits into SQLite, else None."""
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value.strip()[:20])
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if is_count else None
