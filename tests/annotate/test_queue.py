from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from broadsheet.annotate.queue import AskQueue
from broadsheet.annotate.requests import RequestBuilder
from broadsheet.batching import Limits
from broadsheet.fencing import FencedPaper, fenced
from broadsheet.llm import Fault, Request
from broadsheet.prompts import Prompts
from broadsheet.record import Maker
from builders import paper

PROMPTS = Prompts.load()


class Builder(RequestBuilder):
    """Builds requests without words, in as much room as a test wants."""

    def __init__(self, room: Callable[[int], int] = lambda _: 10**9) -> None:
        super().__init__(PROMPTS, Limits(), Maker("answering", "test-1", "p", "s"), prompted=False)
        self.room = room

    def repair_tokens(self, paper: FencedPaper, fault: Fault) -> int:
        return 150


def queue(
    batches: Iterable[Sequence[FencedPaper]],
    most: int = 12,
    *,
    patient: bool = False,
    room: Callable[[int], int] = lambda _: 10**9,
) -> AskQueue:
    return AskQueue(batches, Builder(room), most, patient=patient)


def sent(request: Request | None) -> tuple[FencedPaper, ...]:
    assert request is not None
    return tuple(request.sent.values())


FRESH, FAULTY = (fenced(paper(title=title)) for title in ("Zebra stripes at dusk", "Otters in the rain"))


def sizes_of(asks: AskQueue) -> list[int]:
    sizes = []
    while request := asks.next(idle=True):
        sizes.append(len(request.sent))
    return sizes


@given(st.lists(st.integers(1, 12), max_size=8), st.integers(0, 12))
def test_after_a_request_was_too_long_none_is_as_large_and_every_paper_is_asked_about(
    batches: list[int], most: int
) -> None:
    asks = queue([FRESH] * size for size in batches)
    asks.shrink_to(most)
    sizes = sizes_of(asks)
    assert sum(sizes) == sum(batches)
    assert all(1 <= size <= max(1, most) for size in sizes)


def after_a_fault(*, patient: bool) -> AskQueue:
    """A queue whose fresh batch is under way while another record turns out faulty."""
    asks = queue([(FRESH,)], 8, patient=patient)
    asks.next(idle=True)
    asks.repair([(FAULTY, FAULT)])
    return asks


FAULT = Fault({}, ("tldr: a number that the abstract lacks",), 1)


def test_a_repair_is_asked_for_at_once_where_only_latency_binds() -> None:
    request = after_a_fault(patient=False).next(idle=False)
    assert request is not None
    assert (request.purpose, sent(request)) == ("repair", (FAULTY,))


def test_repairs_are_collected_while_answers_are_awaited_where_a_quota_binds() -> None:
    asks = after_a_fault(patient=True)
    assert asks.next(idle=False) is None
    asks.repair([(FRESH, FAULT)])
    assert sent(asks.next(idle=True)) == (FAULTY, FRESH)


SIZES = st.lists(st.integers(1, 400), min_size=1, max_size=30)


def sized(sizes: list[int]) -> list[FencedPaper]:
    return [replace(fenced(paper(title=f"Tides {number}")), tokens=size) for number, size in enumerate(sizes)]


def room(papers: int) -> int:
    return 1000 - 20 * papers


@given(SIZES, st.booleans(), st.booleans())
def test_left_overs_share_a_request_only_where_it_has_room_for_their_tokens(
    sizes: list[int], patient: bool, faulty: bool
) -> None:
    asks = queue([], patient=patient, room=room)
    left_over = sized(sizes)
    if faulty:
        asks.repair((each, FAULT) for each in left_over)
    else:
        asks.ask_again(Builder().build((*left_over, FRESH)), [(each, "missing") for each in left_over])
    asked: list[FencedPaper] = []
    while request := asks.next(idle=True):
        asked += sent(request)
        together = sum(each.tokens + 150 * faulty for each in sent(request))
        assert len(sent(request)) == 1 or together <= room(len(sent(request)))
    assert asked == left_over


@given(SIZES)
def test_papers_that_come_back_to_be_asked_about_first_share_a_request_only_within_its_tokens(
    sizes: list[int],
) -> None:
    asks = queue([sized(sizes)], room=room)
    while request := asks.next(idle=True):
        papers = sent(request)
        assert len(papers) == 1 or sum(each.tokens for each in papers) <= room(len(papers))


def test_left_overs_that_fill_a_request_are_not_kept_waiting() -> None:
    asks = queue([(FRESH,)], patient=True, room=room)
    left_over = sized([700, 200, 200])
    asks.ask_again(Builder().build((*left_over, FRESH)), [(each, "missing") for each in left_over])
    request = asks.next(idle=False)
    assert request is not None
    assert (request.purpose, len(request.sent)) == ("missing", 2)


def test_a_request_that_is_put_back_comes_next_with_its_purpose_and_faults() -> None:
    asks = after_a_fault(patient=False)
    refused = asks.next(idle=True)
    assert refused is not None
    asks.put_back(refused)
    again = asks.next(idle=True)
    assert again is not None
    assert (again.purpose, again.sent, again.faults) == ("repair", refused.sent, refused.faults)
