"""The days on which listings appear."""

from __future__ import annotations

from datetime import date, timedelta

_SATURDAY = 5


def days(since: date, until: date) -> list[date]:
    """Return the days from ``since`` to ``until``, both included."""
    return [since + timedelta(days=ahead) for ahead in range((until - since).days + 1)]


def is_weekend(day: date) -> bool:
    """Tell whether a day is a Saturday or Sunday, on which arXiv lists nothing.

    arXiv announces on the evenings of Sunday to Thursday: https://info.arxiv.org/help/availability.html.
    """
    return day.weekday() >= _SATURDAY
