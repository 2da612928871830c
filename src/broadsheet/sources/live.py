"""What the live sources share: how they are opened, and how they report days without papers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from datetime import date
from typing import TypedDict

from broadsheet.config import Settings
from broadsheet.errors import Notice
from broadsheet.sources.calendar import is_weekend
from broadsheet.sources.listing import Listing, listable_today


class Options(TypedDict):
    """What every named source is opened with; see `broadsheet.sources.open_source`."""

    day: date | None
    on_trouble: Callable[[str], None]
    settings: Settings


class LiveSource:
    """A source that is read over the network.

    Attributes:
        name: Its name in messages.
        query: Which papers to request: categories, a search, a set.
        day: The day of the run.
        settings: Its URLs and limits.
        on_trouble: Called with a sentence for each problem.
    """

    def __init__(
        self,
        name: str,
        query: str,
        *,
        day: date | None,
        on_trouble: Callable[[str], None],
        settings: Settings,
    ) -> None:
        self.name, self.query = name, query
        self.day = day or listable_today()
        self.on_trouble, self.settings = on_trouble, settings

    def listing(self, origin: str, day: date) -> Listing:
        """Return a listing for papers that come from replies instead of a file."""
        return Listing(origin, lambda: io.BytesIO(b""), self.on_trouble, day=day)

    def report_missing(self, days: Iterable[date]) -> None:
        """Report each of these days without papers, except weekends."""
        for day in days:
            if not is_weekend(day):
                self.on_trouble(Notice(f"{self.name} lists nothing on {day:%A}, {day}; it may be late."))
