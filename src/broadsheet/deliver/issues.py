"""Issues: what one message brings, an edition or all editions of a week or a month."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from broadsheet.store.subscribers import Rhythm

_WEEK = re.compile(r"\d{4}-W\d{2}")
_MONTH = re.compile(r"\d{4}-\d{2}")


@dataclass(frozen=True, slots=True)
class Issue:
    """What readers of one rhythm get.

    Attributes:
        name: Its name in the ledger: 2026-01-05, 2026-W02 or 2026-01.
        rhythm: For whom.
        days: The days of its editions.
    """

    name: str
    rhythm: Rhythm
    days: tuple[date, ...]


def issue_due(rhythm: Rhythm, day: date, days: Sequence[date]) -> Issue | None:
    """Return the issue that readers of a rhythm are due on a day, or None.

    A week (ISO 8601) and a month are due once they are over, on whichever later day something is sent.

    Args:
        rhythm: The readers' rhythm.
        day: The day of the edition that is sent.
        days: The days that have an edition.
    """
    if rhythm == "daily":
        return Issue(day.isoformat(), rhythm, (day,)) if day in days else None
    if rhythm == "weekly":
        name = week_of(day - timedelta(days=7))
    else:
        name = f"{day.replace(day=1) - timedelta(days=1):%Y-%m}"
    return issue_named(name, days)


def issue_named(name: str, days: Sequence[date]) -> Issue | None:
    """Return the issue of a name, or None if it has no edition."""
    if _WEEK.fullmatch(name):
        rhythm: Rhythm = "weekly"
        held = tuple(sorted(day for day in days if week_of(day) == name))
    elif _MONTH.fullmatch(name):
        rhythm, held = "monthly", tuple(sorted(day for day in days if f"{day:%Y-%m}" == name))
    else:
        rhythm, held = "daily", tuple(day for day in days if day.isoformat() == name)
    return Issue(name, rhythm, held) if held else None


def week_of(day: date) -> str:
    """Return the ISO week of a day, such as 2026-W02."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"
