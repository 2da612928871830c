"""Makes a paper from a record with named fields, as found in JSON, CSV, BibTeX and other formats."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from broadsheet.errors import SourceError
from broadsheet.paper import Paper, Sighting
from broadsheet.sources import identifiers, shapes
from broadsheet.sources.field_values import Unreadable, count, date_in, line, people, text, value_at
from broadsheet.sources.listing import Listing

# Each of our fields with the names recognised for it, best first; case and punctuation are ignored.
NAMES: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "papertitle", "primarytitle", "papername", "articletitle", "documenttitle", "name"),
    "abstract": ("abstract", "summary", "description", "notesabstract", "abstractnote"),
    "authors": ("authors", "author", "firstauthors", "authornames", "creator", "creators"),
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
# Fields that are kept with the sighting in the source's own words; models wrote those that begin with ai_.
KEPT = (
    *("ai_summary", "ai_keywords", "githubRepo", "projectPage", "organization", "discussionId"),
    *("thumbnail", "numComments", "announce_type", "categories", "journal-ref", "tldr"),
)
_NO_TITLE = "it has no title"
# Far beyond any title and any abstract: of 429 listed papers the longest have 159 and 1,917 characters.
# Without a bound, one record could hold up every later stage.
_LONGEST_TITLE = 4000
_LONGEST_TEXT = 1_000_000


Record = Mapping[str, Any] | Unreadable


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
    rank, first_reason = first_rank, ""
    for place, record in records:
        try:
            if isinstance(record, Unreadable):
                raise record
            listing.reading.field_names |= dict.fromkeys(map(str, record))
            found = paper(record, listing.sighting(source, rank), listing.fields)
        except Unreadable as reason:
            first_reason = first_reason or f"{place}: {reason}"
            listing.trouble(f"{place} is skipped: {reason}")
        else:
            rank += 1
            listing.reading.add(found)
            yield found
    listing.count_troubles()
    if rank == first_rank and not listing.reading.left_out:
        untitled = first_reason.endswith(_NO_TITLE) and listing.reading.field_names
        fields = f"; name its field with --map title=FIELD, out of {listing.reading.fields_in_words}"
        raise SourceError(
            f"{listing.name} has no papers ({first_reason or 'it is empty'}){fields if untitled else ''}."
        )


def names_title(record: Mapping[str, Any] | Iterable[str], fields: Mapping[str, str]) -> bool:
    """Tell whether one of a record's field names means the title, by itself or by the user's mapping."""
    names = {plain(name) for name in record}
    if "title" in fields and isinstance(record, Mapping) and value_at(record, fields["title"]) is not None:
        return True
    return not names.isdisjoint({"title", "papertitle", "papername", plain(fields.get("title", "title"))})


def paper(record: Mapping[str, Any], sighting: Sighting, names: Mapping[str, str] | None = None) -> Paper:
    """Return the paper described by a record.

    Args:
        record: Values by field name.
        sighting: Where the paper was listed; day, votes, stars and words are filled in from the record.
        names: Maps our field names to those of the record, as given by the user.

    Raises:
        Unreadable: The record has no title, or a field has an unexpected type.
    """
    mapped = {ours: value_at(record, theirs) for ours, theirs in (names or {}).items()}
    record = shapes.flat(record)
    found = {**_chosen(record), **mapped}
    title, own_id, url, doi = (line(found.get(name)) for name in ("title", "local_id", "url", "doi"))
    if not title:
        raise Unreadable(_NO_TITLE)
    if len(title) > _LONGEST_TITLE:
        raise Unreadable(f"its title has {len(title):,} characters")
    abstract, comment = text(found.get("abstract")), text(found.get("comment"))
    if len(abstract) + len(comment) > _LONGEST_TEXT:
        raise Unreadable(f"its abstract has {len(abstract) + len(comment):,} characters")
    arxiv, version = _first_arxiv_id(line(found.get("arxiv_id")), own_id, url, doi, comment)
    own_id_is_public = identifiers.arxiv_id(own_id)[0] or identifiers.doi(own_id)
    seen = {
        "day": date_in(record.get("submittedOnDailyAt")) or sighting.day,
        "votes": count(found.get("votes")),
        "stars": count(found.get("stars")),
        "words": {name: record[name] for name in KEPT if record.get(name)},
    }
    return Paper(
        title=title,
        abstract=abstract,
        authors=people(found.get("authors")),
        url=url or (f"https://arxiv.org/abs/{arxiv}" if arxiv else ""),
        published=date_in(found.get("published")),
        comment=comment,
        arxiv_id=arxiv,
        version=version or count(record.get("version")),
        doi=identifiers.doi(doi) or identifiers.doi(own_id) or identifiers.doi(url),
        local_id="" if own_id_is_public else own_id,
        sighting=sighting.model_copy(update=seen),
    )


def _chosen(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of our fields, each from the first of its names that has a value in the record."""
    values = {plain(str(name)): value for name, value in record.items()}
    return {
        ours: next((values[name] for name in theirs if values.get(name) not in (None, "", [])), None)
        for ours, theirs in NAMES.items()
    }


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Return a field's name without case and punctuation."""
    return _SIGNS.sub("", name).casefold()


def _first_arxiv_id(*texts: str) -> tuple[str, int | None]:
    return next((found for each in texts if (found := identifiers.arxiv_id(each))[0]), ("", None))
