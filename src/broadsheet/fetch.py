"""The fetch stage: reads every source in turn; a failing source does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from broadsheet.config import Settings
from broadsheet.errors import SourceError
from broadsheet.intake import IntakeInterrupted, IntakeReport, admit
from broadsheet.sources import Source
from broadsheet.store import Store


@dataclass(frozen=True, slots=True)
class FetchReport:
    """What was read from the sources.

    Attributes:
        read: Papers read, counting each listing of the same paper.
        new: Papers that were not in the cache.
        revised: Papers whose text has changed since they were stored.
        without_abstract: Papers without an abstract, which no engine annotates.
        paper_ids: Ids of the distinct papers, in the order in which they were first read.
        failed: One sentence for each source that failed, even if it delivered some papers first.
    """

    read: int = 0
    new: int = 0
    revised: int = 0
    without_abstract: int = 0
    paper_ids: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def fetch(
    sources: Sequence[Source], store: Store, since: date, *, on_progress: Callable[[int], None] | None = None
) -> FetchReport:
    """Add to the cache what the sources have listed since a given day.

    Args:
        sources: Read one after another.
        store: The cache.
        since: First day wanted; a source without dates, such as a file, is read in full.
        on_progress: Called with the number of papers read so far from all sources.
    """
    reports: list[IntakeReport] = []
    failed: list[str] = []
    for source in sources:
        report_progress = _offset_progress(sum(report.read for report in reports), on_progress)
        try:
            reports.append(admit(source.fetch(since), store, on_progress=report_progress))
        except IntakeInterrupted as error:
            reports.append(error.report)
            failed.append(str(error))
        except SourceError as error:
            failed.append(str(error))
    return FetchReport(
        read=sum(report.read for report in reports),
        new=sum(report.new for report in reports),
        revised=sum(report.revised for report in reports),
        without_abstract=sum(report.without_abstract for report in reports),
        paper_ids=tuple(dict.fromkeys(paper_id for report in reports for paper_id in report.paper_ids)),
        failed=tuple(failed),
    )


def _offset_progress(before: int, on_progress: Callable[[int], None] | None) -> Callable[[int], None] | None:
    return (lambda read: on_progress(before + read)) if on_progress else None


def look_back(day: date, settings: Settings) -> date:
    """Return the first day to request from live sources in a run for ``day``, at the earliest the year 1."""
    return day - timedelta(days=min(settings.look_back_days, (day - date.min).days))
