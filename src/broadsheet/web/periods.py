"""`Period`: a day, an ISO week or a month of papers, with the one before and the one after."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from fastapi import HTTPException

from broadsheet.render.remarks import in_words
from broadsheet.site.context import short_day
from broadsheet.store import Store

Kind = Literal["day", "week", "month"]
_WEEK = re.compile(r"(\d{4})-W(\d{2})")
_MONTH = re.compile(r"(\d{4})-(\d{2})")


@dataclass(frozen=True, slots=True)
class Period:
    """Some days in a row that have an address.

    Attributes:
        kind: What they are.
        name: How the address names it: 2026-01-05, 2026-W02 or 2026-01.
        first: Its first day.
        last: Its last day.
        heading: It in words.
        label: It in few words, for a link.
    """

    kind: Kind
    name: str
    first: date
    last: date
    heading: str
    label: str

    @property
    def path(self) -> str:
        """Return its address."""
        return f"/{self.kind}/{self.name}"

    @classmethod
    def around(cls, kind: Kind, day: date) -> Period:
        """Return the period of a kind that a day is in."""
        if kind == "day":
            return cls(kind, day.isoformat(), day, day, in_words(day), short_day(day))
        if kind == "week":
            year, week, weekday = day.isocalendar()
            first = day - timedelta(weekday - 1)
            label = f"Week {week}, {year}"
            return cls(kind, f"{year}-W{week:02}", first, first + timedelta(6), label, label)
        last = calendar.monthrange(day.year, day.month)[1]
        label = f"{day:%B %Y}"
        return cls(kind, f"{day:%Y-%m}", day.replace(day=1), day.replace(day=last), label, label)

    @classmethod
    def named(cls, kind: Kind, name: str) -> Period:
        """Return the period that an address names.

        Raises:
            HTTPException: It names none (422).
        """
        try:
            if kind == "day":
                return cls.around(kind, date.fromisoformat(name))
            if kind == "week" and (match := _WEEK.fullmatch(name)):
                return cls.around(kind, date.fromisocalendar(int(match[1]), int(match[2]), 1))
            if kind == "month" and (match := _MONTH.fullmatch(name)):
                return cls.around(kind, date(int(match[1]), int(match[2]), 1))
        except (ValueError, OverflowError):
            pass
        example = {"day": "2026-01-31", "week": "2026-W05", "month": "2026-01"}[kind]
        raise HTTPException(422, f"That is no {kind}; one is written like {example}.")

    def before(self, store: Store) -> Period | None:
        """Return the last period before it that has papers, if one has."""
        day = store.facets.day_before(self.first)
        return Period.around(self.kind, day) if day else None

    def after(self, store: Store) -> Period | None:
        """Return the first period after it that has papers, if one has."""
        day = store.facets.day_after(self.last)
        return Period.around(self.kind, day) if day else None

    @property
    def wider(self) -> tuple[Period, ...]:
        """Return the longer periods that it is in, or those that its first day is in."""
        wider: dict[Kind, tuple[Kind, ...]] = {"day": ("week", "month"), "week": ("month",), "month": ()}
        kinds = wider[self.kind]
        return tuple(Period.around(kind, self.first) for kind in kinds)
