"""What the annotate stage reports while it runs and when it has ended, as frozen values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands.

    Attributes:
        done: Papers that are annotated or given up.
        total: Papers of the run.
        papers_per_s: Papers a second since it began.
        tokens: Tokens in and out so far.
        cost_usd: US dollars so far; None where the price is unknown.
        under_way: Requests without an answer yet.
        waiting: What holds the run up, such as ``429: 12 s``; empty where nothing does.
    """

    done: int
    total: int
    papers_per_s: float
    tokens: int
    cost_usd: float | None
    under_way: int
    waiting: str = ""


@dataclass(frozen=True, slots=True)
class Watch:
    """How the caller watches and stops a run.

    Attributes:
        on_progress: Called after every answer, and a few times a second while the engine waits.
        stop: Called as often. Once it returns true nothing new is sent, and what is under way is awaited.
    """

    on_progress: Callable[[Progress], None] = lambda _: None
    stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Failure:
    """A paper that could not be annotated, and why."""

    paper_id: str
    title: str
    reason: str
    detail: str = ""

    @property
    def sentence(self) -> str:
        """Return what happened, for the user."""
        return f"{self.paper_id} “{self.title}” was not annotated: {self.reason} {self.detail}".rstrip()


@dataclass(frozen=True, slots=True)
class AnnotateReport:
    """What a run has done.

    Attributes:
        papers: Papers to annotate.
        annotated: Papers that have their annotation now.
        failures: Papers that were given up.
        with_service: Papers whose answers come within a day; a later run collects them.
        left: Papers that were not asked for because the run stopped early.
        requests: Answers that came.
        input_tokens: Prompt tokens, cached ones included.
        cached_tokens: Prompt tokens from the provider's cache.
        output_tokens: Tokens of the answers.
        by_purpose: Tokens in and out by the purpose of their request, such as ``annotate`` or ``repair``.
        cost_usd: US dollars; None where the price is unknown.
        findings: Findings stored with the annotations.
        ending: ``done``, ``with-service``, or why it ended early: ``stopped``, ``budget``, ``unavailable``.
        seconds: How long it took.
    """

    papers: int = 0
    annotated: int = 0
    failures: tuple[Failure, ...] = ()
    with_service: int = 0
    left: int = 0
    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    by_purpose: Mapping[str, int] = field(default_factory=dict)
    cost_usd: float | None = 0.0
    findings: int = 0
    ending: str = "done"
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """Return how many papers were given up."""
        return len(self.failures)

    @property
    def follow_up_tokens(self) -> int:
        """Return the tokens of repairs and of questions asked again."""
        return sum(tokens for purpose, tokens in self.by_purpose.items() if purpose != "annotate")
