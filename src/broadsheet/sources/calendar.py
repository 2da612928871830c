"""The days of listings."""

from __future__ import annotations

from datetime import date, timedelta

_SATURDAY = 5


def days(since: date, until: date) -> list[date]:
    """Return the days from the first to the last, both included."""
    return [since + timedelta(days=ahead) for ahead in range((until - since).days + 1)]


def is_weekend(day: date) -> bool:
    """Tell whether nothing is listed on a day: arXiv announces in the evening, Sunday to Thursday.

    https://info.arxiv.org/help/availability.html
    """
    return day.weekday() >= _SATURDAY
