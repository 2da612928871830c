"""The worker makes each day's edition at its time, whatever fails and however long it was away."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from broadsheet.config import Settings
from broadsheet.errors import ConfigError
from broadsheet.store import Store
from broadsheet.worker import Stopped, Worker
from broadsheet.worker.clock import Schedule
from broadsheet.worker_settings import WorkerSettings
from builders import DAY, add, paper, sighting
from readers import add_reader
from servers.loopback import Answer, Call, LoopbackServer
from servers.openai_server import Behaviour, OpenAIServer
from servers.smtp import MailServer

BERLIN = {"at": "06:30", "time_zone": "Europe/Berlin"}
MORNING = datetime(2026, 1, 5, 5, 30, tzinfo=UTC)  # half past six in Berlin


class Sundial:
    """A clock whose waits take no time; when it comes to the end, the user presses Ctrl-C.

    Attributes:
        waits: Until when the worker has waited.
    """

    def __init__(self, now: datetime, end: datetime) -> None:
        self._now, self._end = now, end
        self.waits: list[datetime] = []
        self.at_wait: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        return self._now

    def wait(self, until: datetime) -> None:
        assert until > self._now, "it would turn round for ever"
        self.waits.append(until)
        self.at_wait()
        if until > self._end:
            raise KeyboardInterrupt
        self._now = until


@contextmanager
def never() -> Iterator[Callable[[], bool]]:
    yield lambda: False


class Journal:
    """What a worker wrote, line by line."""

    def __init__(self) -> None:
        self.lines: list[dict[str, str]] = []
        self.raw: list[str] = []

    def __call__(self, line: str) -> None:
        self.raw.append(line)
        self.lines.append(dict(word.split("=", 1) for word in shlex.split(line.replace("\\", ""))))

    def of(self, stage: str) -> list[dict[str, str]]:
        return [line for line in self.lines if line["stage"] == stage]

    def days(self, state: str = "done") -> list[str]:
        return [line["day"] for line in self.of("day") if line["state"] == state]


def settings(table: dict[str, Any] | None = None, **more: Any) -> Settings:
    return Settings.load(worker={"sources": ["papers.jsonl"], **BERLIN, **(table or {})}, **more)


def listed(*titles: str, day: date | None = None) -> None:
    """More papers in the file that the worker reads."""
    with Path("papers.jsonl").open("a") as file:
        for title in titles:
            told = {"title": title, "abstract": f"We study {title}. It is a short abstract of two sentences."}
            file.write(json.dumps(told) + "\n")


def run(
    chosen: Settings,
    *,
    start: datetime = MORNING,
    days: float = 0.5,
    at_wait: Callable[[], None] | None = None,
) -> tuple[Journal, Sundial]:
    """Let a worker run for some days by a sundial."""
    journal, clock = Journal(), Sundial(start, start + timedelta(days=days))
    clock.at_wait = at_wait or clock.at_wait
    with pytest.raises(KeyboardInterrupt):
        Worker(chosen, journal, never, clock=clock).run_for_ever()
    return journal, clock


def editions() -> list[str]:
    return sorted(path.parent.name for path in Path("editions").glob("*/index.html"))


@pytest.fixture(autouse=True)
def _papers() -> None:
    listed("Tides and Their Names")


def test_a_first_start_after_its_time_makes_the_days_edition_at_once_and_no_earlier_one() -> None:
    journal, clock = run(settings(), start=MORNING + timedelta(hours=4))
    assert editions() == ["2026-01-05"]
    assert journal.days() == ["2026-01-05"]
    assert clock.waits == [MORNING + timedelta(days=1)]


def test_a_first_start_before_its_time_waits_for_it() -> None:
    journal, clock = run(settings(), start=MORNING - timedelta(minutes=1))
    assert journal.days() == editions() == ["2026-01-05"]
    assert clock.waits[0] == MORNING


def test_each_day_is_done_once_at_its_time_by_the_clock_of_its_zone() -> None:
    journal, _ = run(
        settings(), days=3.2, at_wait=lambda: listed(f"Paper {len(Path('papers.jsonl').read_text())}")
    )
    assert editions() == ["2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08"]
    assert journal.days() == editions()
    assert [line["time"] for line in journal.of("fetch")] == [f"{day}T06:30:00+01:00" for day in editions()]


def test_every_stage_is_a_line_with_the_day_its_state_and_its_figures() -> None:
    journal, _ = run(settings(site_url="https://example.org/p"))
    (fetch, annotate, compose, render, site, day) = (
        journal.of(stage)[0] for stage in ("fetch", "annotate", "compose", "render", "site", "day")
    )
    assert (fetch["read"], fetch["new"], fetch["failed"]) == ("1", "1", "0")
    assert (annotate["papers"], annotate["annotated"], annotate["tokens"]) == ("1", "1", "0")
    assert (compose["editions"], compose["papers"], compose["changed"]) == ("1", "1", "1")
    assert render["page"] == "editions/2026-01-05/index.html"
    assert int(site["written"]) == int(site["files"]) > 5
    assert Path("site", "index.html").is_file()
    assert day["state"] == "done"
    stages = ["fetch", "annotate", "compose", "render", "embed", "site", "day", "worker"]
    assert [line["stage"] for line in journal.lines] == stages
    assert all(line["day"] == "2026-01-05" for line in journal.lines[:-1])


def test_days_that_were_missed_get_their_editions_oldest_first_and_no_paper_twice() -> None:
    run(settings())
    with MailServer() as server, Store.open("broadsheet.db") as store:
        add_reader(store, "ann@example.org")
        for number in (1, 2, 3):  # what other runs have read meanwhile
            seen = sighting(DAY + timedelta(days=number))
            add(store, paper(f"Mud of Day {number}", sighting=seen))
        chosen = settings(mail=mail_table(server))
        journal, _ = run(chosen, start=MORNING + timedelta(days=3, hours=5))
        mailed = [each.part("plain") for each in server.received]
    assert [f"Mud of Day {number}" in mailed[number - 1] for number in (1, 2, 3)] == [True] * 3
    assert len(mailed) == 3
    assert journal.days() == ["2026-01-06", "2026-01-07", "2026-01-08"]
    assert editions() == ["2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08"]
    for number in (1, 2, 3):
        page = Path("editions", f"{DAY + timedelta(days=number)}", "index.txt").read_text()
        assert [other for other in (1, 2, 3) if f"Mud of Day {other}" in page] == [number]


def test_more_days_than_allowed_are_not_caught_up_and_their_papers_stand_in_the_next_edition() -> None:
    run(settings())
    with Store.open("broadsheet.db") as store:
        add(store, paper("Mud of Long Ago", sighting=sighting(DAY + timedelta(days=1))))
    journal, _ = run(settings({"catch_up_days": 2}), start=MORNING + timedelta(days=20))
    assert journal.days() == ["2026-01-23", "2026-01-24", "2026-01-25"]
    assert editions() == ["2026-01-05", "2026-01-23"]
    assert "Mud of Long Ago" in Path("editions", "2026-01-23", "index.txt").read_text()


def test_sources_are_asked_back_to_the_last_day_that_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[date, int]] = []

    def remember(_: Any, chosen: Settings, day: date, **__: Any) -> Any:
        asked.append((day, chosen.look_back_days))
        raise ConfigError("That is all.")

    run(settings())
    monkeypatch.setattr("broadsheet.pipeline.run", remember)
    run(settings({"catch_up_days": 0, "tries": 1}), start=MORNING + timedelta(days=10))
    run(settings({"catch_up_days": 0, "tries": 1}), start=MORNING + timedelta(days=400))
    assert asked == [(DAY + timedelta(days=10), 10), (DAY + timedelta(days=400), 31)]


def test_a_day_that_fails_is_tried_again_later_and_later_and_then_done() -> None:
    chosen = settings()
    Path("papers.jsonl").rename("gone.jsonl")
    worker_waits: list[int] = []

    def come_back() -> None:
        worker_waits.append(1)
        if len(worker_waits) == 3:
            Path("gone.jsonl").rename("papers.jsonl")

    Path("papers.jsonl").touch()  # it is looked for when the worker starts
    journal, clock = Journal(), Sundial(MORNING, MORNING + timedelta(hours=5))
    clock.at_wait = come_back
    worker = Worker(chosen, journal, never, clock=clock)
    Path("papers.jsonl").unlink()
    with pytest.raises(KeyboardInterrupt):
        worker.run_for_ever()
    minutes = [(until - MORNING) // timedelta(minutes=1) for until in clock.waits]
    assert minutes == [5, 20, 65, 24 * 60]
    assert journal.days("failed") == ["2026-01-05"] * 3
    assert "papers.jsonl" in journal.of("day")[0]["words"]
    assert journal.days() == editions() == ["2026-01-05"]


def test_a_day_that_is_given_up_costs_no_later_day_and_is_caught_up_then() -> None:
    chosen = settings({"tries": 2})
    journal, clock = Journal(), Sundial(MORNING, MORNING + timedelta(days=1, hours=1))
    worker = Worker(chosen, journal, never, clock=clock)
    Path("papers.jsonl").rename("gone.jsonl")

    def come_back() -> None:
        if len(clock.waits) == 2:  # until the next morning
            Path("gone.jsonl").rename("papers.jsonl")

    clock.at_wait = come_back
    with pytest.raises(KeyboardInterrupt):
        worker.run_for_ever()
    assert journal.days("failed") == ["2026-01-05"] * 2
    assert journal.days() == ["2026-01-05", "2026-01-06"]


def test_a_source_that_fails_is_asked_again_before_the_edition_goes_out_and_at_last_it_goes_without() -> None:
    Path("broken.jsonl.gz").write_bytes(b"\x1f\x8b but no more")
    with MailServer() as server, Store.open("broadsheet.db") as store:
        add_reader(store, "ann@example.org")
        chosen = settings(
            {"sources": ["papers.jsonl", "broken.jsonl.gz"], "tries": 3}, mail=mail_table(server)
        )
        journal, clock = run(chosen)
        assert len(server.received) == 1
    assert len(clock.waits) == 3
    assert [line["state"] for line in journal.of("send")] == ["done"]
    assert journal.days("failed") == ["2026-01-05"] * 2
    assert journal.of("day")[-1]["problems"] == "1"
    assert editions() == ["2026-01-05"]


def mail_table(server: MailServer) -> dict[str, Any]:
    table = {"from": "papers@lists.example.org", "host": "127.0.0.1", "port": server.port}
    return {**table, "security": "none", "url": "https://lists.example.org"}


def test_editions_are_sent_through_the_channels_that_are_set_up_each_once() -> None:
    with MailServer() as server:
        with Store.open("broadsheet.db") as store:
            add_reader(store, "ann@example.org")
        chosen = settings(mail=mail_table(server), site_url="https://example.org/p")
        run(chosen)
        with Store.open("broadsheet.db") as store, store.transaction():
            store._db.execute("DELETE FROM worker_days")  # as if it were killed just before the end
        journal, _ = run(chosen)
        assert len(server.received) == 1
        assert "https://example.org/p/" in server.received[0].part("plain")
    assert journal.of("send")[0]["channel"] == "mail"


def test_a_mail_server_that_is_down_is_tried_again() -> None:
    with Store.open("broadsheet.db") as store:
        add_reader(store, "ann@example.org")
    with MailServer() as server:
        table = mail_table(server)
    journal, clock = run(settings({"tries": 2}, mail=table))
    assert [line["state"] for line in journal.of("send")] == ["failed", "failed"]
    assert journal.days("failed") == ["2026-01-05"]
    assert len(clock.waits) == 2
    assert journal.of("day")[-1]["problems"] == "1"


def test_the_model_that_gives_out_is_asked_again_and_at_last_lines_are_extracted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with OpenAIServer(behaviour=Behaviour(key="another")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "wrong-key-of-the-test")
        journal, _ = run(settings({"tries": 2}))
    assert [line["extracted"] for line in journal.of("annotate")] == ["1", "0"]  # it has its line already
    assert journal.days("failed") == journal.days() == ["2026-01-05"]
    assert "wrong-key-of-the-test" not in "".join(journal.raw)


def test_what_nobody_has_foreseen_fails_a_day_and_not_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("a fault")

    with monkeypatch.context() as patch:
        patch.setattr("broadsheet.pipeline.run", fault)
        journal, _ = run(settings({"tries": 1}))
    assert [line["words"] for line in journal.of("day")] == ["a fault"]


def test_a_stage_that_was_asked_to_stop_ends_the_day_and_the_next_start_does_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @contextmanager
    def at_once() -> Iterator[Callable[[], bool]]:
        yield lambda: True

    with OpenAIServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-test")
        journal, clock = Journal(), Sundial(MORNING, MORNING + timedelta(hours=1))
        with pytest.raises(Stopped):
            Worker(settings(), journal, at_once, clock=clock).run_for_ever()
        assert journal.of("annotate")[0]["state"] == "stopped"
        assert not journal.of("day")
        assert not editions()
        again, _ = run(settings())
    assert again.days() == editions() == ["2026-01-05"]


def test_the_health_check_hears_of_start_success_and_failure_by_the_conventions_of_healthchecks_io(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[tuple[str, str, str]] = []

    async def hear(call: Call) -> Answer:
        heard.append((call.method, call.path, call.body.decode()))
        return Answer()

    with LoopbackServer(hear) as server:
        monkeypatch.setenv("BROADSHEET_HEALTHCHECK_URL", f"{server.url}/ping/secret-of-the-check?create=1")
        journal, clock = Journal(), Sundial(MORNING, MORNING + timedelta(hours=1))
        worker = Worker(settings(), journal, never, clock=clock)
        clock.at_wait = lambda: listed("Mud")
        Path("papers.jsonl").unlink()
        with pytest.raises(KeyboardInterrupt):
            worker.run_for_ever()
    paths = [path.removeprefix("/ping/secret-of-the-check") for _, path, _ in heard]
    assert paths == ["/start?create=1", "/fail?create=1", "/start?create=1", "?create=1"]
    assert {method for method, _, _ in heard} == {"POST"}
    assert "papers.jsonl" in heard[1][2]
    assert "secret-of-the-check" not in "".join(journal.raw)


def test_a_health_check_that_cannot_be_reached_fails_no_day_and_is_told_of_without_its_address() -> None:
    async def gone(_: Call) -> Answer:
        return Answer(404)

    with LoopbackServer(gone) as server:
        journal, _ = run(settings({"healthcheck": f"{server.url}/secret-of-the-check"}))
    assert journal.days() == ["2026-01-05"]
    assert "HTTP 404" in journal.of("ping")[0]["words"]
    assert "secret-of-the-check" not in "".join(journal.raw)


def test_once_does_today_whatever_the_time_and_a_second_time_nothing() -> None:
    journal, clock = Journal(), Sundial(MORNING - timedelta(hours=3), MORNING)
    assert Worker(settings(), journal, never, clock=clock).run_once() == 0
    assert editions() == ["2026-01-05"]
    assert Worker(settings(), journal, never, clock=clock).run_once() == 0
    assert journal.of("day")[-1]["words"] == "It was done already."
    assert len(journal.of("fetch")) == 1
    assert clock.waits == []


def test_once_comes_out_with_what_there_is_and_says_by_its_status_that_something_failed() -> None:
    Path("broken.jsonl.gz").write_bytes(b"\x1f\x8b but no more")
    journal, clock = Journal(), Sundial(MORNING, MORNING)
    chosen = settings({"sources": ["papers.jsonl", "broken.jsonl.gz"]})
    assert Worker(chosen, journal, never, clock=clock).run_once() == 1
    assert editions() == ["2026-01-05"]
    Path("broken.jsonl.gz").unlink()
    worker = Worker(
        settings({"sources": ["papers.jsonl"]}),
        journal,
        never,
        clock=Sundial(MORNING + timedelta(1), MORNING),
    )
    Path("papers.jsonl").unlink()
    assert worker.run_once() == 2


def test_papers_with_the_batch_api_are_waited_for_without_counting_as_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with OpenAIServer() as server:
        server.batches.polls_to_finish = None
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-test")
        waited: list[int] = []

        def finish() -> None:
            waited.append(1)
            if len(waited) == 3:
                server.batches.polls_to_finish = 0

        chosen = settings({"tries": 1}, engine="openai-batch", model="gpt-4o-mini")
        journal, clock = run(chosen, at_wait=finish)
        assert server.batches.uploads == 1
    *before, last = (line["state"] for line in journal.of("day"))
    assert (set(before), last, len(before) >= 3) == ({"waiting"}, "done", True)
    assert clock.waits[0] == MORNING + timedelta(minutes=30)
    assert editions() == ["2026-01-05"]


def test_a_budget_bounds_what_a_day_spends(monkeypatch: pytest.MonkeyPatch) -> None:
    listed(*(f"Mud Number {number}" for number in range(30)))
    with OpenAIServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-test")
        journal, _ = run(settings({"budget_tokens": 4_000}))
    (told,) = journal.of("annotate")
    assert 0 < int(told["tokens"]) <= 4_000
    assert int(told["left"]) > 0
    assert journal.days() == ["2026-01-05"]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-03-28", "2026-03-28T01:30+00:00"),
        ("2026-03-29", "2026-03-29T01:30+00:00"),  # 02:30 does not exist: 03:30 by the clock
        ("2026-03-30", "2026-03-30T00:30+00:00"),
        ("2026-10-24", "2026-10-24T00:30+00:00"),
        ("2026-10-25", "2026-10-25T00:30+00:00"),  # 02:30 comes twice: the first
        ("2026-10-26", "2026-10-26T01:30+00:00"),
    ],
)
def test_the_day_on_which_clocks_change_falls_due_once(day: str, expected: str) -> None:
    table = WorkerSettings(sources=("sample",), at="02:30", time_zone="Europe/Berlin")
    moment = Schedule(table.at, table.zone).moment(date.fromisoformat(day))
    assert moment == datetime.fromisoformat(expected)


@pytest.mark.parametrize(("month", "change"), [(3, 29), (10, 25)])
@pytest.mark.parametrize("at", ["00:00", "02:00", "02:30", "03:00", "23:59"])
def test_over_a_change_of_clocks_days_follow_one_another_whatever_the_hour(
    month: int, change: int, at: str
) -> None:
    table = WorkerSettings(sources=("sample",), at=at, time_zone="Europe/Berlin")
    schedule = Schedule(table.at, table.zone)
    now, days = datetime(2026, month, change - 2, tzinfo=UTC), []
    for _ in range(24 * 5 * 4):
        now += timedelta(minutes=15)
        latest = schedule.latest(now)
        assert schedule.moment(latest) <= now < schedule.next_moment(now)
        days.append(latest)
    assert days == sorted(days)
    assert len(set(days)) >= 5
    assert all(after - before <= timedelta(days=1) for before, after in pairwise(days))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"at": "25:00"}, "write a time of day as 06:30"),
        ({"at": 630}, "write a time of day as 06:30"),
        ({"time_zone": "Europe/Atlantis"}, "knows no such time zone"),
        ({"time_zone": "../../etc/passwd"}, "knows no such time zone"),
        ({"sources": []}, "worker.sources"),
        ({"sources": ["-"]}, "standard input"),
        ({"healthcheck": "hc.example.org"}, "must begin with"),
        ({"tz": "UTC"}, "worker.tz"),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(table: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        settings(table)
    assert "worker." in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"sources": ["nowhere.jsonl"]}, r"sources: .*nowhere\.jsonl"),
        ({"send": ["mail"]}, r"no \[mail\]"),
        ({"send": ["pigeon"]}, "no channel “pigeon”"),
    ],
)
def test_what_no_day_can_be_done_with_is_said_when_the_worker_starts(
    table: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        Worker(settings(table), Journal(), never)


def test_a_native_time_of_toml_is_taken_too() -> None:
    Path("broadsheet.toml").write_text('[worker]\nsources = "hf"\nat = 07:15:00\n')
    table = Settings.load().worker
    assert table is not None
    assert (table.sources, table.at.isoformat()) == (("hf",), "07:15:00")
