"""One day: fetch, annotate, compose, render, write the site and send, by the functions of the commands."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING

from broadsheet.config import Settings
from broadsheet.worker.checks import channels_of, worker_table, writes_site
from broadsheet.worker.log import Log

if TYPE_CHECKING:
    from broadsheet.annotate import Prepared, Watch
    from broadsheet.fetch import FetchReport
    from broadsheet.newsletter import Newsletter
    from broadsheet.pipeline import Issue, RunReport
    from broadsheet.store import Store

LONGEST_LOOK_BACK_DAYS = 31
"""How far back sources are asked after an absence."""

Listening = Callable[[], AbstractContextManager[Callable[[], bool]]]


class DayFailed(Exception):  # noqa: N818 - it says what happened
    """A day is not done; another try may do it."""


class DayWaits(DayFailed):
    """A day waits for answers of the Batch API, which come within a day."""


class Stopped(Exception):  # noqa: N818 - the same
    """The user has asked to stop; what was begun has been finished and is kept."""


@dataclass(frozen=True, slots=True)
class Task:
    """A day to do.

    Attributes:
        day: The edition's day.
        gap_days: How many days have passed since the last that was done.
        is_last_try: The day comes out with what there is, even if a source or the model gives nothing.
    """

    day: date
    gap_days: int = 0
    is_last_try: bool = False


class DayRun:
    """Does days.

    Args:
        settings: All settings, with a table for the worker.
        log: Takes a line a stage.
        listening: Opened around what can be stopped half-way; yields whether the user has asked to stop.
    """

    def __init__(self, settings: Settings, log: Log, listening: Listening) -> None:
        self._settings, self._log, self._listening = settings, log, listening
        self._worker = worker_table(settings)

    def __call__(self, task: Task) -> list[str]:
        """Do a day.

        Returns:
            A sentence for each thing that went wrong although the edition came out.

        Raises:
            DayFailed: Something went wrong, and the day is to be tried again.
            DayWaits: The Batch API has the papers.
            Stopped: The user has asked to stop.
            BroadsheetError: Something must be put right first, or a server is out of order.
        """
        problems, issues = self._edition(task)
        if writes_site(self._settings):
            self._site(task.day)
        if issues is not None:
            problems += self._send(task)
        return problems

    def _edition(self, task: Task) -> tuple[list[str], tuple[Issue, ...] | None]:
        from broadsheet.annotate import Budget
        from broadsheet.pipeline import Hooks, run
        from broadsheet.sources import open_sources

        look_back = max(self._settings.look_back_days, min(task.gap_days, LONGEST_LOOK_BACK_DAYS))
        settings = self._settings.model_copy(update={"look_back_days": look_back})
        began = _Stopwatch()

        def trouble(sentence: str) -> None:
            self._log("fetch", "notice", day=task.day, words=sentence)

        def fetched(report: FetchReport, _: Prepared) -> None:
            self._log_fetched(task.day, report, began.lap())

        @contextmanager
        def watching(_: str) -> Iterator[Watch]:
            from broadsheet.annotate import Watch

            with self._listening() as stop:
                yield Watch(stop=stop)

        sources = open_sources(self._worker.sources, day=task.day, on_trouble=trouble, settings=settings)
        report = run(
            sources,
            settings,
            task.day,
            budget=Budget(self._worker.budget_tokens, self._worker.budget_usd),
            hooks=Hooks(fetched, watching=watching),
            wait=True,
        )
        self._log_run(task.day, report, began.lap())
        return self._problems(report, task), report.issues

    def _problems(self, report: RunReport, task: Task) -> list[str]:
        if report.annotated.ending == "stopped":
            raise Stopped
        if report.annotated.ending == "with-service":
            raise DayWaits(f"{report.annotated.with_service} papers are with the Batch API.")
        problems = list(report.fetched.failed)
        problems += [str(report.outage)] if report.outage else []
        if problems and not task.is_last_try:
            raise DayFailed(problems[0])
        return problems

    def _log_fetched(self, day: date, report: FetchReport, seconds: float) -> None:
        for sentence in report.failed:
            self._log("fetch", "failed", day=day, words=sentence)
        self._log(
            "fetch",
            "done",
            day=day,
            seconds=seconds,
            read=report.read,
            new=report.new,
            revised=report.revised,
            failed=len(report.failed),
        )

    def _log_run(self, day: date, report: RunReport, seconds: float) -> None:
        told = report.annotated
        for failure in told.failures:
            self._log("annotate", "failed", day=day, words=failure.sentence)
        self._log(
            "annotate",
            "done" if told.ending in {"done", "budget"} else told.ending,
            day=day,
            seconds=min(seconds, told.seconds),
            papers=told.papers,
            annotated=told.annotated,
            failed=told.failed,
            left=told.left,
            extracted=report.extracted,
            requests=told.requests,
            tokens=told.input_tokens + told.output_tokens,
            cost_usd=told.cost_usd,
            words=str(report.outage) if report.outage else None,
        )
        if report.issues is None:
            return
        cards = {
            each.composed.newsletter.name: len(each.composed.edition.cards) if each.composed.edition else 0
            for each in report.issues
        }
        changed = sum(each.composed.changed for each in report.issues)
        self._log(
            "compose", "done", day=day, editions=len(cards), papers=sum(cards.values()), changed=changed
        )
        pages = [each.written for each in report.issues if each.written]
        self._log("render", "done", day=day, editions=len(pages), page=pages[0] if pages else None)
        self._log_embedded(day, report)

    def _log_embedded(self, day: date, report: RunReport) -> None:
        if report.not_embedded:
            self._log("embed", "failed", day=day, words=str(report.not_embedded))
        if (told := report.embedded) and told.texts:
            self._log(
                "embed",
                "done" if told.ending in {"done", "budget"} else told.ending,
                day=day,
                texts=told.texts,
                embedded=told.embedded,
                failed=told.failed,
                left=told.left,
                requests=told.requests,
                tokens=told.input_tokens,
                cost_usd=told.cost_usd,
            )

    def _site(self, day: date) -> None:
        from broadsheet.prompts import Prompts
        from broadsheet.site import Publication, write_site
        from broadsheet.store import Store

        began, settings = _Stopwatch(), self._settings
        taxonomy = Prompts.load(settings.prompts, settings.language).taxonomy
        with Store.open(settings.db, create=False) as store:
            report = write_site(store, taxonomy, settings.site_out, Publication.of(settings))
        self._log(
            "site",
            "done",
            day=day,
            seconds=began.lap(),
            files=report.files,
            written=report.written,
            removed=report.removed,
        )

    def _send(self, task: Task) -> list[str]:
        from broadsheet.store import Store

        problems: list[str] = []
        with Store.open(self._settings.db, create=False) as store:
            for newsletter in self._settings.newsletters:
                day = store.editions.latest(newsletter.name, until=task.day)
                for channel in channels_of(self._settings) if day else ():
                    problems += self._send_one(store, newsletter, channel, day or task.day, task)
        return problems

    def _send_one(
        self, store: Store, newsletter: Newsletter, channel: str, edition_day: date, task: Task
    ) -> list[str]:
        from broadsheet.prompts import Prompts
        from broadsheet.sending import press_of, send_edition

        began, settings = _Stopwatch(), self._settings
        taxonomy = Prompts.load(settings.prompts, settings.language).taxonomy
        with self._listening() as stop:
            press = press_of(store, settings, taxonomy, newsletter)
            report = send_edition(press, channel, edition_day, stop=stop)
            stopped = stop()
        told = asdict(report)
        down = told.pop("down")
        state = "failed" if down else "stopped" if stopped else "done"
        self._log(
            "send",
            state,
            day=task.day,
            seconds=began.lap(),
            newsletter=newsletter.name,
            channel=channel,
            edition=edition_day,
            **{name: number for name, number in told.items() if number},
            words=down or None,
        )
        if stopped:
            raise Stopped
        if down and not task.is_last_try:
            raise DayFailed(down)
        return [down] if down else []


class _Stopwatch:
    """Tells the seconds since the last lap."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def lap(self) -> float:
        """Return the seconds since the last lap, and begin another."""
        before, self._began = self._began, time.monotonic()
        return self._began - before
