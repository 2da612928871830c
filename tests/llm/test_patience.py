"""How long a run waits for a server, in the time of its own event loop: none of it passes in the test."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abuse.bad_answers import BadServer, drips, error, silent
from broadsheet.config import Settings
from broadsheet.errors import LLMMisconfigured, LLMUnavailable
from broadsheet.llm.negotiation import Negotiation
from broadsheet.llm.openai.client import new_client
from broadsheet.llm.openai.exchange import Exchange
from broadsheet.llm.openai.pacing import Pacer
from broadsheet.llm.openai.patience import GIVE_UP_S, LONGEST_WAIT_S, Patience, in_words

FIVE_MINUTES = 300.0
REAL_POLL_S = 0.3


class Skipping(selectors.DefaultSelector):
    """Where nothing comes for a moment, the time to the next timer passes at once."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(timeout if timeout is None else min(timeout, REAL_POLL_S))
        if not ready and timeout is not None and timeout > REAL_POLL_S:
            self.skipped += timeout - REAL_POLL_S
        return ready


class SkippingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.selector = Skipping()
        super().__init__(self.selector)

    def time(self) -> float:
        return super().time() + self.selector.skipped


def seconds_of(work: Coroutine[Any, Any, None]) -> float:
    """How long it takes in the loop's time."""
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        loop = runner.get_loop()
        began = loop.time()
        runner.run(work)
        return loop.time() - began


@pytest.mark.parametrize(
    "writes",
    [silent, drips, error(503), error(503, retry_after="60"), error(429, retry_after="299")],
    ids=["silent", "dripping", "overloaded", "overloaded for minutes", "busy for minutes"],
)
def test_a_server_that_answers_nothing_ends_a_run_with_default_settings_in_five_minutes(
    writes: Any, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def asked() -> None:
        pacer = Pacer(clock=asyncio.get_running_loop().time)
        async with new_client(256) as client:
            exchange = Exchange(client, Settings.load(), pacer, Negotiation(None, lambda _: None))
            requests = [ask(number, 10, max_output_tokens=2040) for number in range(40)]
            tasks = [asyncio.create_task(exchange.ask(request)) for request in requests]
            done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            # What drips nothing and ends is no answer of OpenAI's API; the others are not there.
            assert any(isinstance(task.exception(), LLMUnavailable | LLMMisconfigured) for task in done)

    monkeypatch.setattr("broadsheet.llm.openai.exchange.REFUSED_S", GIVE_UP_S)
    with BadServer(writes) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        assert seconds_of(asked()) < FIVE_MINUTES


def test_an_answer_puts_off_when_a_server_counts_as_silent() -> None:
    patience = Patience()
    assert patience.due(0.0, 60.0, 600.0) == 60.0
    patience.answered(50.0)
    assert patience.due(0.0, 60.0, 600.0) == 110.0
    assert not patience.is_silent(109.0, 0.0, 60.0)
    assert patience.is_silent(110.0, 0.0, 60.0)


def test_no_single_wait_is_longer_than_a_run_waits() -> None:
    assert Patience().gives_up(0.0, 0.0, LONGEST_WAIT_S + 1, most_s=1e9)
    assert not Patience().gives_up(0.0, 0.0, LONGEST_WAIT_S, most_s=1e9)


@given(st.lists(st.floats(0.1, 200.0), min_size=1, max_size=60))
def test_failures_without_an_answer_between_them_end_within_their_time(waits: list[float]) -> None:
    patience, now = Patience(), 0.0
    for wait_s in waits:
        if patience.gives_up(now, 0.0, wait_s):
            break
        now += wait_s
    assert now <= GIVE_UP_S


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(12, "12 s"), (600, "10 minutes"), (7_300, "3 hours"), (3e6, "35 days"), (1e300, "many years")],
)
def test_a_wait_is_told_as_a_person_would_say_it(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
