"""The tally of one run: what came of its papers and tokens, as it stands and as the cache keeps it."""

from __future__ import annotations

import time

from broadsheet.annotate.report import AnnotateReport, Failure, Progress
from broadsheet.annotate.spending import Ledger
from broadsheet.llm import Reply, Request
from broadsheet.record import Maker
from broadsheet.store import Store
from broadsheet.store.annotations import NewReply


class Tally:
    """Counts what a run does, and records it; call what writes inside a transaction.

    Attributes:
        annotated: Papers that have their annotation now.
        findings: Findings stored with them.
        failures: Papers that were given up.
        with_service: Papers whose answers come in a later run.
    """

    def __init__(self, store: Store, maker: Maker, ledger: Ledger, papers: int) -> None:
        self._store = store
        self._ledger = ledger
        self._total = papers
        self._began = time.monotonic()
        self._run_id = store.runs.begin(maker, papers)
        self.annotated = self.findings = self.with_service = 0
        self.failures: list[Failure] = []

    @property
    def left(self) -> int:
        """Return how many papers have come to no end, those with the service included."""
        return self._total - self.annotated - len(self.failures)

    def count_kept(self, findings: int, *, is_there: bool) -> None:
        """Count an annotation and its findings; a paper removed meanwhile is no longer the run's."""
        self.annotated += is_there
        self.findings += findings * is_there
        self._total -= not is_there

    def count_failed(self, failure: Failure, *, is_there: bool) -> None:
        """Count a paper that was given up, unless it was removed meanwhile."""
        self.failures += [failure] * is_there
        self._total -= not is_there

    def keep_reply(self, request: Request, reply: Reply, cost_usd: float | None) -> int:
        """Store an answer with what it cost; returns its row."""
        new = NewReply(
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
        return self._store.annotations.keep_reply(request.maker, new)

    def progress(self, under_way: int, waiting: str) -> Progress:
        """Return where the run stands.

        Args:
            under_way: Requests without an answer.
            waiting: What holds the run up.
        """
        seconds = max(time.monotonic() - self._began, 1e-9)
        usage = self._ledger.usage
        return Progress(
            done=self._total - self.left,
            total=self._total,
            papers_per_s=self.annotated / seconds,
            tokens=usage.input_tokens + usage.output_tokens,
            cost_usd=self._ledger.cost_usd,
            under_way=under_way,
            waiting=waiting,
        )

    def end(self, ending: str) -> AnnotateReport:
        """Record how the run ended, and report it.

        Args:
            ending: Why, in the words of `AnnotateReport`.
        """
        failed = len(self.failures)
        self._store.runs.end(self._run_id, annotated=self.annotated, failed=failed, ending=ending)
        usage = self._ledger.usage
        return AnnotateReport(
            papers=self._total,
            annotated=self.annotated,
            failures=tuple(self.failures),
            with_service=self.with_service,
            left=self.left - self.with_service,
            requests=self._ledger.requests,
            input_tokens=usage.input_tokens,
            cached_tokens=usage.cached_tokens,
            output_tokens=usage.output_tokens,
            by_purpose=dict(self._ledger.by_purpose),
            cost_usd=self._ledger.cost_usd,
            findings=self.findings,
            ending=ending,
            seconds=time.monotonic() - self._began,
        )


def _storable(text: str) -> str:
    """Return the text without lone surrogates, which no database takes."""
    return text.encode("utf-8", "replace").decode()
