"""The worker: one process that makes each day's edition at its time, and what was missed meanwhile.

What decides is the cache's table of days, not this process's memory: a day is due from its time on until it
is recorded as done. So it does not matter whether the worker was stopped, the machine slept, or cron starts a
new process each day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from broadsheet.config import Settings
from broadsheet.errors import BroadsheetError, ConfigError
from broadsheet.store import Store
from broadsheet.store.worker_days import DayState
from broadsheet.worker.checks import faults, plan_sentence, worker_table
from broadsheet.worker.clock import Clock, Schedule, SystemClock
from broadsheet.worker.day import DayFailed, DayRun, DayWaits, Listening, Stopped, Task
from broadsheet.worker.healthcheck import Signal, ping
from broadsheet.worker.log import Log

__all__ = ["Clock", "Stopped", "SystemClock", "Worker", "faults", "plan_sentence"]

FIRST_RETRY = timedelta(minutes=5)
LONGEST_RETRY = timedelta(hours=2)
BATCH_WAIT = timedelta(minutes=30)
"""How often to look for answers of the Batch API."""


class Worker:
    """Makes editions by the clock.

    Args:
        settings: All settings, with a table for the worker.
        write: Takes a log line.
        listening: Opened around what can be stopped half-way; yields whether the user has asked to stop.
        tell: Says in a sentence what no other code has foreseen.
        clock: Tells the time and waits.

    Raises:
        ConfigError: The settings are such that no day can be done.
    """

    def __init__(
        self,
        settings: Settings,
        write: Callable[[str], None],
        listening: Listening,
        tell: Callable[[Exception], str] = str,
        clock: Clock | None = None,
    ) -> None:
        self._settings, self._options = settings, worker_table(settings)
        if wrong := next(faults(settings), None):
            raise ConfigError(wrong)
        self._tell = tell
        self._clock = clock or SystemClock()
        self._schedule = Schedule(self._options.at, self._options.zone)
        self._log = Log(write, lambda: self._schedule.local(self._clock.now()))
        self._run = DayRun(settings, self._log, listening)
        self._tries: dict[date, int] = {}

    def run_for_ever(self) -> None:
        """Do each day when it falls due, and what was missed; a day that fails is tried again.

        Raises:
            Stopped: The user has asked to stop, and what was under way has been finished.
            KeyboardInterrupt: The same, at any other moment; finished work is kept.
        """
        today = None
        while True:
            now = self._clock.now()
            if self._schedule.latest(now) != today:
                today = self._schedule.latest(now)
                self._tries = {}  # what was given up is tried again with a new day
            try_again_at = self._pass()
            following = self._schedule.next_moment(now)
            until = min(following, try_again_at) if try_again_at else following
            self._log("worker", "waiting", until=self._schedule.local(until))
            self._clock.wait(until)

    def run_once(self) -> int:
        """Do today, whatever the time, and what was missed; each day is tried once.

        Returns:
            The exit status: 0 if all went well, 1 if something failed, 2 if the user has to fix something.

        Raises:
            Stopped: The user has asked to stop, and what was under way has been finished.
        """
        today, status = self._schedule.local(self._clock.now()).date(), 0
        days = self._due(today)
        for day in days:
            try:
                problems = self._attempt(day, is_last_try=True)
            except (DayFailed, BroadsheetError) as error:
                status = max(status, error.exit_code if isinstance(error, BroadsheetError) else 1)
            else:
                status = max(status, 1 if problems else 0)
        if not days:
            self._log("day", "done", day=today, words="It was done already.")
        return status

    def _pass(self) -> datetime | None:
        """Try what is due, oldest first; return when to try again, if something is left."""
        for day in self._due(self._schedule.latest(self._clock.now())):
            tried = self._tries.get(day, 0)
            if tried >= self._options.tries:
                continue
            try:
                self._attempt(day, is_last_try=tried + 1 >= self._options.tries)
            except DayWaits:
                return self._clock.now() + BATCH_WAIT
            except (DayFailed, BroadsheetError):
                self._tries[day] = tried + 1
                if tried + 1 < self._options.tries:
                    wait = min(FIRST_RETRY * int(3**tried), LONGEST_RETRY)
                    return self._clock.now() + wait  # later days come after it, as they do on paper
        return None

    def _due(self, today: date) -> list[date]:
        """Return the days that are to be done, oldest first; of a first start, today alone."""
        with Store.open(self._settings.db) as store:
            first = store.worker_days.first()
            if first is None and today != self._schedule.local(self._clock.now()).date():
                return []
            start = max(today - timedelta(days=self._options.catch_up_days), first or today)
            states = store.worker_days.since(start)
        days = (start + timedelta(days=number) for number in range((today - start).days + 1))
        return [day for day in days if states.get(day) != "done"]

    def _attempt(self, day: date, *, is_last_try: bool) -> list[str]:
        """Try a day, write down what became of it, and tell the health check."""
        began = self._clock.now()
        self._ping(day, "start")
        try:
            problems = self._do(Task(day, self._gap(day), is_last_try))
        except DayWaits as error:
            self._log("day", "waiting", day=day, words=str(error))
            raise
        except (DayFailed, BroadsheetError) as error:
            self._log("day", "failed", day=day, words=str(error))
            if is_last_try:
                self._settle(day, "failed", str(error))
            self._ping(day, "fail", str(error))
            raise
        self._settle(day, "done", " ".join(problems))
        seconds = (self._clock.now() - began).total_seconds()
        self._log("day", "done", day=day, seconds=seconds, problems=len(problems))
        self._ping(day, "fail" if problems else "success", " ".join(problems))
        return problems

    def _do(self, task: Task) -> list[str]:
        try:
            return self._run(task)
        except (DayFailed, Stopped, BroadsheetError):
            raise
        except Exception as error:  # one day's fault must not cost the days after it
            raise DayFailed(self._tell(error)) from error

    def _gap(self, day: date) -> int:
        """Return how many days have passed since the last that was done."""
        with Store.open(self._settings.db) as store:
            last = store.worker_days.last_done(day)
        return (day - last).days if last else 0

    def _settle(self, day: date, state: DayState, words: str) -> None:
        with Store.open(self._settings.db) as store, store.transaction():
            store.worker_days.settle(day, state, words)

    def _ping(self, day: date, signal: Signal, words: str = "") -> None:
        if address := self._options.healthcheck_address:
            sentence = f"{day}: {words}" if words else f"{day}"
            if wrong := ping(address, signal, sentence):
                self._log("ping", "failed", day=day, words=wrong)
