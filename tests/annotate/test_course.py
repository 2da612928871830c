from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from broadsheet.annotate.asking import Ask, Fault
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


SIZES = st.lists(st.integers(1, 400), min_size=1, max_size=30)


def sized(sizes: list[int]) -> list[FencedPaper]:
    return [replace(fenced(paper(title=f"Tides {number}")), tokens=size) for number, size in enumerate(sizes)]


def room(papers: int) -> int:
    return 1000 - 20 * papers


@given(SIZES, st.booleans(), st.booleans())
def test_left_overs_share_a_request_only_where_it_has_room_for_their_tokens(
    sizes: list[int], patient: bool, faulty: bool
) -> None:
    course = Course([], 12, patient=patient, room=room, repair_tokens=lambda _: 150)
    left_over = sized(sizes)
    if faulty:
        course.repair(fault_of(sent) for sent in left_over)
    else:
        course.again(Ask((*left_over, FRESH)), [(sent, "missing") for sent in left_over])
    asked: list[FencedPaper] = []
    while ask := course.next(idle=True):
        asked += ask.papers
        together = sum(sent.tokens + 150 * faulty for sent in ask.papers)
        assert len(ask.papers) == 1 or together <= room(len(ask.papers))
    assert asked == left_over


@given(SIZES)
def test_papers_that_come_back_to_be_asked_about_first_share_a_request_only_within_its_tokens(
    sizes: list[int],
) -> None:
    course = Course([sized(sizes)], 12, patient=False, room=room)
    while ask := course.next(idle=True):
        assert len(ask.papers) == 1 or sum(sent.tokens for sent in ask.papers) <= room(len(ask.papers))


def test_left_overs_that_fill_a_request_are_not_kept_waiting() -> None:
    course = Course([(FRESH,)], 12, patient=True, room=room)
    course.again(
        Ask((*sized([700, 200, 200]), FRESH)), [(sent, "missing") for sent in sized([700, 200, 200])]
    )
    ask = course.next(idle=False)
    assert ask is not None
    assert (ask.purpose, len(ask.papers)) == ("missing", 2)
