"""An engine whose answers come right, wrong, swapped, late or never, and a connection that can die."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from broadsheet.llm import Control, Outcome, Reply, Request, Usage
from broadsheet.llm.openai_batch.stored import from_text, to_text
from broadsheet.paper import Paper
from broadsheet.schema import echo_of
from broadsheet.store import connection
from papers import answer

Records = list[dict[str, Any]]
TOO_LONG = "word " * 40


class Killed(BaseException):
    """Stands for a SIGKILL: nothing is written after it, and what was not committed is undone."""


class Mortal(connection._Connection):
    """A connection of a process that is killed when it has sent ``left`` more statements; None is never."""

    left: int | None = None

    def _live(self) -> None:
        if Mortal.left is not None:
            if Mortal.left <= 0:
                raise Killed
            Mortal.left -= 1

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        """Die, or send a statement."""
        self._live()
        return super().execute(*arguments)

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        """Die, or send a statement for each row."""
        self._live()
        return super().executemany(*arguments)


def _swapped(records: Records) -> Records:
    refs = [each["ref"] for each in records]
    return [each | {"ref": ref} for each, ref in zip(records, refs[1:] + refs[:1], strict=True)]


def _under_anothers_echo(records: Records) -> Records:
    echoes = [each["echo"] for each in records]
    return [each | {"echo": echo} for each, echo in zip(records, echoes[1:] + echoes[:1], strict=True)]


def _doubled(records: Records) -> Records:
    return [*records, {**records[0], "ref": records[-1]["ref"]}]


CHANGES: Mapping[str, Callable[[Records], Records]] = {
    "right": lambda records: records,
    "turned round": lambda records: records[::-1],
    "first half only": lambda records: records[: len(records) // 2],
    "last alone": lambda records: records[-1:],
    "swapped": _swapped,
    "echoes swapped": _under_anothers_echo,
    "doubled": _doubled,
    "one invented": lambda records: [*records, {**records[0], "ref": "P977", "echo": "Nobody asked this"}],
    "to be repaired": lambda records: [each | {"tldr": TOO_LONG} for each in records],
    "one to be repaired": lambda records: [records[0] | {"tldr": TOO_LONG}, *records[1:]],
}
OTHERS = ("cut off", "prose", "refused", "another's", "none", "late", "Ctrl-C")
KINDS = (*CHANGES, *OTHERS)
HARMLESS = {"right", "turned round", "late"}


class Fickle:
    """Answers as a plan says, one kind after the other, and rightly when the plan is used up.

    A deferred one keeps what it is asked, as a service does, and answers in a later run; an answer that was
    not dealt with is given again. What it has answered is its bill.

    Args:
        truth: The right record of a paper in the words it has.
        finished: Tells whether a paper has its annotation already.
        deferred: Whether answers come in a later run.

    Attributes:
        bill: The tokens of each answer that was handed over, by the id of its request.
        plan: The kinds of answers to come.
        told: The tokens that were handed over in this run, in and out.
    """

    engine = "fickle"
    model = "test-1"
    prompted = True

    def __init__(
        self,
        truth: Callable[[Paper], dict[str, Any]],
        finished: Callable[[Request, Paper], bool],
        *,
        deferred: bool,
    ) -> None:
        self.deferred = deferred
        self._truth, self._finished = truth, finished
        self._with_service: dict[str, str] = {}
        self._answers: dict[str, Reply] = {}
        self._last, self._last_asked = "", set[str]()
        self.bill: dict[str, int] = {}
        self.plan: list[str] = []
        self.told = 0

    @property
    def waiting(self) -> int:
        """Return how many requests are with the service."""
        return len(self._with_service)

    def open_requests(self) -> list[Request]:
        """Return what the service has, as a process that knows nothing of it reads it from the database."""
        return [from_text(id_, text) for id_, text in self._with_service.items()]

    def complete(self, requests: Sequence[Request], control: Control) -> Iterator[Outcome]:
        """Answer each request; a deferred engine takes the new ones in."""
        for request in requests:
            known = request.id in self._with_service
            if not known:
                for paper in request.papers.values():
                    assert not self._finished(request, paper), (
                        f"{paper.id} is asked about although it is done"
                    )
            if self.deferred and not known:
                self._with_service[request.id] = to_text(request)
                yield Outcome(request, later="with-service")
                continue
            yield self._outcome(request)
            self._with_service.pop(request.id, None)
            if control.heartbeat(""):
                return

    def _outcome(self, request: Request) -> Outcome:
        kind = self.plan.pop(0) if self.plan else "right"
        if kind == "Ctrl-C":
            raise KeyboardInterrupt
        if kind == "late" and self.deferred:
            text = self._with_service[request.id]
            self._with_service = {**self._with_service, request.id: text}
            return Outcome(request, later="with-service")
        if kind == "none":
            return Outcome(request, error="the server did not answer")
        reply = self._answers.setdefault(request.id, self._reply(request, kind))
        self.bill[request.id] = reply.usage.input_tokens + reply.usage.output_tokens
        self.told += self.bill[request.id]
        return Outcome(request, reply)

    def _reply(self, request: Request, kind: str) -> Reply:
        records: Records = [
            {"ref": ref, "echo": echo_of(paper.title), **self._truth(paper)}
            for ref, paper in request.papers.items()
        ]
        text = answer(CHANGES[kind](records) if kind in CHANGES else records)
        usage = Usage(request.input_tokens, 0, len(text) // 4)
        # Alone, a paper can be confused with none: one word of its title is enough. An answer about earlier
        # words of a paper is its own as far as anyone can tell, where the title is still the same.
        asked = {paper.id for paper in request.papers.values()}
        if kind == "another's" and self._last and len(asked) > 1 and asked.isdisjoint(self._last_asked):
            text, asked = self._last, self._last_asked
        self._last, self._last_asked = text, asked
        if kind == "refused":
            return Reply("", refusal="I had rather not.", usage=usage)
        if kind == "prose":
            return Reply("What lovely abstracts!", usage=usage)
        if kind == "cut off":
            return Reply(text[: len(text) * 2 // 3], finish_reason="length", usage=usage)
        return Reply(text, usage=usage)


def rows(db: Path, statement: str) -> list[tuple[Any, ...]]:
    """Return what another process sees: the committed rows."""
    reader = sqlite3.connect(db)
    try:
        return reader.execute(statement).fetchall()
    finally:
        reader.close()


def loads(text: str) -> Any:
    """Return the value that JSON says."""
    return json.loads(text)
