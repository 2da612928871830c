"""A submission to OpenReview, as a note of its first or second API: https://docs.openreview.net/reference/api-v2.

The second API wraps each value of ``content`` in an object with a ``value``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broadsheet.sources.field_values import Unreadable, date_of_milliseconds

_DATES = ("pdate", "odate", "cdate", "tcdate")  # published, made public, created; v1's true creation


def fits(row: Mapping[str, Any]) -> bool:
    """Tell whether a record has content and belongs to a forum or an invitation."""
    is_note = not row.keys().isdisjoint({"forum", "invitation", "invitations"})
    return isinstance(row.get("content"), Mapping) and is_note


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the submission's values.

    Raises:
        Unreadable: The note is a review or another reply.
    """
    if row.get("replyto"):
        raise Unreadable("it is a reply, such as a review, and not a paper")
    content = {
        name: value.get("value") if isinstance(value, Mapping) else value
        for name, value in row["content"].items()
    }
    forum = row.get("forum") or row.get("id")
    return {
        "id": forum,
        "title": content.get("title"),
        "abstract": content.get("abstract"),
        "authors": content.get("authors"),
        "url": f"https://openreview.net/forum?id={forum}" if forum else None,
        "published": next((day for name in _DATES if (day := date_of_milliseconds(row.get(name)))), None),
        "tldr": content.get("TLDR") or content.get("TL;DR") or content.get("one-sentence_summary"),
    }
