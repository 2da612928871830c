"""`AskQueue`: what to ask next, until every paper has its annotation or is given up.

Fresh batches come first, then what answers leave over. Papers that an answer merely passed over are asked
about again together, and one whose tags another paper may have dictated is asked about alone. A batch whose
answer was refused, cut off or unreadable is halved until the paper that spoils it stands alone. A paper that
fails alone `MAX_TIMES_ALONE` times is given up; one that gets no answer alone is given up at once, because
the engine has already retried.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Generic, TypeVar

from broadsheet.annotate.replies import Cause
from broadsheet.annotate.requests import RequestBuilder
from broadsheet.batching import halves
from broadsheet.fencing import FencedPaper
from broadsheet.llm import Fault, Purpose, Request

MAX_TIMES_ALONE = 3
_ASKED_AGAIN_TOGETHER = frozenset({"missing", "misplaced"})
_FINAL = frozenset({"no-answer"})

Unanswered = tuple[FencedPaper, Cause]
FaultyPaper = tuple[FencedPaper, Fault]
LeftOver = TypeVar("LeftOver", FencedPaper, FaultyPaper)


@dataclass(frozen=True, slots=True)
class _Group:
    """Papers that go into one request, or into several where one has no room for all."""

    papers: tuple[FencedPaper, ...]
    purpose: Purpose = "annotate"
    faults: tuple[Fault, ...] = ()
    times: int = 0


class _Pool(Generic[LeftOver]):
    """Left-overs of one kind, oldest first, each with the tokens that it adds to a request."""

    def __init__(self) -> None:
        self.kept: deque[tuple[LeftOver, int]] = deque()

    def take(self, most: int, room: Callable[[int], int], *, wait: bool) -> list[LeftOver]:
        """Take what fits one request; nothing while more may come and the request would not be full."""
        fit = _fitting((size for _, size in self.kept), most, room)
        full = fit == most or fit < len(self.kept)
        return [] if wait and not full else [self.kept.popleft()[0] for _ in range(fit)]


class AskQueue:
    """The order in which papers are asked about.

    Args:
        batches: What to ask first.
        builder: Builds the requests.
        most: Papers a request, at most.
        patient: Whether to collect left-overs until no answer is awaited any more. That makes fewer requests,
            which counts under a quota, but ends later where only latency binds.
    """

    def __init__(
        self,
        batches: Iterable[Sequence[FencedPaper]],
        builder: RequestBuilder,
        most: int,
        *,
        patient: bool,
    ) -> None:
        self._groups = deque(_Group(tuple(batch)) for batch in batches)
        self._builder = builder
        self._most = most
        self._patient = patient
        self._passed_over = _Pool[FencedPaper]()
        self._faulty = _Pool[FaultyPaper]()

    def next(self, *, idle: bool, careful: bool = False) -> Request | None:
        """Return the next request, or None while there is none.

        Left-overs are collected while there are fresh batches, so that few requests carry many.

        Args:
            idle: No answer is awaited, so there is nothing left to wait for.
            careful: No answer has been of use so far, so one left-over paper is enough to ask about.
        """
        wait = bool(self._groups) or (self._patient and not idle)
        room, most = self._builder.room, 1 if careful else self._most
        if faulty := self._faulty.take(most, room, wait=wait):
            papers, faults = zip(*faulty, strict=True)
            return self._builder.build(papers, "repair", faults)
        if passed_over := self._passed_over.take(most, room, wait=wait):
            return self._builder.build(passed_over, "missing")
        if not self._groups:
            return None
        group = self._next_group(careful=careful)
        return self._builder.build(group.papers, group.purpose, group.faults, group.times)

    def _next_group(self, *, careful: bool) -> _Group:
        group = self._groups.popleft()
        if group.faults:
            return group
        most = 1 if careful and group.purpose == "split" else self._most
        fit = _fitting((paper.tokens for paper in group.papers), most, self._builder.room)
        if fit < len(group.papers):
            self._groups.appendleft(replace(group, papers=group.papers[fit:]))
        return replace(group, papers=group.papers[:fit])

    def ask_apart(self, papers: Iterable[FencedPaper]) -> None:
        """Ask about each of these papers alone, before anything else."""
        self._groups.extendleft(_Group((paper,), "apart") for paper in papers)

    def shrink_to(self, most: int) -> None:
        """Put no more papers than this into a request from now on: one with more was too long."""
        self._most = max(1, min(self._most, most))

    def put_back(self, request: Request) -> None:
        """Return a request that could not be sent; it is next."""
        papers, faults = tuple(request.sent.values()), tuple(request.faults.values())
        self._groups.appendleft(_Group(papers, request.purpose, faults, request.times))

    def repair(self, faulty: Iterable[FaultyPaper]) -> None:
        """Have the model put these papers' records right."""
        self._faulty.kept.extend(
            ((paper, fault), paper.tokens + self._builder.repair_tokens(paper, fault))
            for paper, fault in faulty
        )

    def ask_again(
        self, request: Request, unanswered: Sequence[Unanswered], *, dear: bool = False
    ) -> Sequence[Unanswered]:
        """Ask again about the papers of a request that got no record.

        Args:
            request: What was asked.
            unanswered: Its papers without a record.
            dear: Too much was spent on nothing already, so give up a paper that was asked about alone.

        Returns:
            The papers that are given up, each with its cause.
        """
        if len(request.sent) == 1:
            if dear or any(
                cause in _FINAL or request.times + 1 >= MAX_TIMES_ALONE for _, cause in unanswered
            ):
                return unanswered
            self._groups.extend(
                _Group((paper,), request.purpose, times=request.times + 1) for paper, _ in unanswered
            )
            return ()
        # Halves count too: pooled again after an answer that brought nothing, they would be asked for ever.
        no_progress = request.purpose != "annotate" and len(unanswered) == len(request.sent)
        together = set() if no_progress else _ASKED_AGAIN_TOGETHER
        self._passed_over.kept.extend(
            (paper, paper.tokens) for paper, cause in unanswered if cause in together
        )
        suspects = [paper for paper, cause in unanswered if cause not in together]
        self._groups.extend(_Group(half, "split") for half in halves(suspects) if half)
        return ()

    def unrepaired(self) -> list[FaultyPaper]:
        """Return the papers whose repair will not be asked for any more when a run stops."""
        waiting = [faulty for faulty, _ in self._faulty.kept]
        return waiting + [
            faulty for group in self._groups for faulty in zip(group.papers, group.faults, strict=False)
        ]


def faulty_of(request: Request) -> list[FaultyPaper]:
    """Return the papers of a repair with what is wrong; none for any other request."""
    return [(request.sent[ref], fault) for ref, fault in request.faults.items()]


def _fitting(sizes: Iterable[int], most: int, room: Callable[[int], int]) -> int:
    """Count how many of these, from the first on, fit one request; one that is too large goes alone."""
    fit = total = 0
    for size in islice(sizes, most):
        total += size
        if fit and total > room(fit + 1):
            break
        fit += 1
    return fit
