"""`Sum`: what the partitions of a backfill came to together, as it stands and at the end."""

from __future__ import annotations

import time
from collections import Counter

from broadsheet.annotate import AnnotateReport, Failure, Progress
from broadsheet.cluster.gate import BUDGET, STOPPED, News


class Sum:
    """Adds up reports.

    Args:
        papers: Papers of all partitions.
    """

    def __init__(self, papers: int) -> None:
        self._papers = papers
        self._began = time.monotonic()
        self._annotated = self._findings = 0
        self._failures: list[Failure] = []
        self._by_purpose: Counter[str] = Counter()

    def add(self, report: AnnotateReport) -> None:
        """Add what one partition came to."""
        self._annotated += report.annotated
        self._findings += report.findings
        self._failures += report.failures
        self._by_purpose.update(report.by_purpose)

    def progress(self, news: News) -> Progress:
        """Return where the backfill stands."""
        return Progress(
            done=news.done,
            total=self._papers,
            papers_per_s=news.done / max(self._seconds, 1e-9),
            tokens=news.spent.get("input_tokens", 0) + news.spent.get("output_tokens", 0),
            cost_usd=news.cost_usd,
            under_way=news.under_way,
            waiting=news.waiting,
        )

    def report(self, news: News) -> AnnotateReport:
        """Return what it came to; tokens are those that the gate has counted, of killed workers too."""
        left = self._papers - self._annotated - len(self._failures)
        return AnnotateReport(
            papers=self._papers,
            annotated=self._annotated,
            failures=tuple(self._failures),
            left=left,
            **news.spent,
            by_purpose=dict(self._by_purpose),
            cost_usd=news.cost_usd,
            findings=self._findings,
            ending=(BUDGET if news.stop == BUDGET else STOPPED) if left else "done",
            seconds=self._seconds,
        )

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began
