"""The stage that asks the sources: each in turn, none stopping another."""

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
    """What the sources told.

    Attributes:
        read: Papers read, the same one as often as it was listed.
        new: Papers that the cache did not hold.
        revised: Papers whose words have changed since they were first read.
        paper_ids: The papers by id, each once, in the order in which they were first read.
        failed: A sentence for each source that failed, whatever it told before.
    """

    read: int = 0
    new: int = 0
    revised: int = 0
    paper_ids: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def fetch(
    sources: Sequence[Source], store: Store, since: date, *, on_progress: Callable[[int], None] | None = None
) -> FetchReport:
    """Admit what the sources have listed since a day.

    Args:
        sources: Asked one after another.
        store: The cache.
        since: Sources that know days leave out what they listed before.
        on_progress: Told how many papers have been read in all.
    """
    reports: list[IntakeReport] = []
    failed: list[str] = []
    for source in sources:
        tell = _beyond(sum(report.read for report in reports), on_progress)
        try:
            reports.append(admit(source.fetch(since), store, on_progress=tell))
        except IntakeInterrupted as error:
            reports.append(error.report)
            failed.append(str(error))
        except SourceError as error:
            failed.append(str(error))
    return FetchReport(
        read=sum(report.read for report in reports),
        new=sum(report.new for report in reports),
        revised=sum(report.revised for report in reports),
        paper_ids=tuple(dict.fromkeys(paper_id for report in reports for paper_id in report.paper_ids)),
        failed=tuple(failed),
    )


def _beyond(before: int, on_progress: Callable[[int], None] | None) -> Callable[[int], None] | None:
    return (lambda read: on_progress(before + read)) if on_progress else None


def look_back(day: date, settings: Settings) -> date:
    """Return the first day to ask live sources for in a run for a day."""
    return day - timedelta(days=settings.look_back_days)
