"""What is asked next: fresh batches, then what is left over from answers, until every paper has an end.

Papers that were merely passed over are asked again together; a batch that was refused, cut off or unreadable
is halved until the paper that spoils it stands alone. A paper that fails alone `MAX_TIMES_ALONE` times is
given up; one that stays unanswered alone at once, since the engine has tried that often itself.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Generic, TypeVar

from broadsheet.annotate.asking import Ask, Fault
from broadsheet.annotate.replies import Cause
from broadsheet.batching import halves
from broadsheet.fencing import FencedPaper

MAX_TIMES_ALONE = 3
_ASKED_AGAIN_TOGETHER = frozenset({"missing", "misplaced"})
_FINAL = frozenset({"no-answer"})

Unanswered = tuple[FencedPaper, Cause]
LeftOver = TypeVar("LeftOver", FencedPaper, Fault)


class _Pool(Generic[LeftOver]):
    """Left-overs of one kind, the oldest first, each with the tokens that it adds to a request."""

    def __init__(self) -> None:
        self.kept: deque[tuple[LeftOver, int]] = deque()

    def portion(self, most: int, room: Callable[[int], int], *, waiting: bool) -> tuple[LeftOver, ...]:
        """Those that one request has room for; none while more may come and they would not fill it."""
        fit = _fitting((size for _, size in self.kept), most, room)
        filled = fit == most or fit < len(self.kept)
        if waiting and not filled:
            return ()
        return tuple(self.kept.popleft()[0] for _ in range(fit))


class Course:
    """The order in which papers are asked about.

    Args:
        batches: What is asked first.
        most: Papers a request, at most.
        patient: Whether left-overs are collected until no answer is awaited any more: fewer requests, which
            counts under a quota, but a later end where only latency binds.
        room: Tokens that so many papers may have in one request.
        repair_tokens: What a repair adds to its paper's tokens.
    """

    def __init__(
        self,
        batches: Iterable[Sequence[FencedPaper]],
        most: int,
        *,
        patient: bool,
        room: Callable[[int], int] = lambda _: sys.maxsize,
        repair_tokens: Callable[[Fault], int] = lambda _: 0,
    ) -> None:
        self._queue = deque(Ask(tuple(batch)) for batch in batches)
        self._most = most
        self._patient = patient
        self._room = room
        self._repair_tokens = repair_tokens
        self._passed_over = _Pool[FencedPaper]()
        self._faults = _Pool[Fault]()

    def next(self, *, idle: bool) -> Ask | None:
        """The next papers to ask about; None where there are none yet.

        Left-overs are collected while there are fresh batches to ask about, so that few requests carry many.

        Args:
            idle: No request is under way, so there is nothing left to wait for.
        """
        waiting = bool(self._queue) or (self._patient and not idle)
        if faults := self._faults.portion(self._most, self._room, waiting=waiting):
            return Ask(tuple(fault.paper for fault in faults), "repair", faults)
        if papers := self._passed_over.portion(self._most, self._room, waiting=waiting):
            return Ask(papers, "missing")
        return self._fresh() if self._queue else None

    def _fresh(self) -> Ask:
        ask = self._queue.popleft()
        if ask.faults:
            return ask
        fit = _fitting((paper.tokens for paper in ask.papers), self._most, self._room)
        if fit == len(ask.papers):
            return ask
        self._queue.appendleft(replace(ask, papers=ask.papers[fit:]))
        return replace(ask, papers=ask.papers[:fit])

    def bound(self, most: int) -> None:
        """Ask about no more papers at once than this from now on: a request with more was too long."""
        self._most = max(1, min(self._most, most))

    def put_back(self, ask: Ask) -> None:
        """Return an ask that could not be made."""
        self._queue.appendleft(ask)

    def repair(self, faults: Iterable[Fault]) -> None:
        """Ask the model to put these records right."""
        self._faults.kept.extend((fault, fault.paper.tokens + self._repair_tokens(fault)) for fault in faults)

    def again(self, ask: Ask, unanswered: Sequence[Unanswered]) -> Sequence[Unanswered]:
        """Ask again about the papers of an answer that got no record.

        Returns:
            The papers that are given up, each with its cause.
        """
        if len(ask.papers) == 1:
            if any(cause in _FINAL or ask.again + 1 >= MAX_TIMES_ALONE for _, cause in unanswered):
                return unanswered
            self._queue.extend(Ask((paper,), ask.purpose, again=ask.again + 1) for paper, _ in unanswered)
            return ()
        # Halves count too: pooled again after an answer that brought nothing, they would be asked for ever.
        no_progress = ask.purpose != "annotate" and len(unanswered) == len(ask.papers)
        together = set() if no_progress else _ASKED_AGAIN_TOGETHER
        self._passed_over.kept.extend(
            (paper, paper.tokens) for paper, cause in unanswered if cause in together
        )
        suspects = [paper for paper, cause in unanswered if cause not in together]
        self._queue.extend(Ask(half, "split") for half in halves(suspects) if half)
        return ()

    def unrepaired(self) -> list[Fault]:
        """Records whose repair is not asked for any more when a run stops."""
        return [fault for fault, _ in self._faults.kept] + [
            fault for ask in self._queue for fault in ask.faults
        ]


def _fitting(sizes: Iterable[int], most: int, room: Callable[[int], int]) -> int:
    """How many of these, from the first on, one request has room for; one that is too large goes alone."""
    fit = total = 0
    for size in islice(sizes, most):
        total += size
        if fit and total > room(fit + 1):
            break
        fit += 1
    return fit
