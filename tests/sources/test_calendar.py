from __future__ import annotations

from datetime import date, timedelta

import pytest

from broadsheet.sources.arxiv import announced_on
from broadsheet.sources.calendar import days, is_weekend


def test_nothing_is_expected_on_a_saturday_or_a_sunday() -> None:
    quiet = [day.day for day in days(date(2025, 3, 3), date(2025, 3, 16)) if is_weekend(day)]
    assert quiet == [8, 9, 15, 16]


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
