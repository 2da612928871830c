"""Pacing on a clock of the test's own."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.llm import Usage
from broadsheet.llm.openai.buckets import Bucket
from broadsheet.llm.openai.pacing import Pacer, duration_s
from broadsheet.retrying import retry_after_s
from servers.limits import duration


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120ms", 0.12), ("6m0s", 360.0), ("1s", 1.0), ("1h2m3.5s", 3723.5), ("2.5", 2.5), ("7m12.5s", 432.5)],
)
def test_durations_are_read_as_the_service_writes_them(text, seconds):
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "5 m", "ms", "-1s"])
def test_what_is_no_duration_is_none(text):
    assert duration_s(text) is None


@given(st.floats(min_value=0, max_value=1e7))
def test_every_duration_that_the_server_writes_is_read_back(ms):
    assert duration_s(duration(ms)) == pytest.approx(ms / 1000, abs=0.001)


@given(st.text(max_size=20))
def test_no_text_breaks_the_reading_of_durations_and_waits(text):
    duration_s(text)
    wait = retry_after_s({"retry-after": text, "retry-after-ms": text})
    assert wait is None or wait >= 0


def test_milliseconds_win_over_seconds_and_seconds_over_nothing():
    assert retry_after_s({"retry-after-ms": "1250", "retry-after": "9"}) == 1.25
    assert retry_after_s({"retry-after": "9"}) == 9.0
    assert retry_after_s({"retry-after-ms": "soon", "retry-after": "2"}) == 2.0
    assert retry_after_s({}) is None


@pytest.mark.parametrize("never", ["inf", "nan", "1e999", "-inf"])
def test_a_wait_that_is_no_number_of_seconds_is_not_obeyed(never):
    assert retry_after_s({"retry-after": never}) is None
    assert retry_after_s({"retry-after-ms": never, "retry-after": "3"}) == 3


def test_a_date_is_read_against_the_answers_own_date_and_never_before_now():
    at = formatdate(1_000_030, usegmt=True)
    assert retry_after_s({"retry-after": at, "date": formatdate(1_000_000, usegmt=True)}) == 30
    assert retry_after_s({"retry-after": at}, now=lambda: 1_000_010.0) == 20
    assert retry_after_s({"retry-after": at}, now=lambda: 2_000_000.0) == 0


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "UTC"])
def test_a_date_without_a_zone_is_greenwich_time_wherever_this_runs(monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        told = {"retry-after": "Mon Jan 12 13:47:10 1970", "date": "Mon, 12 Jan 1970 13:46:40 GMT"}
        assert retry_after_s(told) == 30
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_part_that_makes_no_sense_does_not_void_the_others():
    at = formatdate(1_000_030, usegmt=True)
    assert retry_after_s({"retry-after-ms": "-100", "retry-after": "7"}) == 7
    assert retry_after_s({"retry-after": at, "date": "yesterday"}, now=lambda: 1_000_010.0) == 20


@pytest.mark.parametrize("limit", ["-1", "0", "nan", "inf", "none"])
def test_a_limit_that_is_none_changes_nothing(limit):
    async def story():
        pacer = Pacer(requests_per_minute=6, tokens_per_minute=60_000, clock=Clock())
        told = {
            f"x-ratelimit-{what}-{name}": value
            for name in ("requests", "tokens")
            for what, value in (("limit", limit), ("remaining", "-1"), ("reset", "0"))
        }
        pacer.settle(await pacer.admit(1_000), 1, Usage(1_000), told)
        await pacer.admit(10_000)
        assert await waits(pacer, 59_000)

    asyncio.run(story())


def test_a_bucket_refills_at_its_rate_and_never_above_its_capacity():
    clock = Clock()
    bucket = Bucket(600, clock)
    bucket.take(bucket.level)
    assert bucket.wait_s(50) == pytest.approx(5)
    clock.now += 5
    assert bucket.wait_s(50) == pytest.approx(0)
    clock.now += 1e6
    assert bucket.level == bucket.capacity


def test_an_amount_beyond_the_capacity_waits_for_a_full_bucket_not_for_ever():
    bucket = Bucket(600, Clock())
    assert bucket.wait_s(10**9) == 0


def test_the_capacity_is_learnt_from_what_is_left_and_when_it_is_full_again():
    clock = Clock()
    bucket = Bucket(180_000, clock)
    used = 20_000
    bucket.take(used)
    bucket.learn(180_000, remaining=40_000, reset_s=20_000 / 3000)
    assert bucket.capacity == pytest.approx(60_000)
    assert bucket.level == pytest.approx(40_000)


def test_a_lower_limit_of_the_users_stands():
    bucket = Bucket(6_000, Clock())
    bucket.learn(180_000, remaining=170_000, reset_s=3)
    assert bucket.per_s == 100


def test_a_server_that_tells_no_limits_is_believed_to_count_by_the_minute():
    bucket = Bucket(6_000, Clock())
    bucket.take(2_000)
    bucket.learn_nothing()
    assert bucket.level == pytest.approx(4_000)


def headers(remaining: float, reset: str = "1s", limit: float = 60_000) -> dict[str, str]:
    told = {"limit": limit, "remaining": remaining, "reset": reset}
    return {f"x-ratelimit-{name}-tokens": str(value) for name, value in told.items()}


async def waits(pacer: Pacer, tokens: float) -> bool:
    """Whether a request of so many tokens is held back now."""
    task = asyncio.ensure_future(pacer.admit(tokens))
    for _ in range(5):
        await asyncio.sleep(0)
    held = not task.done()
    if held:
        task.cancel()
    else:
        pacer.settle(task.result(), 1, Usage(int(tokens)), {})
    return held


def test_what_others_use_is_learnt_from_headers_and_holds_requests_back():
    async def story():
        clock = Clock()
        pacer = Pacer(tokens_per_minute=60_000, clock=clock)
        held = await pacer.admit(1_000)
        pacer.settle(held, 1, Usage(1_000), headers(remaining=500, reset="59.5s"))
        assert await waits(pacer, 2_000)
        assert pacer.waiting.startswith("quota")
        clock.now += 2
        assert not await waits(pacer, 2_000)

    asyncio.run(story())


def test_a_quota_that_the_server_says_refills_in_years_holds_back_five_minutes_at_most():
    async def story():
        pacer = Pacer(clock=Clock())
        held = await pacer.admit(50)
        pacer.settle(held, 1, Usage(50), headers(remaining=0, reset="87600h", limit=60))
        assert 0 < pacer.hindrance(30_000) <= 300

    asyncio.run(story())


def test_a_reservation_that_was_too_high_is_given_back():
    async def story():
        pacer = Pacer(tokens_per_minute=60_000, clock=Clock())
        held = await pacer.admit(20_000)
        assert await waits(pacer, 10_000)
        pacer.settle(held, 1, Usage(1_000), headers(remaining=19_000, reset="1s", limit=60_000))
        assert not await waits(pacer, 10_000)

    asyncio.run(story())


def test_a_closed_gate_holds_all_back_until_it_opens_and_says_how_long():
    async def story():
        clock = Clock()
        pacer = Pacer(clock=clock)
        held = await pacer.admit(10)
        pacer.failed(held, {})
        pacer.close(10, 12.0)
        pacer.close(10, 3.0)
        assert await waits(pacer, 10)
        assert pacer.waiting == "429: 12 s"
        clock.now += 12.01
        assert not await waits(pacer, 10)

    asyncio.run(story())


def test_a_header_raises_nothing_while_the_same_processes_ask():
    async def story():
        pacer = Pacer(tokens_per_minute=60_000, clock=Clock())
        held = await pacer.admit(20_000)
        pacer.settle(held, 1, Usage(20_000), headers(remaining=15_000, reset="5s"))
        assert await waits(pacer, 9_000)

    asyncio.run(story())


def test_output_tokens_are_learnt_and_never_expected_beyond_the_cut():
    async def story():
        pacer = Pacer(clock=Clock())
        assert pacer.expected_output(8, 400) == 400
        for _ in range(30):
            pacer.settle(await pacer.admit(1), 8, Usage(0, 0, 800), {})
        assert pacer.expected_output(4, 4000) == pytest.approx(410, rel=0.02)

    asyncio.run(story())


@pytest.mark.parametrize(("status", "shrinks"), [(429, False), (503, True), (500, False)])
def test_under_a_quota_a_429_is_about_the_quota_and_a_503_about_the_load(status, shrinks):
    async def story():
        pacer = Pacer(tokens_per_minute=60_000, clock=Clock())
        held = [await pacer.admit(1) for _ in range(4)]
        for each in held:
            pacer.failed(each, {}, status)
        pacer.failed(await pacer.admit(1), {}, status)
        again = [asyncio.ensure_future(pacer.admit(1)) for _ in range(4)]
        await asyncio.sleep(0)
        assert all(task.done() for task in again) != shrinks
        for task in again:
            task.cancel()

    asyncio.run(story())
