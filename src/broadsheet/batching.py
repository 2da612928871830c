"""Packs papers into batches under an input budget, an output budget and a count; pure.

Instructions, taxonomy and schema are paid once a request, so the more papers share one the less each costs;
what bounds them is what a request may hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from broadsheet import tokens
from broadsheet.config import Settings
from broadsheet.fencing import MAX_ABSTRACT_CHARACTERS, FencedPaper, fenced, gives_orders
from broadsheet.paper import Paper, title_key
from broadsheet.schema import echo_of

FENCE_TOKENS = 12
"""What the template adds to a paper: two fences and its ref."""
ANSWER_FRAME_TOKENS = 40
"""What an answer holds beside its records."""
RECORD_TOKENS = 200
"""What one paper's record is allowed: records measure 116 tokens on average and 166 at most."""
EXTRA_FIELD_TOKENS = 60
"""What each field beyond the core is allowed besides: a sentence."""
MIN_ABSTRACT_CHARACTERS = 200
MIN_ROOM_TOKENS = 300
"""About what title and abstract of one paper take."""
TOKENS_A_PAPER = 500
"""About what a paper takes of a quota, in and out, with its share of the instructions."""
_OPEN_BATCHES = 4
_LATENCY_FLOOR = 8
"""Four papers a request would take two thirds of the time, and a quarter more tokens."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold.

    Attributes:
        papers: Papers, at most.
        input_tokens: Prompt tokens, instructions and schema included.
        output_tokens: Tokens of the answer.
        context_tokens: Tokens of prompt and answer together, the model's context; None where that is so large
            that the other limits bind.
        answer_tokens: Tokens that one paper's record is allowed.
    """

    papers: int = 10
    input_tokens: int = 12_000
    output_tokens: int = 4_000
    context_tokens: int | None = None
    answer_tokens: int = RECORD_TOKENS

    @classmethod
    def of(cls, settings: Settings, *, extra_fields: int = 0) -> Self:
        """Return what a request may hold as the settings say.

        Args:
            settings: The limits.
            extra_fields: Fields of a record beyond the core, each of which makes answers longer.
        """
        return cls(
            settings.batch_papers,
            settings.batch_input_tokens,
            settings.batch_output_tokens,
            settings.context_tokens,
            RECORD_TOKENS + EXTRA_FIELD_TOKENS * extra_fields,
        )

    @property
    def most_papers(self) -> int:
        """Return how many papers an answer has room for, frame included."""
        return max(1, min(self.papers, (self.output_tokens - ANSWER_FRAME_TOKENS) // self.answer_tokens))

    def room(self, papers: int, fixed_tokens: int) -> int:
        """Return the tokens that so many papers may have beside the fixed part and their answer."""
        room = self.input_tokens - fixed_tokens
        if self.context_tokens is None:
            return room
        answer = papers * self.answer_tokens + ANSWER_FRAME_TOKENS
        return min(room, self.context_tokens - fixed_tokens - answer)

    def without_room(self, fixed_tokens: int) -> str:
        """Return why every abstract would be cut short and what to do; empty if none would be."""
        lacking = MIN_ROOM_TOKENS - self.room(1, fixed_tokens)
        if lacking <= 0:
            return ""
        beside = f"leaves no room for a paper beside the {fixed_tokens:,} of instructions and schema"
        if self.context_tokens is None or self.room(1, 0) == self.input_tokens:
            return (
                f"An input budget of {self.input_tokens:,} tokens a request {beside};"
                f" set BROADSHEET_BATCH_INPUT_TOKENS to {self.input_tokens + lacking} or more."
            )
        return (
            f"A context of {self.context_tokens:,} tokens {beside} and an answer; use a model with more,"
            f" or set BROADSHEET_CONTEXT_TOKENS to {self.context_tokens + lacking} or more if it has."
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """The papers of one request, in the order in which they are sent."""

    papers: tuple[FencedPaper, ...]

    @property
    def tokens(self) -> int:
        """Return the tokens of the papers' texts, fences included."""
        return sum(paper.tokens for paper in self.papers)


class _OpenBatch:
    """A batch that is being filled."""

    def __init__(self) -> None:
        self.papers: list[FencedPaper] = []
        self.tokens = 0
        self._echoes: set[str] = set()
        self._beginnings: set[str] = set()

    def add(self, paper: FencedPaper, beginnings: Sequence[str]) -> None:
        self.papers.append(paper)
        self.tokens += paper.tokens
        self._echoes.add(beginnings[-1])
        self._beginnings.update(beginnings)

    def tells_apart(self, beginnings: Sequence[str]) -> bool:
        """Tell whether no paper of the batch has an echo that begins this one or is begun by it."""
        return beginnings[-1] not in self._beginnings and self._echoes.isdisjoint(beginnings)

    def closed(self) -> Batch:
        return Batch(tuple(self.papers))


def pack(
    papers: Iterable[Paper],
    limits: Limits,
    *,
    fixed_tokens: int = 0,
    count: Callable[[str], int] = tokens.count,
) -> list[Batch]:
    """Pack papers into batches that together hold every paper once, in about their order.

    Papers whose titles begin alike, or one with all of the other, never share a batch, since the echo could
    not tell their records apart. A paper that alone exceeds the input budget travels alone, its abstract cut
    to half as often as is needed to fit, down to `MIN_ABSTRACT_CHARACTERS`. So does one that gives the model
    orders.

    Args:
        papers: What to pack.
        limits: What a request may hold.
        fixed_tokens: Prompt tokens of instructions and schema, the same in each request.
        count: Tokens of a text.
    """
    room = limits.room(1, fixed_tokens)
    most = limits.most_papers
    full: list[Batch] = []
    open_: list[_OpenBatch] = []
    for paper in papers:
        sent = fitted(paper, room, count)
        if sent.tokens > room or gives_orders(paper):
            full.append(Batch((sent,)))
            continue
        beginnings = _beginnings(title_key(echo_of(sent.title)))
        home = next(
            (
                batch
                for batch in open_
                if batch.tokens + sent.tokens <= limits.room(len(batch.papers) + 1, fixed_tokens)
                and batch.tells_apart(beginnings)
            ),
            None,
        )
        if home is None:
            home = _OpenBatch()
            open_.append(home)
        home.add(sent, beginnings)
        if len(home.papers) == most:
            open_.remove(home)
            full.append(home.closed())
        elif len(open_) > _OPEN_BATCHES:
            full.append(open_.pop(0).closed())
    return full + [batch.closed() for batch in open_]


def _beginnings(echo: str) -> list[str]:
    """Return the first word of an echo, the first two, and so on to the whole."""
    words = echo.split()
    return [" ".join(words[:number]) for number in range(1, len(words) + 1)] or [""]


def fitted(paper: Paper, room: int, count: Callable[[str], int]) -> FencedPaper:
    """Return the paper as it is sent, its abstract cut where it would not fit even alone."""
    characters = MAX_ABSTRACT_CHARACTERS
    while True:
        sent = fenced(paper, abstract_characters=characters)
        size = count(f"{sent.title}\n{sent.text}") + FENCE_TOKENS
        if size <= room or characters <= MIN_ABSTRACT_CHARACTERS:
            return replace(sent, tokens=size)
        characters = max(MIN_ABSTRACT_CHARACTERS, min(characters, len(paper.abstract)) // 2)


@dataclass(frozen=True, slots=True)
class Plan:
    """How many papers go into a request, and the sentence that says why.

    Attributes:
        papers: Papers, at most.
        why: The sentence.
        under_quota: A quota binds, so few requests are worth waiting for.
    """

    papers: int
    why: str
    under_quota: bool = False


def binding(told: float | None, papers: int, each: float) -> float | None:
    """Return a limit a minute that a server has told, if a run of so many papers exceeds it; else None."""
    return told if told is not None and papers * each > told else None


def plan(
    papers: int,
    limits: Limits,
    *,
    in_flight: int | None,
    tokens_per_minute: float | None,
    requests_per_minute: float | None = None,
) -> Plan:
    """Choose the batch size by what binds.

    Under a token quota a request's fixed part is time, and under one of requests each request is, so batches
    are as large as the limits allow. Without one only latency binds: an answer takes longer the more papers
    it holds, so batches are just large enough that all requests are under way at once, but not so small that
    instructions cost more than papers.

    Args:
        papers: Papers of the run.
        limits: What a request may hold.
        in_flight: Requests under way at once; None where they are handed over as one job.
        tokens_per_minute: The provider's quota, where it is known.
        requests_per_minute: The same for requests; it binds where the papers are more than a minute's.
    """
    most = limits.most_papers
    if tokens_per_minute is not None:
        quota = f"the quota of {tokens_per_minute:,.0f} tokens a minute binds"
        return Plan(most, f"{most} papers a request: {quota}", under_quota=True)
    if in_flight is None:
        return Plan(most, f"{most} papers a request: they go out as one job, so only their tokens count")
    if requests_per_minute is not None and papers > requests_per_minute:
        quota = f"the quota of {requests_per_minute:,g} requests a minute binds"
        return Plan(most, f"{most} papers a request: {quota}", under_quota=True)
    at_once = -(-papers // in_flight)
    if at_once >= most:
        return Plan(most, f"{most} papers a request: {papers:,} papers fill every request under way")
    requests = -(-papers // min(most, max(_LATENCY_FLOOR, at_once))) or 1
    chosen = max(1, -(-papers // requests))
    return Plan(chosen, f"{chosen} papers a request: only latency binds, and all {papers:,} go out at once")


def what_binds(batches: Sequence[Batch], limits: Limits, fixed_tokens: int) -> str:
    """Return the sentence that says why batches are not full; empty if tokens are not the reason."""
    papers = [paper for batch in batches for paper in batch.papers]
    fullest = max(batches, key=lambda batch: len(batch.papers), default=Batch(()))
    most = len(fullest.papers)
    if most >= min(limits.most_papers, len(papers)):
        return ""
    room = limits.room(most + 1, fixed_tokens)
    if fullest.tokens + min(paper.tokens for paper in papers) <= room:
        return ""
    if room < limits.input_tokens - fixed_tokens:
        return f"{most} papers a request: the context of {limits.context_tokens:,} tokens binds"
    return f"{most} papers a request: the input budget of {limits.input_tokens:,} tokens binds"


def halves(batch: Sequence[FencedPaper]) -> tuple[tuple[FencedPaper, ...], tuple[FencedPaper, ...]]:
    """Split a batch in two, to find the paper that spoils it."""
    middle = (len(batch) + 1) // 2
    return tuple(batch[:middle]), tuple(batch[middle:])
