"""The ledger of a run: what is reserved is never less than what comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.annotate.spending import Budget, Ledger
from broadsheet.llm import Request, Usage
from broadsheet.prices import Price
from broadsheet.record import Maker


def request(number: int, input_tokens: int = 1000, max_output_tokens: int = 500) -> Request:
    maker = Maker("answering", "test-1", "p", "s")
    return Request(f"r{number}", maker, {}, (), {}, input_tokens, max_output_tokens)


def opened(budget: Budget, *, all_at_once: bool = False) -> Ledger:
    return Ledger(budget, Price(1.0, 0.5, 2.0), all_at_once=all_at_once)


def admitted(ledger: Ledger) -> int:
    """How many requests the budget lets go."""
    return next(number for number in range(1000) if not ledger.reserve(request(number)))


@pytest.mark.parametrize("budget", [Budget(tokens=30_000), Budget(usd=0.037)])
def test_requests_that_go_out_together_keep_the_budget_where_the_provider_counts_twice(
    budget: Budget,
) -> None:
    ledger = opened(budget, all_at_once=True)
    for number in range(admitted(ledger)):
        ledger.settle(request(number), Usage(2000, 0, 500))
    assert ledger.usage.input_tokens + ledger.usage.output_tokens <= 30_000
    assert ledger.cost_usd is not None
    assert ledger.cost_usd <= 0.037


def test_doubt_is_over_with_the_first_answer_also_for_what_is_set_aside_already() -> None:
    ledger = opened(Budget(tokens=30_000), all_at_once=True)
    assert admitted(ledger) == 12
    ledger.settle(request(0), Usage(1000, 0, 500))
    assert admitted(ledger) == 20 - 12


def test_what_an_answer_had_beyond_its_limits_is_set_aside_for_all_that_are_under_way() -> None:
    ledger = opened(Budget(tokens=6000))
    assert ledger.reserve(request(0))
    assert ledger.reserve(request(1))
    assert ledger.within
    ledger.settle(request(0), Usage(1000, 0, 4000))
    assert not ledger.within


def test_a_prompt_that_is_counted_a_little_more_than_the_first_still_fits() -> None:
    ledger = opened(Budget(tokens=10_000))
    assert ledger.reserve(request(0))
    ledger.settle(request(0), Usage(2000, 0, 500))
    for number in range(admitted(ledger)):
        ledger.settle(request(number), Usage(2090, 0, 500))
    assert 7000 < ledger.usage.input_tokens + ledger.usage.output_tokens <= 10_000


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), max_size=30), st.integers(0, 60_000))
def test_a_budget_is_not_passed_while_all_is_counted_as_we_count(
    sizes: list[tuple[int, int]], tokens: int
) -> None:
    ledger = opened(Budget(tokens=tokens))
    asked = [request(number, *size) for number, size in enumerate(sizes)]
    for each in [each for each in asked if ledger.reserve(each)]:
        assert ledger.within
        ledger.settle(each, Usage(each.input_tokens, 0, each.max_output_tokens))
    assert ledger.usage.input_tokens + ledger.usage.output_tokens <= tokens
