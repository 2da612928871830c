"""Reads rows of Hugging Face's daily papers, as found in its API, its pages and saved replies.

A row has ``paper`` (id, title, summary, authors, publishedAt, submittedOnDailyAt, upvotes, githubRepo,
githubStars, projectPage, ai_summary, ai_keywords, organization, discussionId), and next to it publishedAt,
title, summary, thumbnail and numComments. The model-generated fields (``ai_*``) are kept in the sighting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources import records
from broadsheet.sources.listing import Listing

_WORDS = ("ai_summary", "ai_keywords", "githubRepo", "projectPage", "organization", "discussionId")
_WORDS_BESIDE = ("thumbnail", "numComments")


def is_row(row: object) -> bool:
    """Tell whether a JSON value has the structure of a row."""
    return isinstance(row, Mapping) and isinstance(row.get("paper"), Mapping) and "id" in row["paper"]


def papers(listing: Listing, source: str, rows: Sequence[Any], first_rank: int = 1) -> Iterator[Paper]:
    """Yield the papers in the rows, each sighted on the row's day or else on the listing's.

    Raises:
        SourceError: There are rows, but none of them is a paper.
    """
    rank = first_rank - 1
    for number, row in enumerate(rows, first_rank):
        try:
            paper = _paper(row, listing, source, rank + 1)
        except records.Unreadable as reason:
            listing.trouble(f"row {number} is skipped: {reason}")
        else:
            rank += 1
            yield paper
    if rows and rank < first_rank:
        raise SourceError(f"{listing.name} has {len(rows)} rows, none of which is a paper.")


def _paper(row: Any, listing: Listing, source: str, rank: int) -> Paper:
    if not is_row(row):
        raise records.Unreadable("it has no paper with an id")
    told = row["paper"]
    words = {name: told[name] for name in _WORDS if told.get(name)}
    words |= {name: row[name] for name in _WORDS_BESIDE if row.get(name)}
    sighting = listing.sighting(source, rank, words=words)
    if listed := records.date_in(told.get("submittedOnDailyAt") or row.get("submittedOnDailyAt")):
        sighting = sighting.model_copy(update={"day": listed})
    authors = told.get("authors")
    return records.paper(
        {
            "id": told.get("id"),
            "title": told.get("title") or row.get("title"),
            "abstract": told.get("summary") or row.get("summary"),
            "authors": [one for one in authors if not _hidden(one)] if isinstance(authors, list) else [],
            "published": told.get("publishedAt") or row.get("publishedAt"),
            "votes": told.get("upvotes"),
            "stars": told.get("githubStars"),
        },
        sighting,
    )


def _hidden(author: object) -> bool:
    return isinstance(author, Mapping) and author.get("hidden") is True
