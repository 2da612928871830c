from __future__ import annotations

from broadsheet.annotate.asking import Fault
from broadsheet.annotate.course import Course
from broadsheet.fencing import FencedPaper, fenced
from builders import paper

FRESH, FAULTY = (fenced(paper(title=title)) for title in ("Zebra stripes at dusk", "Otters in the rain"))


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
