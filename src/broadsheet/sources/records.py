"""Makes a paper of a record with named fields, as JSON, CSV, BibTeX and others have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from broadsheet.errors import SourceError
from broadsheet.paper import Paper, Sighting
from broadsheet.sources import identifiers
from broadsheet.sources.listing import Listing

# Our field, then the names that are understood for it, the surest first; compared without case and signs.
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
    """A record that makes no paper; the message is a clause such as "it has no title"."""


Told = Mapping[str, Any] | Unreadable


def papers(listing: Listing, source: str, told: Iterable[tuple[str, Told]]) -> Iterator[Paper]:
    """Papers of a listing's records, ranked as they come; what is no paper is reported and skipped.

    Args:
        listing: The file.
        source: The source's name for the sightings.
        told: Each record with its place, such as ``line 3``; or why there is none at that place.

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
        listing.trouble(f"{skipped - _TROUBLES_TOLD} more are skipped for reasons like these")
    if not rank:
        raise SourceError(f"{listing.name} holds no paper ({first_reason}).")


def names_title(names: Iterable[str], fields: Mapping[str, str]) -> bool:
    """Whether one of a record's field names is understood as, or has been named by the user as, the title."""
    plain = {_plain(name) for name in names}
    return bool(plain & {"title", "papertitle"}) or ("title" in fields and _plain(fields["title"]) in plain)


def paper(record: Mapping[str, Any], sighting: Sighting, names: Mapping[str, str] | None = None) -> Paper:
    """The paper that a record tells of.

    Args:
        record: Values by field name.
        sighting: Where it stood; votes and stars are taken from the record.
        names: Which of its fields fills which of ours, where the user has said so: ours to theirs.

    Raises:
        Unreadable: It has no title, or a field holds what cannot be read.
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
    """The values of our fields, each from the first of its names that the record fills."""
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
        # A lone surrogate, which JSON can spell, cannot be stored as UTF-8.
        return value.encode("utf-8", errors="replace").decode().replace("\x00", "")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise Unreadable(f"a text was expected where it says {str(value)[:40]!r}")


def _line(value: Any) -> str:
    return " ".join(_text(value).split())


def _authors(value: Any) -> tuple[str, ...]:
    """Names from a list of texts or of objects with a name, or from a text that ``and`` or ``;`` divide."""
    if isinstance(value, str):
        divider = r"\s+and\s+|\s*;\s*" if re.search(r"\sand\s|;", value) else r"\s*,\s*"
        value = re.split(divider, value)
    if not isinstance(value, (list, tuple)):
        return ()
    names = (one.get("name") if isinstance(one, Mapping) else one for one in value)
    return tuple(line for name in names if isinstance(name, str) and (line := _line(name)))


def date_in(value: Any) -> date | None:
    """A date from ISO 8601, or the first day of a year or month; None where there is none."""
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
    """A whole number that SQLite can hold, from 0; None for anything else."""
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value.strip()[:20])
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if is_count else None
