"""The openai engine over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest
from tenacity import wait_fixed

from broadsheet.config import Settings
from broadsheet.errors import ConfigError, LLMMisconfigured, LLMUnavailable
from broadsheet.llm import Control, Outcome, open_llm
from broadsheet.llm.negotiation import Negotiation
from broadsheet.llm.openai.client import new_client
from broadsheet.llm.openai.exchange import FIRST_BACKOFF_S, Exchange
from broadsheet.llm.openai.pacing import Pacer, Reservation
from broadsheet.prompts import Prompts
from servers.faults import Faults
from servers.limits import Limits
from servers.loopback import Answer
from servers.openai_server import Behaviour, OpenAIServer

FREE = Control()


def ids(outcomes: list[Outcome]) -> list[str]:
    return sorted(outcome.request.id for outcome in outcomes if outcome.reply)


def test_each_request_is_answered_once_with_its_own_papers_and_its_usage(engine, ask):
    requests = [ask(number, 3) for number in range(20)]
    with OpenAIServer() as server:
        outcomes = list(engine(server).complete(requests, FREE))
    assert ids(outcomes) == sorted(request.id for request in requests)
    assert len(server.seen) == 20
    for outcome in outcomes:
        reply = outcome.reply
        records = json.loads(reply.text)["papers"]
        assert [record["ref"] for record in records] == [1, 2, 3]
        assert all(
            record["tldr"].startswith(f"Lantern {outcome.request.id[1:]}-{place}")
            for place, record in enumerate(records, 1)
        )
        assert reply.usage.input_tokens > 0
        assert reply.usage.output_tokens > 0
        assert reply.latency_s > 0
        assert reply.model == "gpt-4o-mini-2026"


def test_the_first_body_asks_for_the_strict_schema_and_a_bounded_answer(engine, ask):
    with OpenAIServer() as server:
        list(engine(server).complete([ask(max_output_tokens=777)], FREE))
    body = server.seen[0].body
    assert body["response_format"]["json_schema"]["strict"] is True
    assert body["max_completion_tokens"] == 777
    assert [turn["role"] for turn in body["messages"]] == ["system", "user"]


def test_requests_that_are_appended_while_outcomes_are_drawn_are_asked_too(engine, ask):
    requests = [ask(0), ask(1)]
    drawn = []
    with OpenAIServer() as server:
        for outcome in engine(server).complete(requests, FREE):
            drawn.append(outcome)
            if len(requests) < 7:
                requests.append(ask(len(requests)))
    assert len(drawn) == len(requests) == 7


def test_an_appended_request_is_sent_while_a_slow_one_is_under_way(engine, ask):
    def answer(paper):
        return {"tldr": "x" * (4000 if "0-1" in paper.title else 10)}

    requests = [ask(0, max_output_tokens=5000), ask(1)]
    with OpenAIServer(answer, Behaviour(per_token_s=0.002)) as server:
        order = []
        for outcome in engine(server).complete(requests, FREE):
            order.append(outcome.request.id)
            if len(requests) == 2:
                requests.append(ask(2))
    assert order == ["r1", "r2", "r0"]


def test_no_more_than_max_in_flight_are_under_way(engine, ask):
    with OpenAIServer(behaviour=Behaviour(base_s=0.02)) as server:
        list(engine(server, max_in_flight=3).complete([ask(number) for number in range(15)], FREE))
    assert server.peak_in_flight == 3


def test_rate_limits_server_errors_and_resets_lose_nothing(engine, ask):
    faults = Faults(seed=4, too_many=0.2, server_error=0.15, reset=0.1)
    behaviour = Behaviour(faults=faults, retry_after={"retry-after-ms": "20"})
    requests = [ask(number) for number in range(40)]
    with OpenAIServer(behaviour=behaviour) as server:
        outcomes = list(engine(server).complete(requests, FREE))
    assert ids(outcomes) == sorted(request.id for request in requests)
    assert {seen.status for seen in server.seen} == {0, 200, 429, 500}
    assert len(server.answered) == 40


def test_an_overloaded_server_is_asked_again_when_it_says(engine, ask):
    class Once(Faults):
        def strike(self, prompt: str, attempt: int) -> str:
            return "" if attempt else "server_error"

    behaviour = Behaviour(faults=Once(), overloaded={"retry-after": "1"})
    with OpenAIServer(behaviour=behaviour) as server:
        (outcome,) = engine(server).complete([ask()], FREE)
    assert outcome.reply
    first, second = server.seen
    assert second.at - first.at >= 1.0


def test_an_overloaded_server_that_says_at_once_is_given_time_all_the_same(engine, ask):
    class Thrice(Faults):
        def strike(self, prompt: str, attempt: int) -> str:
            return "server_error" if attempt < 3 else ""

    behaviour = Behaviour(faults=Thrice(), overloaded={"retry-after": "0"})
    with OpenAIServer(behaviour=behaviour) as server:
        (outcome,) = engine(server).complete([ask()], FREE)
    assert outcome.reply
    assert server.seen[-1].at - server.seen[0].at > 0.02


def test_a_403_is_about_one_request_where_others_are_answered_and_about_the_key_where_none_is(engine, ask):
    class Gateway(OpenAIServer):
        refused = ("Lantern 1-", "Lantern 3-")

        def _refused(self, body):
            words = body["messages"][-1]["content"]
            if any(title in words for title in self.refused):
                return Answer.of({"error": {"message": "Forbidden"}}, 403)
            return super()._refused(body)

    with Gateway() as server:
        requests = [ask(number) for number in range(5)]
        outcomes = list(engine(server, max_in_flight=1).complete(requests, FREE))
        assert ids(outcomes) == ["r0", "r2", "r4"]
        server.refused = ("Lantern",)
        with pytest.raises(LLMMisconfigured, match="may not use"):
            list(engine(server).complete(requests, FREE))


def test_a_429_closes_the_gate_for_all_for_as_long_as_its_milliseconds_say(engine, ask):
    arrived: list[float] = []
    waited_for: list[str] = []

    class AnswersOthersOnceItIsClosed(OpenAIServer):
        async def completion(self, body, **more):
            arrived.append(time.monotonic())
            is_first = len(arrived) == 1
            while not is_first and not any(each.startswith("429: ") for each in waited_for):
                await asyncio.sleep(0.001)
            return await super().completion(body, **more)

    class RefusesTheFirst(Faults):
        def strike(self, prompt: str, attempt: int) -> str:
            return "too_many" if len(server.seen) == 1 else ""

    headers = {"retry-after-ms": "400", "retry-after": "3600"}
    behaviour = Behaviour(faults=RefusesTheFirst(), retry_after=headers)
    with AnswersOthersOnceItIsClosed(behaviour=behaviour) as server:
        llm = engine(server, max_in_flight=4)
        control = Control(lambda waiting: bool(waited_for.append(waiting)))
        outcomes = list(llm.complete([ask(number) for number in range(20)], control))
    assert len(ids(outcomes)) == 20
    assert min(arrived[4:]) - arrived[0] >= 0.4


def test_429s_are_never_given_up_by_their_count(engine, ask):
    class Twenty(Faults):
        def strike(self, prompt: str, attempt: int) -> str:
            return "too_many" if attempt < 20 else ""

    behaviour = Behaviour(faults=Twenty(), retry_after={"retry-after-ms": "1"})
    with OpenAIServer(behaviour=behaviour) as server:
        outcomes = list(engine(server).complete([ask()], FREE))
    assert ids(outcomes) == ["r0"]
    assert len(server.seen) == 21


def test_a_server_that_says_at_once_and_refuses_again_is_not_asked_in_a_loop(engine, ask):
    class Thrice(Faults):
        def strike(self, prompt: str, attempt: int) -> str:
            return "too_many" if attempt < 3 else ""

    with OpenAIServer(behaviour=Behaviour(faults=Thrice(), retry_after={"retry-after": "0"})) as server:
        outcomes = list(engine(server).complete([ask()], FREE))
    assert ids(outcomes) == ["r0"]
    first, second, third, fourth = (seen.at for seen in server.seen)
    assert second - first < FIRST_BACKOFF_S
    assert FIRST_BACKOFF_S <= third - second < fourth - third


def test_under_a_quota_that_is_told_in_advance_nothing_is_refused(engine, ask):
    limits = Limits(tpm=60_000, tpm_burst=60_000)
    requests = [ask(number, 8) for number in range(12)]
    with OpenAIServer(behaviour=Behaviour(limits=limits)) as server:
        outcomes = list(engine(server, tokens_per_minute=60_000).complete(requests, FREE))
    assert len(ids(outcomes)) == 12
    assert all(seen.status == 200 for seen in server.seen)


def test_a_wrong_key_stops_the_run_with_what_to_do_and_without_the_key(engine, ask):
    with OpenAIServer(behaviour=Behaviour(key="another")) as server, pytest.raises(LLMMisconfigured) as told:
        list(engine(server).complete([ask(number) for number in range(5)], FREE))
    assert "OPENAI_API_KEY" in str(told.value)
    assert "key-of-the-test" not in str(told.value)


def test_a_model_that_does_not_exist_stops_the_run(engine, ask):
    with (
        OpenAIServer(behaviour=Behaviour(model="other")) as server,
        pytest.raises(LLMMisconfigured, match="no model"),
    ):
        list(engine(server).complete([ask()], FREE))


def test_answers_under_way_are_yielded_before_a_refused_key_ends_the_run(engine, ask):
    def answer(paper):
        return {"tldr": "x" * (1500 if "1-1" in paper.title else 10)}

    behaviour = Behaviour(per_token_s=0.002)
    requests, drawn = [ask(0), ask(1), ask(2)], []
    with OpenAIServer(answer, behaviour) as server:
        outcomes = engine(server).complete(requests, FREE)
        drawn.append(next(outcomes))  # the first is asked alone, to see whether the set-up is right
        drawn.append(next(outcomes))
        behaviour.key = "revoked"
        requests.append(ask(3))
        with pytest.raises(LLMMisconfigured):
            drawn.extend(iter(outcomes))
    assert [outcome.request.id for outcome in drawn] == ["r0", "r2", "r1"]


def test_a_server_that_is_not_there_is_unavailable_not_wrong(engine, ask, monkeypatch):
    monkeypatch.setattr("broadsheet.llm.openai.exchange._WAIT", wait_fixed(0.01))
    with OpenAIServer() as server:
        llm = engine(server)
    with pytest.raises(LLMUnavailable, match=r"no connection.*run the same command again"):
        list(llm.complete([ask()], FREE))


def test_a_request_beyond_the_context_fails_alone(engine, ask):
    behaviour = Behaviour(context=1200)
    long, short = ask(0, 40), ask(1)
    with OpenAIServer(behaviour=behaviour) as server:
        by_id = {o.request.id: o for o in engine(server).complete([long, short], FREE)}
    assert "context" in by_id["r0"].error
    assert by_id["r1"].reply


def test_closing_the_iterator_ends_the_thread_that_sends_and_gives_back_what_it_held(engine, ask):
    with OpenAIServer(behaviour=Behaviour(base_s=0.02)) as server:
        llm = engine(server, max_in_flight=2)
        outcomes = llm.complete([ask(number) for number in range(50)], FREE)
        next(outcomes)
        assert "openai" in {thread.name for thread in threading.enumerate()}
        outcomes.close()
        assert "openai" not in {thread.name for thread in threading.enumerate()}
        assert llm._pacer.under_way == 0
    assert len(server.seen) < 50


def test_requests_within_the_limit_go_out_at_once_though_the_first_answer_takes_long(
    engine, ask, monkeypatch
):
    monkeypatch.setattr("broadsheet.llm.openai.probe.PROBE_S", 0.01)
    behaviour = Behaviour(once=lambda: server.peak_in_flight == 4)
    with OpenAIServer(behaviour=behaviour) as server:
        outcomes = list(engine(server).complete([ask(number) for number in range(4)], FREE))
    assert len(ids(outcomes)) == 4


def test_without_key_and_address_the_engine_says_what_to_set(store):
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        open_llm(Settings.load(engine="openai"), store, Prompts.load())


def test_nothing_that_is_stored_holds_the_key(engine, ask, store, tmp_path):
    with OpenAIServer(behaviour=Behaviour(refused=frozenset({"temperature"}))) as server:
        list(engine(server, tokens_per_minute=1e6).complete([ask()], FREE))
    store.close()
    for path in tmp_path.iterdir():
        assert b"key-of-the-test" not in path.read_bytes()


def test_a_stop_awaits_what_is_with_the_server_and_sends_nothing_that_waits_for_room(engine, ask):
    stopped = threading.Event()

    def stop(_: str) -> bool:
        if server.peak_in_flight == 2:
            stopped.set()
        return stopped.is_set()

    with OpenAIServer(behaviour=Behaviour(once=stopped.is_set)) as server:
        llm = engine(server, max_in_flight=2)
        control = Control(stop)
        outcomes = list(llm.complete([ask(number) for number in range(9)], control))
    assert len(ids(outcomes)) == len(outcomes) == 2
    assert len(server.seen) == 2


def test_a_stop_at_a_429_of_minutes_ends_at_once_and_sends_nothing_more(engine, ask):
    behaviour = Behaviour(faults=Faults(too_many=1.0), retry_after={"retry-after": "300"})
    with OpenAIServer(behaviour=behaviour) as server:
        llm = engine(server)
        waited_for = []
        control = Control(lambda waiting: waited_for.append(waiting) or waiting.startswith("429: "))
        assert list(llm.complete([ask(number) for number in range(9)], control)) == []
    # A wait that goes on calls for a heartbeat several times a second.
    assert len([each for each in waited_for if each]) == 1
    assert {seen.status for seen in server.seen} == {429}


def test_a_stop_under_a_quota_sends_nothing_that_waits_for_its_tokens(engine, ask):
    with OpenAIServer() as server:
        llm = engine(server, tokens_per_minute=6000)
        control = Control(lambda waiting: waiting.startswith("quota: "))
        outcomes = list(llm.complete([ask(number) for number in range(30)], control))
    assert len(outcomes) == len(server.seen) < 30


@pytest.mark.parametrize("fault", ["too_many", "server_error", "reset"])
def test_what_fails_after_a_stop_is_not_asked_again_and_is_no_failure(engine, ask, fault, monkeypatch):
    class OneAfterTheOther(OpenAIServer):
        calls = 0

        async def completion(self, body, **more):
            self.calls += 1
            ready = (
                drawn.__len__
                if self.calls == 2
                else lambda: waited_for[-1:] and waited_for[-1].startswith("stopping")
            )
            while not ready():
                await asyncio.sleep(0.01)
            return await super().completion(body, **more)

    class StrikesTheSecond(Faults):
        def strike(self, prompt: str, attempt: int) -> str:
            return fault if len(server.seen) == 2 else ""

    monkeypatch.setattr("broadsheet.llm.openai.exchange._WAIT", wait_fixed(300))
    drawn, waited_for = [], []
    with OneAfterTheOther(behaviour=Behaviour(faults=StrikesTheSecond())) as server:
        llm = engine(server, max_in_flight=2)
        control = Control(lambda waiting: waited_for.append(waiting) or server.calls == 2)
        for outcome in llm.complete([ask(number) for number in range(5)], control):
            drawn.append(outcome)  # noqa: PERF402 - the server counts them as they come
    assert len(drawn) == len(ids(drawn)) == 1
    assert len(server.seen) == 2


def test_what_is_appended_after_a_stop_is_not_sent(engine, ask):
    requests = [ask(0), ask(1)]
    with OpenAIServer() as server:
        llm = engine(server)
        control = Control(lambda _: len(requests) > 2)
        for outcome in llm.complete(requests, control):
            assert outcome.reply
            if len(requests) < 9:
                requests.append(ask(len(requests)))
    assert len(server.seen) == 2


def test_what_is_let_through_the_gate_in_the_moment_of_a_stop_is_not_sent(engine, ask):
    class Stopping(Pacer):
        async def admit(self, tokens: float) -> Reservation:
            held = await super().admit(tokens)
            exchange.stopping = True
            return held

    async def asked() -> None:
        nonlocal exchange
        async with new_client(1) as client:
            exchange = Exchange(client, Settings.load(), pacer, Negotiation(None, lambda _: None))
            await exchange.ask(ask())

    exchange, pacer = None, Stopping()
    with OpenAIServer() as server:
        engine(server)
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(asked())
    assert not server.seen
    assert pacer.under_way == 0
