"""The account of one run: what came of its papers and its tokens, as it stands and as the cache keeps it."""

from __future__ import annotations

import time

from broadsheet.annotate.asking import Ask
from broadsheet.annotate.replies import Reading
from broadsheet.annotate.report import AnnotateReport, Failure, Progress
from broadsheet.annotate.spending import Spending
from broadsheet.llm import Reply, Request
from broadsheet.record import Maker
from broadsheet.store import Store


class Account:
    """Counts what a run does; what it writes belongs into a transaction.

    Attributes:
        annotated: Papers that have their annotation now.
        findings: Findings stored with them.
        failures: Papers that were given up.
        elsewhere: Papers that another process is asking for.
    """

    def __init__(self, store: Store, maker: Maker, spending: Spending, papers: int) -> None:
        self._store = store
        self._spending = spending
        self._total = papers
        self._wasted: dict[str, int] = {}
        self._began = time.monotonic()
        self._run_id = store.runs.begin(maker, papers)
        self.annotated = self.findings = self.elsewhere = 0
        self.failures: list[Failure] = []

    @property
    def left(self) -> int:
        """Papers that have not come to an end."""
        return self._total - self.annotated - len(self.failures) - self.elsewhere

    def keep_reply(self, maker: Maker, request: Request, reply: Reply, cost_usd: float | None) -> int:
        """Store an answer with what it cost; returns its row."""
        return self._store.annotations.keep_reply(
            maker,
            request_id=request.id,
            purpose=request.purpose,
            papers=request.papers,
            text=_storable(reply.text),
            finish_reason=reply.finish_reason,
            refusal=_storable(reply.refusal),
            answered_by=reply.model,
            input_tokens=reply.usage.input_tokens,
            cached_tokens=reply.usage.cached_tokens,
            output_tokens=reply.usage.output_tokens,
            latency_s=reply.latency_s,
            cost_usd=cost_usd,
            run_id=self._run_id,
        )

    def count_waste(self, ask: Ask, reply: Reply, reading: Reading, reply_id: int) -> None:
        """Count the papers' shares of the answer's tokens that brought no annotation; all of a repair's."""
        spent = reply.usage.input_tokens + reply.usage.output_tokens
        among = len(ask.papers)
        for number, sent in enumerate(ask.papers, 1):
            cause = "repair" if ask.faults else reading.causes.get(f"P{number}")
            if cause:
                share = spent * number // among - spent * (number - 1) // among
                self._store.runs.waste(self._run_id, reply_id, sent.paper.id, cause, share)
                self._wasted[cause] = self._wasted.get(cause, 0) + share

    def progress(self, under_way: int, waiting: str) -> Progress:
        """Where the run stands.

        Args:
            under_way: Requests without an answer.
            waiting: What holds the run up.
        """
        seconds = max(time.monotonic() - self._began, 1e-9)
        usage = self._spending.usage
        return Progress(
            done=self._total - self.left,
            total=self._total,
            papers_per_s=self.annotated / seconds,
            tokens=usage.input_tokens + usage.output_tokens,
            cost_usd=self._spending.cost_usd,
            under_way=under_way,
            waiting=waiting,
        )

    def end(self, ending: str, with_service: int) -> AnnotateReport:
        """Store how the run ended, and report it.

        Args:
            ending: Why, in the words of `AnnotateReport`.
            with_service: Papers whose answers come within a day.
        """
        failed = len(self.failures)
        self._store.runs.end(self._run_id, annotated=self.annotated, failed=failed, ending=ending)
        usage = self._spending.usage
        return AnnotateReport(
            papers=self._total,
            annotated=self.annotated,
            failures=tuple(self.failures),
            elsewhere=self.elsewhere,
            with_service=with_service,
            left=self.left - with_service,
            requests=self._spending.requests,
            input_tokens=usage.input_tokens,
            cached_tokens=usage.cached_tokens,
            output_tokens=usage.output_tokens,
            wasted=dict(self._wasted),
            cost_usd=self._spending.cost_usd,
            findings=self.findings,
            ending=ending,
            seconds=time.monotonic() - self._began,
        )


def _storable(text: str) -> str:
    """The text without lone surrogates, which no database takes."""
    return text.encode("utf-8", "replace").decode()
