"""The Batch API over real HTTP: jobs outlive the process, and nothing is sent or lost twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broadsheet.config import Settings
from broadsheet.errors import LLMMisconfigured
from broadsheet.llm.openai_batch import OpenAIBatchLLM
from broadsheet.prices import Prices
from servers.openai_server import Behaviour, OpenAIServer


@pytest.fixture
def batch_engine(monkeypatch, store):
    monkeypatch.setattr("broadsheet.llm.openai_batch.FIRST_POLL_S", 0.01)

    def make(server: OpenAIServer, **settings: object) -> OpenAIBatchLLM:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-test")
        return OpenAIBatchLLM(
            Settings.load(engine="openai-batch", **({"batch_wait_s": 20} | settings)), store
        )

    return make


def answered(outcomes) -> list[str]:
    return sorted(outcome.request.id for outcome in outcomes if outcome.reply)


def test_all_requests_go_out_as_one_job_and_come_back_in_any_order(batch_engine, ask):
    requests = [ask(number, 2) for number in range(5)]
    with OpenAIServer() as server:
        outcomes = list(batch_engine(server).complete(requests))
    assert answered(outcomes) == [f"r{number}" for number in range(5)]
    assert [outcome.request.id for outcome in outcomes] == [f"r{number}" for number in (4, 3, 2, 1, 0)]
    assert len(server.batches.jobs) == 1
    assert all(outcome.reply.usage.output_tokens > 0 for outcome in outcomes)


def test_a_job_that_is_left_is_collected_by_a_later_run_without_sending_again(batch_engine, ask, store):
    requests = [ask(number) for number in range(3)]
    with OpenAIServer() as server:
        server.batches.polls_to_finish = None
        assert list(batch_engine(server, batch_wait_s=0).complete(requests)) == []
        assert all(
            batch_engine(server).holds(paper) for request in requests for paper in request.papers.values()
        )
        store.claims.release_all()
        server.batches.polls_to_finish = 0
        later = batch_engine(server)
        taken_up = later.take_up()
        assert taken_up == requests
        outcomes = list(later.complete(taken_up))
        assert batch_engine(server).take_up() == []
    assert len(answered(outcomes)) == 3
    assert len(server.batches.jobs) == 1
    assert len(server.seen) == 3


def test_what_is_appended_goes_out_as_a_second_job(batch_engine, ask):
    requests = [ask(0)]
    with OpenAIServer() as server:
        for outcome in batch_engine(server).complete(requests):
            requests += [ask(1)] if outcome.request.id == "r0" else []
    assert len(server.batches.jobs) == 2


def test_an_expired_job_keeps_what_was_answered_and_only_the_rest_is_asked_again(batch_engine, ask):
    requests = [ask(number) for number in range(5)]
    with OpenAIServer() as server:
        server.batches.expire_after = 3
        drawn = batch_engine(server).complete(requests)
        outcomes = [next(drawn)]
        server.batches.expire_after = None
        outcomes.extend(drawn)
    assert answered(outcomes) == [f"r{number}" for number in range(5)]
    assert len(server.seen) == 5
    assert [job["status"] for job in server.batches.jobs.values()] == ["expired", "completed"]


def test_a_line_that_failed_is_asked_again_and_given_up_with_its_reason(batch_engine, ask):
    with OpenAIServer() as server:
        server.batches.fail_lines = frozenset({0})
        outcomes = list(batch_engine(server).complete([ask(0), ask(1)]))
    by_id = {outcome.request.id: outcome for outcome in outcomes}
    assert by_id["r1"].reply
    assert "500" in by_id["r0"].error
    assert len(server.batches.jobs) == 3


def test_a_job_of_which_only_an_error_file_exists_is_read(batch_engine, ask):
    with OpenAIServer() as server:
        server.batches.expire_after = 0
        outcomes = list(batch_engine(server).complete([ask(0)]))
    assert "in time" in outcomes[0].error


def test_a_refused_parameter_is_left_out_of_the_next_job(batch_engine, ask):
    with OpenAIServer(behaviour=Behaviour(refused=frozenset({"temperature"}))) as server:
        outcomes = list(batch_engine(server).complete([ask(0)]))
    assert outcomes[0].reply
    assert "temperature" not in server.seen[-1].body


def test_a_job_that_fails_validation_stops_with_a_sentence(batch_engine, ask):
    with OpenAIServer() as server:
        server.batches.reject = True
        with pytest.raises(LLMMisconfigured, match="refuses the job"):
            list(batch_engine(server).complete([ask(0)]))


def test_a_refused_key_stops_with_a_sentence_without_the_key(batch_engine, ask):
    with OpenAIServer(behaviour=Behaviour(key="another")) as server, pytest.raises(LLMMisconfigured) as told:
        list(batch_engine(server).complete([ask(0)]))
    assert "key-of-the-test" not in str(told.value)


def test_the_same_words_asked_twice_at_once_are_answered_twice(batch_engine, ask):
    with OpenAIServer() as server:
        outcomes = list(batch_engine(server).complete([ask(0), replace(ask(0), id="again")]))
    assert answered(outcomes) == ["again", "r0"]


def test_a_batch_answer_costs_half():
    prices = Prices.load()
    model = next(iter(prices.models))
    whole, half = (prices.of(engine, model).cost(1000, 0, 1000) for engine in ("openai", "openai-batch"))
    assert half == pytest.approx(whole / 2)
