"""How many requests may be under way, on a clock of the test's own."""

from __future__ import annotations

import heapq
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.llm.openai.window import FIRST, NEVER_SLOW, UNPROVEN, Window


class Story:
    """A server on a clock: takes ``takes`` at once, works on ``works_on`` of them, fails by chance."""

    def __init__(self, *, takes=10**6, works_on=10**6, chance=0.0, ceiling=256, latency_s=5.0):
        self.now = 1000.0
        self.window = Window(ceiling, lambda: self.now)
        self.takes, self.works_on, self.chance, self.latency_s = takes, works_on, chance, latency_s
        self.dice = random.Random(1)
        self.under_way = self.refused = self.peak = self.numbered = 0
        self.free_at = [0.0] * min(works_on, 1000)

    def run(self, requests):
        """Have so many answered; returns the seconds it took."""
        began, waiting, events = self.now, requests, []
        while waiting or self.under_way:
            wait = self.window.wait_s(self.under_way) if waiting else -1.0
            if wait == 0:
                waiting -= 1
                self.under_way += 1
                self.peak = max(self.peak, self.under_way)
                self.numbered += 1
                heapq.heappush(events, self._event())
                continue
            if wait > 0 and not (events and events[0][0] <= self.now + wait):
                self.now += wait
                continue
            at, _, good, place, sent_at = heapq.heappop(events)
            self.now = max(self.now, at)
            self.under_way -= 1
            if good:
                self.window.answered(place, sent_at, 500)
            else:
                self.window.failed(place, sent_at)
                self.refused += 1
                waiting += 1
                self.now += 0.01
        return self.now - began

    def _event(self):
        if self.under_way > self.takes or self.dice.random() < self.chance:
            return self.now + 0.002, self.numbered, False, self.under_way, self.now
        begins = max(self.now, heapq.heappop(self.free_at))
        heapq.heappush(self.free_at, begins + self.latency_s)
        return begins + self.latency_s, self.numbered, True, self.under_way, self.now


def test_a_days_papers_are_all_under_way_within_half_a_second_where_nothing_is_refused():
    story = Story()
    assert story.run(100) < 5.0 + 0.5
    assert story.peak == 100


def test_no_more_than_a_days_papers_are_handed_over_before_the_first_answer():
    story = Story(ceiling=1000)
    while (wait := story.window.wait_s(story.under_way)) >= 0:
        story.now += wait
        story.under_way += not wait
    assert story.under_way == UNPROVEN


def test_a_window_that_is_not_full_does_not_open():
    story = Story()
    assert story.window.wait_s(0) == 0
    story.now += 60.0  # one request went ahead, to see whether the server answers at all
    assert story.window.wait_s(1) == 0
    assert story.window.size == FIRST
    assert story.window.wait_s(FIRST) > 0


@given(takes=st.integers(FIRST, 64), requests=st.integers(200, 600))
def test_a_server_that_takes_only_so_many_refuses_at_most_one_in_fifty_and_is_kept_busy(takes, requests):
    story = Story(takes=takes)
    seconds = story.run(requests)
    assert story.refused <= 0.02 * (requests + story.refused)
    assert seconds <= 1.5 * (requests / takes + 2) * story.latency_s


@given(takes=st.integers(1, FIRST))
def test_a_server_that_takes_fewer_than_the_first_is_found_out_too(takes):
    story = Story(takes=takes)
    story.run(300)
    assert story.refused <= 2 * FIRST + 2


@pytest.mark.parametrize("works_on", [1, 4])
def test_a_server_that_lets_requests_wait_in_line_gets_fewer_in_the_end(works_on):
    story = Story(works_on=works_on)
    story.run(400)
    assert story.window.size <= 2 * NEVER_SLOW


def test_a_server_that_fails_at_random_is_not_taken_for_a_small_one():
    rounds = []
    for seed in range(20):
        story = Story(chance=0.1)
        story.dice = random.Random(seed)
        rounds.append(story.run(400) / story.latency_s)
    assert (
        statistics.median(rounds) < 8
    )  # all at once would be three or four; halving at each refusal, thirteen
    assert max(rounds) < 15


def test_the_window_falls_to_one_when_nothing_comes():
    story = Story()
    for _ in range(10):
        story.window.failed(4, story.now)
    assert story.window.size == 1


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 300), st.floats(0, 100), st.integers(0, 10_000)), max_size=60
    ),
    st.integers(1, 300),
)
def test_whatever_comes_at_least_one_may_go_and_never_more_than_the_ceiling(events, ceiling):
    story = Story(ceiling=ceiling)
    for good, place, ago, tokens in events:
        story.now += 0.05
        story.window.wait_s(place)
        if good:
            story.window.answered(place, story.now - ago, tokens)
        else:
            story.window.failed(place, story.now - ago)
        assert 1 <= story.window.size <= ceiling
    story.now += 10
    assert story.window.wait_s(0) == 0
