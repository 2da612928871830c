from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.sources.field_values import date_in, people, text, value_at

JUNE_12 = date(2017, 6, 12)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        *(
            (written, JUNE_12)
            for written in (
                "2017-06-12",
                "2017-06-12T10:00:00Z",
                "2017/06/12/",
                "20170612",
                "2017-6-12",
                "12 June 2017",
                "Mon, 12 Jun 2017 17:57:34 GMT",
                "June 12, 2017",
                "Jun. 12th, 2017",
                "2017-06-12 00:00:00",
                {"date-parts": [[2017, 6, 12]]},
                {"date-parts": [["2017", "6", "12"]]},
                {"raw": "2017-06-12"},
                JUNE_12,
            )
        ),
        *(
            (written, date(2017, 6, 1))
            for written in ("2017-06", "2017/06//", "June 2017", "06/2017", {"date-parts": [[2017, 6]]})
        ),
        *((written, date(2017, 1, 1)) for written in ("2017", 2017, "2017///", {"date-parts": [[2017]]})),
        *(
            (written, None)
            for written in (
                "",
                None,
                "06/12/2017",
                "forthcoming",
                "2017-13-01",
                "2017-02-30",
                [],
                {},
                {"date-parts": [[None]]},
                "20170612345",
                10**30,
            )
        ),
    ],
)
def test_a_date_is_read_as_any_tool_writes_it_and_an_ambiguous_one_is_not(
    written: Any, expected: date | None
) -> None:
    assert date_in(written) == expected


@given(st.dates(min_value=date(1000, 1, 1)))
def test_every_day_is_read_back(day: date) -> None:
    for form in ("%Y-%m-%d", "%Y/%m/%d/", "%d %B %Y", "%B %d, %Y", "%b %d, %Y"):
        assert date_in(day.strftime(form)) == day


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("A. One, B. Two and C. Three", ("A. One", "B. Two", "C. Three")),
        ("A. One, B. Two, and C. Three", ("A. One", "B. Two", "C. Three")),
        ("A. One (Dock, Bay) and B. Two", ("A. One", "B. Two")),
        ("Alexandra Anderson, Rand Sandy", ("Alexandra Anderson", "Rand Sandy")),
        ("One, Ada; van der Two, Bo; Three, Cy, Jr.", ("Ada One", "Bo van der Two", "Cy Three Jr.")),
        (["Three, Jr., Cy", "Sammy Four, Jr.", "Plato"], ("Cy Three Jr.", "Sammy Four, Jr.", "Plato")),
        ([{"name": "Ada One"}, {"name": None}, 7, None, " "], ("Ada One",)),
        (None, ()),
        (7, ()),
    ],
)
def test_names_are_read_with_the_first_name_first(written: Any, names: tuple[str, ...]) -> None:
    assert people(written) == names


def test_line_breaks_within_a_paragraph_are_spaces_and_paragraphs_stay() -> None:
    assert text("  We see\n  fog\r\nat sea.\n \nWe steer.\n") == "We see fog at sea.\n\nWe steer."
    assert text(["We see.", "We steer."]) == "We see. We steer."


def test_a_path_goes_into_objects_and_lists_and_a_name_with_a_dot_is_a_name() -> None:
    record = {"a": {"b": [{"c": 1}, {"c": 2}, {}]}, "x.y": 3}
    assert value_at(record, "a.b.c") == [1, 2]
    assert value_at(record, "a.b.1.c") == 2
    assert value_at(record, "x.y") == 3
    for missing in ("a.z", "a.b.7.c", "a.b.0.c.d", "z", ""):
        assert value_at(record, missing) is None
