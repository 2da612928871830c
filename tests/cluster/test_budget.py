"""One budget over all workers: no window of a minute holds more, and every server gets what it can take."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.cluster.fleet import FAILED_IN_A_ROW, GIVE_UP_S, Fleet, Limits, Member
from broadsheet.cluster.gate import LEASE_S, Gate
from broadsheet.cluster.minute import MINUTE_S, SLACK_S, MinuteLog
from broadsheet.llm import Usage
from broadsheet.prices import Price

A, B = "http://a/v1", "http://b/v1"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def most_in_a_minute(drawn: list[tuple[float, float]]) -> float:
    """The most that any window of a minute holds of amounts at times."""
    starts = [at for at, _ in drawn]
    return max(sum(amount for at, amount in drawn if start <= at < start + MINUTE_S) for start in starts)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0, 20), st.integers(1, 40)), min_size=1, max_size=60), st.floats(0, SLACK_S)
)
def test_no_window_of_a_minute_holds_more_than_the_allowance_however_late_requests_arrive(
    asked: list[tuple[float, int]], late_s: float
) -> None:
    clock = Clock()
    log = MinuteLog(100, clock)
    arrived = []
    for number, (pause_s, amount) in enumerate(asked):
        clock.now += pause_s
        while wait_s := log.wait_s(amount):
            clock.now += wait_s
        log.draw(amount)
        arrived.append((clock.now + late_s * (number % 2), float(amount)))
    assert most_in_a_minute(arrived) <= 100


def test_a_minutes_worth_is_let_through_every_minute() -> None:
    clock = Clock()
    log = MinuteLog(60, clock)
    began, let_through = clock.now, 0
    while clock.now < began + 10 * (MINUTE_S + SLACK_S):
        clock.now += log.wait_s(1)
        log.draw(1)
        let_through += 1
    assert let_through >= 600


def test_what_an_answer_did_not_use_may_be_used_by_another() -> None:
    clock = Clock()
    log = MinuteLog(100, clock)
    drawn = log.draw(90)
    assert log.wait_s(20)
    log.correct(drawn, 50)
    assert not log.wait_s(50)
    assert log.wait_s(51)


def test_more_than_a_minutes_worth_at_once_goes_alone() -> None:
    clock = Clock()
    log = MinuteLog(100, clock)
    assert not log.wait_s(500)
    log.draw(500)
    assert log.wait_s(1) == pytest.approx(MINUTE_S + SLACK_S)


def test_a_budget_that_is_begun_again_takes_the_minute_before_for_used() -> None:
    clock = Clock()
    fleet = Fleet((A,), Limits(8, 60, 6000), clock)
    fleet.presume_spent()
    assert fleet.shared_wait_s(10) > MINUTE_S
    clock.now += MINUTE_S + SLACK_S
    assert not fleet.shared_wait_s(10)


def member_for(fleet: Fleet, tokens: float = 10.0) -> Member:
    found = fleet.find(tokens)
    assert isinstance(found, Member)
    return found


def test_servers_are_used_in_proportion_to_what_they_answer() -> None:
    clock = Clock()
    fleet = Fleet((A, B), Limits(in_flight=12), clock)
    takes_s = {A: 1.0, B: 3.0}
    under_way: list[tuple[float, Any]] = []
    while fleet.spent.requests < 400:
        while not fleet.shared_wait_s(10) and isinstance(found := fleet.find(10), Member):
            under_way.append((clock.now + takes_s[found.address], fleet.hold(found, 10)))
        at, held = min(under_way, key=lambda each: each[0])
        under_way.remove((at, held))
        clock.now = max(clock.now, at)
        fleet.settle(held, 1, Usage(5, 0, 5), {})
        assert fleet.under_way <= 12
    answers = {member.address: member.answers for member in fleet.members}
    assert answers[A] / answers[B] == pytest.approx(3, rel=0.25)


def test_a_dead_server_is_left_out_and_tried_again_with_one_request() -> None:
    clock = Clock()
    fleet = Fleet((A, B), Limits(in_flight=64), clock)
    dead = fleet.member_at(A)
    for _ in range(FAILED_IN_A_ROW):
        fleet.failed(fleet.hold(dead, 10), {}, 0)
    assert [member_for(fleet).address for _ in range(8)] == [B] * 8
    clock.now += 1.0
    assert not dead.wait_s(10)
    trial = fleet.hold(dead, 10)
    assert dead.wait_s(10) == math.inf
    fleet.failed(trial, {}, 0)
    clock.now += 1.0
    assert 0 < dead.wait_s(10) <= 1.0  # for twice as long as before
    clock.now += 1.0
    fleet.settle(fleet.hold(dead, 10), 1, Usage(5, 0, 5), {})
    assert not dead.is_left_out
    assert {fleet.hold(member_for(fleet), 10).member.address for _ in range(4)} == {A, B}


def test_where_no_server_answers_for_minutes_the_fleet_is_silent() -> None:
    clock = Clock()
    fleet = Fleet((A, B), Limits(), clock)
    fleet.failed(fleet.hold(fleet.member_at(A), 10), {}, 503)
    clock.now += GIVE_UP_S + 1
    assert fleet.is_silent
    fleet.settle(fleet.hold(fleet.member_at(B), 10), 1, Usage(5, 0, 5), {})
    assert not fleet.is_silent


def test_a_servers_own_count_of_tokens_is_learnt() -> None:
    clock = Clock()
    fleet = Fleet((A,), Limits(8, None, 1000), clock)
    fleet.settle(fleet.hold(member_for(fleet), 100), 1, Usage(180, 0, 20), {})
    assert not fleet.shared_wait_s(400)
    assert fleet.shared_wait_s(401)  # it counts twice what was expected, and 200 are used


def in_a_loop(story: Any) -> None:
    asyncio.run(story())


def test_workers_take_turns_at_the_gate_and_never_have_more_under_way_together() -> None:
    async def story() -> None:
        gate = Gate((A,), Limits(in_flight=4))
        names = [(worker, f"{worker}-{number}") for number in range(10) for worker in ("w1", "w2")]
        waiting = {name: asyncio.create_task(gate.admit(worker, name, 10)) for worker, name in names}
        order: list[str] = []
        while len(order) < len(names):
            await asyncio.sleep(0)
            admitted = [name for name, task in waiting.items() if task.done() and name not in order]
            assert len(admitted) <= 4
            for name in admitted:
                order.append(name)
                gate.tell(name[:2], "settle", name, 1, Usage(5, 0, 5), {})
        assert order == [name for _, name in names]
        assert gate.news().spent["requests"] == 20

    in_a_loop(story)


def test_a_dead_worker_gives_back_what_it_held_and_its_late_answer_is_counted_all_the_same() -> None:
    async def story() -> None:
        clock = Clock()
        gate = Gate((A,), Limits(in_flight=1), clock=clock)
        await gate.admit("dead", "d1", 10)
        other = asyncio.create_task(gate.admit("living", "l1", 10))
        await asyncio.sleep(0)
        clock.now += LEASE_S + 1
        gate.beat("living", {})
        assert await other
        gate.tell("dead", "settle", "d1", 1, Usage(7, 0, 3), {})
        assert gate.fleet.spent.tokens == 10
        assert gate.fleet.under_way == 1

    in_a_loop(story)


def test_a_turn_that_is_no_longer_wanted_is_given_to_another() -> None:
    async def story() -> None:
        gate = Gate((A,), Limits(in_flight=1))
        await gate.admit("w", "1", 10)
        waiting = [asyncio.create_task(gate.admit("w", name, 10)) for name in ("2", "3")]
        await asyncio.sleep(0)
        gate.tell("w", "abandon", "2")
        gate.tell("w", "settle", "1", 1, Usage(5, 0, 5), {})
        assert await waiting[1]
        assert not waiting[0].done()
        waiting[0].cancel()

    in_a_loop(story)


def test_one_that_waits_for_a_closed_server_holds_up_no_other() -> None:
    async def story() -> None:
        gate = Gate((A, B), Limits(in_flight=8))
        gate.close(A, 10, 60.0)
        bound = asyncio.create_task(gate.admit("w", "1", 10, A))
        await asyncio.sleep(0)
        free = await gate.admit("w", "2", 10)
        assert free
        assert free.address == B
        assert not bound.done()
        gate.leave_out(A, "its key is refused")
        assert await bound is None
        assert not gate.news().stop
        gate.leave_out(B, "its key is refused too")
        assert gate.news().stop == "its key is refused too"

    in_a_loop(story)


@pytest.mark.parametrize("budget", [(100, None), (None, 0.0001)])
def test_a_budget_is_used_and_not_exceeded(budget: tuple[int | None, float | None]) -> None:
    async def story() -> None:
        gate = Gate((A,), Limits(), Price(1.0, 1.0, 1.0), *budget)
        for number in range(4):
            assert await gate.admit("w", str(number), 25)
            gate.tell("w", "settle", str(number), 1, Usage(20, 0, 5), {})
        refused = asyncio.create_task(gate.admit("w", "5", 25))
        await asyncio.sleep(0)
        assert gate.news().stop == "budget"
        assert not refused.done()
        refused.cancel()

    in_a_loop(story)


def test_what_an_answer_did_not_cost_is_spent_before_the_budget_ends() -> None:
    async def story() -> None:
        gate = Gate((A,), Limits(), None, 100)
        assert await gate.admit("w", "1", 60)
        waiting = asyncio.create_task(gate.admit("w", "2", 60))
        await asyncio.sleep(0)
        assert not gate.news().stop
        gate.tell("w", "settle", "1", 1, Usage(20, 0, 10), {})
        assert await waiting
        gate.tell("w", "settle", "2", 1, Usage(50, 0, 10), {})
        last = asyncio.create_task(gate.admit("w", "3", 60))
        await asyncio.sleep(0)
        assert gate.news().stop == "budget"
        last.cancel()

    in_a_loop(story)
