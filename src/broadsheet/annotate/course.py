"""What is asked next: fresh batches, then what is left over from answers, until every paper has an end.

Papers that were merely passed over are asked again together; a batch that was refused, cut off or unreadable
is halved until the paper that spoils it stands alone. A paper that fails alone `MAX_TIMES_ALONE` times is
given up; one that stays unanswered alone at once, since the engine has tried that often itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

from broadsheet.annotate.asking import Ask, Fault
from broadsheet.annotate.replies import Cause
from broadsheet.batching import halves
from broadsheet.fencing import FencedPaper

MAX_TIMES_ALONE = 3
_ASKED_AGAIN_TOGETHER = frozenset({"missing", "misplaced"})
_FINAL = frozenset({"no-answer"})

Unanswered = tuple[FencedPaper, Cause]


class Course:
    """The order in which papers are asked about.

    Args:
        batches: What is asked first.
        most: Papers a request, at most.
        patient: Whether left-overs are collected until no answer is awaited any more: fewer requests, which
            counts under a quota, but a later end where only latency binds.
    """

    def __init__(self, batches: Iterable[Sequence[FencedPaper]], most: int, *, patient: bool) -> None:
        self._queue = deque(Ask(tuple(batch)) for batch in batches)
        self._most = most
        self._patient = patient
        self._passed_over: list[FencedPaper] = []
        self._faults: list[Fault] = []

    def next(self, *, idle: bool) -> Ask | None:
        """The next papers to ask about; None where there are none yet.

        Left-overs are collected while there are fresh batches to ask about, so that few requests carry many.

        Args:
            idle: No request is under way, so there is nothing left to wait for.
        """
        waiting = bool(self._queue) or (self._patient and not idle)
        if len(self._faults) >= self._most or (self._faults and not waiting):
            faults, self._faults = self._faults[: self._most], self._faults[self._most :]
            return Ask(tuple(fault.paper for fault in faults), "repair", tuple(faults))
        if len(self._passed_over) >= self._most or (self._passed_over and not waiting):
            papers, self._passed_over = self._passed_over[: self._most], self._passed_over[self._most :]
            return Ask(tuple(papers), "missing")
        return self._fresh() if self._queue else None

    def _fresh(self) -> Ask:
        ask = self._queue.popleft()
        if len(ask.papers) <= self._most or ask.faults:
            return ask
        self._queue.appendleft(replace(ask, papers=ask.papers[self._most :]))
        return replace(ask, papers=ask.papers[: self._most])

    def bound(self, most: int) -> None:
        """Ask about no more papers at once than this from now on: a request with more was too long."""
        self._most = max(1, min(self._most, most))

    def put_back(self, ask: Ask) -> None:
        """Return an ask that could not be made."""
        self._queue.appendleft(ask)

    def repair(self, faults: Iterable[Fault]) -> None:
        """Ask the model to put these records right."""
        self._faults += faults

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
        self._passed_over += [paper for paper, cause in unanswered if cause in together]
        suspects = [paper for paper, cause in unanswered if cause not in together]
        self._queue.extend(Ask(half, "split") for half in halves(suspects) if half)
        return ()

    def unrepaired(self) -> list[Fault]:
        """Records whose repair is not asked for any more when a run stops."""
        return self._faults + [fault for ask in self._queue for fault in ask.faults]
