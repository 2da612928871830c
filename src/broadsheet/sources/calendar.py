"""Days on which nothing is to be expected: weekends, and holidays of those who make the listings."""

from __future__ import annotations

from datetime import date, timedelta


def days(since: date, until: date) -> list[date]:
    """The days from the first to the last, both included."""
    return [since + timedelta(days=ahead) for ahead in range((until - since).days + 1)]


def is_quiet(day: date) -> bool:
    """Whether a day may bring nothing: a weekend, a US holiday of arXiv's, or the day after one.

    arXiv announces in the evening, Sunday to Thursday; what a holiday leaves out is missing a day later.
    https://info.arxiv.org/help/availability.html
    """
    return day.weekday() >= 5 or is_holiday(day) or is_holiday(day - timedelta(days=1))


def is_holiday(day: date) -> bool:
    """Whether it is a US federal holiday, or one of the days around the great ones."""
    if (day.month, day.day) in {(1, 1), (6, 19), (7, 4), (11, 11), (12, 24), (12, 25), (12, 26), (12, 31)}:
        return True
    # A holiday on a weekend is observed on the weekday beside it.
    if day.weekday() == 0 and (day - timedelta(days=1)).strftime("%m%d") in {"0101", "0619", "0704", "1111"}:
        return True
    if day.weekday() == 4 and (day + timedelta(days=1)).strftime("%m%d") in {"0101", "0619", "0704", "1111"}:
        return True
    nth = (day.day - 1) // 7 + 1
    last = (day + timedelta(days=7)).month != day.month
    floating = {(1, 0): nth == 3, (2, 0): nth == 3, (5, 0): last, (9, 0): nth == 1, (10, 0): nth == 2}
    thanksgiving = (day.month, day.weekday(), nth) == (11, 3, 4)
    before = day - timedelta(days=1)
    day_after = (before.month, before.weekday(), (before.day - 1) // 7 + 1) == (11, 3, 4)
    return floating.get((day.month, day.weekday()), False) or thanksgiving or day_after
