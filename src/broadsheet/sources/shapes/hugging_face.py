"""A row of Hugging Face's daily papers, as in its API, its pages and saved replies.

A row has ``paper`` (id, title, summary, authors, publishedAt, submittedOnDailyAt, upvotes, githubRepo,
githubStars, projectPage, ai_summary, ai_keywords, organization, discussionId), and next to it publishedAt,
title, summary, thumbnail and numComments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def fits(row: Mapping[str, Any]) -> bool:
    """Tell whether a record holds a paper with an id."""
    return isinstance(row.get("paper"), Mapping) and "id" in row["paper"]


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the row with its paper, whose values come first, without hidden authors."""
    paper = {**row, **{name: value for name, value in row["paper"].items() if value}}
    authors = paper.get("authors")
    shown = [author for author in authors if not _hidden(author)] if isinstance(authors, list) else []
    return {**paper, "authors": shown}


def _hidden(author: object) -> bool:
    return isinstance(author, Mapping) and author.get("hidden") is True
