from __future__ import annotations

from datetime import date, timedelta

import pytest

from broadsheet.sources.arxiv import announced_on
from broadsheet.sources.calendar import days, is_holiday, is_quiet

HOLIDAYS_2025 = "0101 0120 0217 0526 0619 0704 0901 1013 1111 1127 1128 1224 1225 1226 1231"


def test_the_holidays_of_2025_are_known_and_no_others() -> None:
    known = [day for day in days(date(2025, 1, 1), date(2025, 12, 31)) if is_holiday(day)]
    assert [f"{day:%m%d}" for day in known] == HOLIDAYS_2025.split()


@pytest.mark.parametrize(
    ("holiday", "observed"),
    [(date(2027, 7, 4), date(2027, 7, 5)), (date(2026, 7, 4), date(2026, 7, 3))],
)
def test_a_holiday_on_a_weekend_is_observed_beside_it(holiday: date, observed: date) -> None:
    assert is_holiday(holiday)
    assert is_holiday(observed)


def test_a_weekday_is_quiet_only_on_a_holiday_or_after_one() -> None:
    quiet = [day for day in days(date(2025, 3, 3), date(2025, 3, 16)) if is_quiet(day)]
    assert [day.day for day in quiet] == [8, 9, 15, 16]
    assert is_quiet(date(2025, 5, 26))
    assert is_quiet(date(2025, 5, 27))
    assert not is_quiet(date(2025, 5, 28))


@pytest.mark.parametrize(
    ("submitted", "listed"),
    [
        ("2025-03-10T18:59:00Z", date(2025, 3, 11)),  # Monday before the close: Tuesday's listing
        ("2025-03-10T19:01:00Z", date(2025, 3, 12)),  # after it: Wednesday's
        ("2025-03-13T20:00:00Z", date(2025, 3, 17)),  # Thursday after it: announced on Sunday evening
        ("2025-03-14T12:00:00Z", date(2025, 3, 17)),
        ("2025-03-14T20:00:00Z", date(2025, 3, 18)),  # Friday after it: with Monday's
        ("2025-03-16T03:00:00Z", date(2025, 3, 18)),
        ("no date", date(2025, 1, 1)),
    ],
)
def test_a_submission_is_listed_on_the_weekday_after_its_day_closes(submitted: str, listed: date) -> None:
    assert announced_on(submitted, date(2025, 1, 1)) == listed


def test_no_submission_is_listed_on_a_weekend_or_waits_longer_than_four_days() -> None:
    for hours in range(0, 24 * 14, 5):
        moment = timedelta(hours=hours)
        submitted = date(2025, 3, 1) + timedelta(days=moment.days)
        text = f"{submitted}T{moment.seconds // 3600:02}:00:00Z"
        listed = announced_on(text, submitted)
        assert listed.weekday() < 5
        assert timedelta(1) <= listed - submitted <= timedelta(4)


def test_days_include_both_ends() -> None:
    assert days(date(2025, 2, 28), date(2025, 3, 2)) == [
        date(2025, 2, 28),
        date(2025, 3, 1),
        date(2025, 3, 2),
    ]
    assert days(date(2025, 3, 2), date(2025, 3, 1)) == []
