"""`Keeping`: has each answer of an engine written before anything is done with it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing

from broadsheet.llm import LLM, Control, Outcome, Request

Keep = Callable[[Outcome], None]
"""Writes a request and its answer to the disk; may be called by several threads at once."""


class Keeping:
    """An engine in this process, with each of its answers kept.

    Args:
        llm: The engine; one that reads no prompt costs nothing to ask again, so nothing of it is kept.
        keep: Writes an answer.
    """

    def __init__(self, llm: LLM, keep: Keep) -> None:
        self._llm = llm
        self._keep = keep
        self.engine, self.model = llm.engine, llm.model
        self.prompted, self.deferred = llm.prompted, llm.deferred

    def open_requests(self) -> list[Request]:
        """Return none: what is deferred is never annotated here."""
        return []

    def complete(self, requests: Sequence[Request], control: Control) -> Iterator[Outcome]:
        """Ask all requests, and keep each answer."""
        with closing(_generator(self._llm.complete(requests, control))) as outcomes:
            for outcome in outcomes:
                if outcome.reply and self.prompted:
                    self._keep(outcome)
                yield outcome


def _generator(outcomes: Iterator[Outcome]) -> Generator[Outcome]:
    yield from outcomes
