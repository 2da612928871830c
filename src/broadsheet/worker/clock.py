"""The worker's time: a clock that it waits by, and the moments at which its days fall due."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Protocol
from zoneinfo import ZoneInfo

_NAP_S = 20.0
"""How long to sleep at a time: a machine that was suspended does not count that time as slept."""


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> datetime:
        """Return the time, in UTC."""

    def wait(self, until: datetime) -> None:
        """Return at a time or later.

        Raises:
            KeyboardInterrupt: The user asks to stop.
        """


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC)

    def wait(self, until: datetime) -> None:
        """Return at a time or later; by the calendar, not by seconds slept."""
        while (left := (until - self.now()).total_seconds()) > 0:
            time.sleep(min(left, _NAP_S))


@dataclass(frozen=True, slots=True)
class Schedule:
    """A time of day in a time zone.

    Where the clocks go forward over that time, the day falls due as long after midnight as on the day before:
    02:30 that does not exist is 03:30. Where they go back over it, it falls due the first time.
    """

    at: time_of_day
    zone: ZoneInfo

    def moment(self, day: date) -> datetime:
        """Return when a day falls due, in UTC."""
        return datetime.combine(day, self.at, tzinfo=self.zone).astimezone(UTC)

    def latest(self, now: datetime) -> date:
        """Return the latest day that has fallen due by a time."""
        day = now.astimezone(self.zone).date()
        return day if self.moment(day) <= now else day - timedelta(days=1)

    def next_moment(self, now: datetime) -> datetime:
        """Return when the next day after a time falls due, in UTC."""
        return self.moment(self.latest(now) + timedelta(days=1))

    def local(self, now: datetime) -> datetime:
        """Return a time by the zone's clock."""
        return now.astimezone(self.zone)
