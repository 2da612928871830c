from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broadsheet.annotate.asking import Fault
from broadsheet.annotate.course import Course
from broadsheet.fencing import FencedPaper, fenced
from builders import paper

FRESH, FAULTY = (fenced(paper(title=title)) for title in ("Zebra stripes at dusk", "Otters in the rain"))


def asked_by(course: Course) -> list[int]:
    sizes = []
    while ask := course.next(idle=True):
        sizes.append(len(ask.papers))
    return sizes


@given(st.lists(st.integers(1, 12), max_size=8), st.integers(0, 12))
def test_after_a_request_was_too_long_none_is_as_large_and_every_paper_is_asked_about(
    batches: list[int], most: int
) -> None:
    course = Course(([FRESH] * size for size in batches), 12, patient=False)
    course.bound(most)
    sizes = asked_by(course)
    assert sum(sizes) == sum(batches)
    assert all(1 <= size <= max(1, most) for size in sizes)


def after_a_fault(*, patient: bool) -> Course:
    """A course whose fresh batch is under way while another record turns out faulty."""
    course = Course([(FRESH,)], 8, patient=patient)
    course.next(idle=True)
    course.repair([fault_of(FAULTY)])
    return course


def fault_of(sent: FencedPaper) -> Fault:
    return Fault(sent, {}, ("tldr: a number that the abstract lacks",), 1)


def test_a_repair_is_asked_for_at_once_where_only_latency_binds() -> None:
    ask = after_a_fault(patient=False).next(idle=False)
    assert ask is not None
    assert (ask.purpose, ask.papers) == ("repair", (FAULTY,))


def test_repairs_are_collected_while_answers_are_awaited_where_a_quota_binds() -> None:
    course = after_a_fault(patient=True)
    assert course.next(idle=False) is None
    course.repair([fault_of(FRESH)])
    ask = course.next(idle=True)
    assert ask is not None
    assert ask.papers == (FAULTY, FRESH)
