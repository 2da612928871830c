"""Makes a paper from a record with named fields, as found in JSON, CSV, BibTeX and other formats."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from broadsheet.errors import SourceError
from broadsheet.paper import Paper, Sighting
from broadsheet.sources import identifiers
from broadsheet.sources.listing import Listing

# Each of our fields with the names recognised for it, best first; case and punctuation are ignored.
NAMES: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "papertitle", "name"),
    "abstract": ("abstract", "summary", "description"),
    "authors": ("authors", "author", "creator", "creators"),
    "url": ("url", "link", "absurl", "paperurl", "entryid"),
    "published": ("published", "publishedat", "publicationdate", "date", "submitted", "created", "year"),
    "comment": ("comment", "comments", "note"),
    "arxiv_id": ("arxivid", "arxiv", "eprint"),
    "doi": ("doi",),
    "local_id": ("id", "paperid", "key"),
    "votes": ("votes", "upvotes"),
    "stars": ("stars", "githubstars"),
}
_SIGNS = re.compile(r"[\W_]+")
_DATE = re.compile(r"(\d{4})(?:-?(\d{2})(?:-?(\d{2}))?)?")


_TROUBLES_TOLD = 20


class Unreadable(ValueError):  # noqa: N818 - the state is the name
    """A record that is not a paper; the message is a clause such as "it has no title"."""


Told = Mapping[str, Any] | Unreadable


def papers(listing: Listing, source: str, told: Iterable[tuple[str, Told]]) -> Iterator[Paper]:
    """Yield the papers of a listing's records, ranked in order; other records are reported and skipped.

    Args:
        listing: The file.
        source: The source's name for the sightings.
        told: Each record, or the reason it is unreadable, after its place, such as ``line 3``.

    Raises:
        SourceError: None of the records is a paper.
    """
    rank = skipped = 0
    first_reason = "it is empty"
    for place, record in told:
        try:
            if isinstance(record, Unreadable):
                raise record
            found = paper(record, listing.sighting(source, rank + 1), listing.fields)
        except Unreadable as reason:
            skipped += 1
            first_reason = f"{place}: {reason}" if skipped == 1 else first_reason
            if skipped <= _TROUBLES_TOLD:
                listing.trouble(f"{place} is skipped: {reason}")
        else:
            rank += 1
            yield found
    if skipped > _TROUBLES_TOLD:
        listing.trouble(f"{skipped - _TROUBLES_TOLD} more are skipped for similar reasons")
    if not rank:
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
    found = _chosen(record, names or {})
    title = _line(found.get("title"))
    if not title:
        raise Unreadable("it has no title")
    own_id = _line(found.get("local_id"))
    url = _line(found.get("url"))
    arxiv, version = _first_arxiv_id(_line(found.get("arxiv_id")), own_id, url, _line(found.get("doi")))
    doi = identifiers.doi(_line(found.get("doi"))) or identifiers.doi(own_id) or identifiers.doi(url)
    return Paper(
        title=title,
        abstract=_text(found.get("abstract")).strip(),
        authors=_authors(found.get("authors")),
        url=url or (f"https://arxiv.org/abs/{arxiv}" if arxiv else ""),
        published=date_in(found.get("published")),
        comment=_text(found.get("comment")).strip(),
        arxiv_id=arxiv,
        version=version or _count(record.get("version")),
        doi=doi,
        local_id="" if identifiers.arxiv_id(own_id)[0] or identifiers.doi(own_id) else own_id,
        sighting=sighting.model_copy(
            update={"votes": _count(found.get("votes")), "stars": _count(found.get("stars"))}
        ),
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
    raise Unreadable(f"it has {str(value)[:40]!r} where text was expected")


def _line(value: Any) -> str:
    return " ".join(_text(value).split())


def _authors(value: Any) -> tuple[str, ...]:
    """Return names from a list of strings or named objects, or a string separated by "and", ";" or ","."""
    if isinstance(value, str):
        divider = r"\s+and\s+|\s*;\s*" if re.search(r"\sand\s|;", value) else r"\s*,\s*"
        value = re.split(divider, value)
    if not isinstance(value, (list, tuple)):
        return ()
    names = (one.get("name") if isinstance(one, Mapping) else one for one in value)
    return tuple(line for name in names if isinstance(name, str) and (line := _line(name)))


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
