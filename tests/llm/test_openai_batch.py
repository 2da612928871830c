"""The Batch API over real HTTP: jobs outlive the process, and nothing is sent or lost twice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.config import Settings
from broadsheet.engines import engine_of
from broadsheet.errors import LLMMisconfigured, LLMUnavailable
from broadsheet.fencing import fenced
from broadsheet.llm import Control, Fault, Outcome, Request, Turn
from broadsheet.llm.openai_batch import OpenAIBatchLLM, service
from broadsheet.llm.openai_batch.stored import from_text, to_text
from broadsheet.paper import Paper
from broadsheet.prices import Prices
from broadsheet.record import Maker
from servers.openai_server import Behaviour, OpenAIServer

FREE = Control()


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


def later_of(outcomes) -> list[str]:
    """What a later run is left with."""
    return [outcome.later for outcome in outcomes]


def answered(outcomes) -> list[str]:
    return sorted(outcome.request.id for outcome in outcomes if outcome.reply)


def test_all_requests_go_out_as_one_job_and_come_back_in_any_order(batch_engine, ask):
    requests = [ask(number, 2) for number in range(5)]
    with OpenAIServer() as server:
        outcomes = list(batch_engine(server).complete(requests, FREE))
    assert answered(outcomes) == [f"r{number}" for number in range(5)]
    assert [outcome.request.id for outcome in outcomes] == [f"r{number}" for number in (4, 3, 2, 1, 0)]
    assert len(server.batches.jobs) == 1
    assert all(outcome.reply.usage.output_tokens > 0 for outcome in outcomes)


def test_a_job_that_is_left_is_collected_by_a_later_run_without_sending_again(batch_engine, ask, store):
    requests = [ask(number) for number in range(3)]
    with OpenAIServer() as server:
        server.batches.polls_to_finish = None
        assert later_of(batch_engine(server, batch_wait_s=0).complete(requests, FREE)) == 3 * ["with-service"]
        server.batches.polls_to_finish = 0
        later = batch_engine(server)
        kept = later.open_requests()
        assert kept == requests
        outcomes = list(later.complete(kept, FREE))
        assert batch_engine(server).open_requests() == []
    assert len(answered(outcomes)) == 3
    assert len(server.batches.jobs) == 1
    assert len(server.seen) == 3


def test_what_is_appended_goes_out_as_a_second_job(batch_engine, ask):
    requests = [ask(0)]
    with OpenAIServer() as server:
        for outcome in batch_engine(server).complete(requests, FREE):
            requests += [ask(1)] if outcome.request.id == "r0" else []
    assert len(server.batches.jobs) == 2


def test_an_expired_job_keeps_what_was_answered_and_only_the_rest_is_asked_again(batch_engine, ask):
    requests = [ask(number) for number in range(5)]
    with OpenAIServer() as server:
        server.batches.expire_after = 3
        drawn = batch_engine(server).complete(requests, FREE)
        outcomes = [next(drawn)]
        server.batches.expire_after = None
        outcomes.extend(drawn)
    assert answered(outcomes) == [f"r{number}" for number in range(5)]
    assert len(server.seen) == 5
    assert [job["status"] for job in server.batches.jobs.values()] == ["expired", "completed"]


def test_a_line_that_failed_is_asked_again_and_given_up_with_its_reason(batch_engine, ask):
    with OpenAIServer() as server:
        server.batches.fail_lines = frozenset({0})
        outcomes = list(batch_engine(server).complete([ask(0), ask(1)], FREE))
    by_id = {outcome.request.id: outcome for outcome in outcomes}
    assert by_id["r1"].reply
    assert "500" in by_id["r0"].error
    assert len(server.batches.jobs) == 3


def test_a_job_of_which_only_an_error_file_exists_is_read(batch_engine, ask):
    with OpenAIServer() as server:
        server.batches.expire_after = 0
        outcomes = list(batch_engine(server).complete([ask(0)], FREE))
    assert "in time" in outcomes[0].error


def test_a_refused_parameter_is_left_out_of_the_next_job(batch_engine, ask):
    with OpenAIServer(behaviour=Behaviour(refused=frozenset({"temperature"}))) as server:
        outcomes = list(batch_engine(server).complete([ask(0)], FREE))
    assert outcomes[0].reply
    assert "temperature" not in server.seen[-1].body


def test_a_job_that_fails_validation_stops_with_a_sentence(batch_engine, ask):
    with OpenAIServer() as server:
        server.batches.reject = True
        with pytest.raises(LLMMisconfigured, match="refuses the job"):
            list(batch_engine(server).complete([ask(0)], FREE))


def test_a_refused_key_stops_with_a_sentence_without_the_key(batch_engine, ask):
    with OpenAIServer(behaviour=Behaviour(key="another")) as server, pytest.raises(LLMMisconfigured) as told:
        list(batch_engine(server).complete([ask(0)], FREE))
    assert "key-of-the-test" not in str(told.value)


def test_the_same_words_asked_twice_at_once_are_answered_twice(batch_engine, ask):
    with OpenAIServer() as server:
        outcomes = list(batch_engine(server).complete([ask(0), replace(ask(0), id="again")], FREE))
    assert answered(outcomes) == ["again", "r0"]


def test_a_batch_answer_costs_half():
    prices = Prices.load()
    model = next(iter(prices.models))
    factors = (engine_of(name).price_factor for name in ("openai", "openai-batch"))
    whole, half = (prices.of(model, factor).cost(1000, 0, 1000) for factor in factors)
    assert half == pytest.approx(whole / 2)


def left(server: OpenAIServer, batch_engine, store, requests) -> None:
    """Send requests and leave, as a process does whose time is over."""
    list(batch_engine(server, batch_wait_s=0).complete(requests, FREE))


@pytest.mark.parametrize("status", ["completed", "expired", "failed", "cancelled"])
def test_both_files_are_read_whatever_the_status(batch_engine, ask, store, status):
    with OpenAIServer() as server:
        server.batches.end_as = status
        server.batches.fail_lines = frozenset({1})
        drawn = batch_engine(server).complete([ask(number) for number in range(3)], FREE)
        assert answered([next(drawn), next(drawn)]) == ["r0", "r2"]
        server.batches.fail_lines = frozenset()
        server.batches.end_as = ""
        assert answered(drawn) == ["r1"]
    assert len(server.seen) == 3


@pytest.mark.parametrize("status", ["succeeded", "canceled", "COMPLETED", "timed out"])
def test_a_job_has_ended_that_has_a_file_whatever_word_the_server_has_for_it(batch_engine, ask, status):
    with OpenAIServer() as server:
        server.batches.end_as = status
        outcomes = list(batch_engine(server).complete([ask(0), ask(1)], FREE))
    assert answered(outcomes) == ["r0", "r1"]
    assert len(server.batches.jobs) == 1


@pytest.mark.parametrize("status", ["in_progress", "QUEUED", "thinking"])
def test_a_job_that_may_be_worked_on_is_neither_ended_nor_sent_again(batch_engine, ask, status):
    with OpenAIServer() as server:
        server.batches.run_as = status
        server.batches.polls_to_finish = 3
        outcomes = list(batch_engine(server).complete([ask(0)], FREE))
    assert answered(outcomes) == ["r0"]
    assert len(server.batches.jobs) == 1


def test_a_job_of_an_unknown_status_without_a_file_is_sent_again_when_its_day_is_over(
    batch_engine, ask, store, monkeypatch
):
    with OpenAIServer() as server:
        server.batches.polls_to_finish = None
        left(server, batch_engine, store, [ask(0)])
        server.batches.jobs["batch_1"]["status"] = "canceled"
        later = batch_engine(server, batch_wait_s=0)
        assert later_of(later.complete(later.open_requests(), FREE)) == ["with-service"]
        assert len(server.batches.jobs) == 1
        monkeypatch.setattr("broadsheet.llm.openai_batch.COMPLETION_WINDOW", timedelta(0))
        server.batches.polls_to_finish = 1
        last = batch_engine(server)
        assert answered(last.complete(last.open_requests(), FREE)) == ["r0"]
    assert len(server.batches.jobs) == 2


def test_a_line_that_stands_in_neither_file_is_asked_again(batch_engine, ask):
    with OpenAIServer() as server:
        server.batches.skip_lines = frozenset({1})
        drawn = batch_engine(server).complete([ask(0), ask(1)], FREE)
        first = next(drawn)
        server.batches.skip_lines = frozenset()
        assert answered([first, *drawn]) == ["r0", "r1"]


def rewritten(server: OpenAIServer, change) -> None:
    """Change the lines of the first job's output file, as a server's mistakes would."""
    batches = server.batches
    file_id = batches.jobs["batch_1"]["output_file_id"]
    lines = [json.loads(line) for line in batches.files[file_id].splitlines()]
    batches.files[file_id] = "\n".join(map(json.dumps, change(lines))).encode()


def collected(server: OpenAIServer, batch_engine, store, requests, change) -> list[Outcome]:
    """What a later run collects of a job whose output is changed."""
    server.batches.polls_to_finish = 0
    left(server, batch_engine, store, requests)
    server.batches.finish(server.base_url)
    rewritten(server, change)
    later = batch_engine(server)
    return list(later.complete(later.open_requests(), FREE))


@pytest.mark.parametrize("later", [False, True])
def test_a_request_that_stands_in_two_lines_has_its_answer(batch_engine, ask, store, *, later):
    def twice(lines):
        faults = [{"custom_id": line["custom_id"], "error": {"message": "no"}} for line in lines]
        return lines + faults if later else faults + lines

    with OpenAIServer() as server:
        outcomes = collected(server, batch_engine, store, [ask(0), ask(1)], twice)
        assert answered(outcomes) == ["r0", "r1"]
        assert len(server.batches.jobs) == 1


@pytest.mark.parametrize("status", ["200", 200.0])
def test_a_status_that_is_no_whole_number_is_read_as_one(batch_engine, ask, store, status):
    def said(lines):
        return [line | {"response": line["response"] | {"status_code": status}} for line in lines]

    with OpenAIServer() as server:
        assert answered(collected(server, batch_engine, store, [ask(0)], said)) == ["r0"]
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    "response",
    [
        *({"status_code": status} for status in ([1], {}, "two", float("inf"), None)),
        *({"status_code": 200, "body": body} for body in ([], "", {"choices": [{}]}, {"choices": 1})),
        *([], "none", 7),
    ],
)
def test_a_line_that_cannot_be_read_is_asked_again(batch_engine, ask, store, response):
    def spoilt(lines):
        return [line | {"response": response} if line["custom_id"] == "r0" else line for line in lines]

    with OpenAIServer() as server:
        outcomes = collected(server, batch_engine, store, [ask(0), ask(1)], spoilt)
        assert answered(outcomes) == ["r0", "r1"]
        assert len(server.seen) == 3


def test_failures_are_counted_over_all_processes(batch_engine, ask, store):
    with OpenAIServer() as server:
        server.batches.fail_lines = frozenset({0})
        server.batches.polls_to_finish = 0
        left(server, batch_engine, store, [ask(0)])
        for jobs in (2, 3):
            server.batches.finish(server.base_url)
            later = batch_engine(server, batch_wait_s=0)
            assert later_of(later.complete(later.open_requests(), FREE)) == ["with-service"]
            assert len(server.batches.jobs) == jobs
        server.batches.finish(server.base_url)
        last = batch_engine(server, batch_wait_s=0)
        (outcome,) = last.complete(last.open_requests(), FREE)
    assert "500" in outcome.error
    assert len(server.batches.jobs) == 3
    assert last.open_requests() == []


def test_every_line_that_is_refused_for_one_parameter_is_asked_again_without_it(batch_engine, ask):
    with OpenAIServer(behaviour=Behaviour(refused=frozenset({"temperature"}))) as server:
        outcomes = list(batch_engine(server).complete([ask(number) for number in range(4)], FREE))
    assert answered(outcomes) == ["r0", "r1", "r2", "r3"]
    assert len(server.batches.jobs) == 2


def test_a_server_that_passes_over_the_schema_in_silence_has_it_in_the_prompt_of_the_next_job(
    batch_engine, ask, monkeypatch
):
    monkeypatch.setattr("servers.openai_server._compact", lambda _: "no JSON at all")
    requests = [ask(0)]
    with OpenAIServer() as server:
        for outcome in batch_engine(server).complete(requests, FREE):
            requests += [ask(1)] if outcome.request.id == "r0" else []
    formats = [seen.body["response_format"]["type"] for seen in server.seen]
    assert formats == ["json_schema", "json_object"]


def test_a_job_whose_creation_was_answered_into_the_void_is_found_not_created_again(batch_engine, ask):
    with OpenAIServer() as server:
        list(batch_engine(server).complete([ask(9)], FREE))
        server.batches.lost_answers = 1
        outcomes = list(batch_engine(server).complete([ask(0)], FREE))
    assert answered(outcomes) == ["r0"]
    assert len(server.batches.jobs) == 2


def test_a_server_that_lists_no_jobs_works_with_a_warning_of_what_that_may_cost(batch_engine, ask, caplog):
    with OpenAIServer() as server:
        server.batches.lists = False
        server.batches.lost_answers = 1
        outcomes = list(batch_engine(server).complete([ask(0)], FREE))
    assert answered(outcomes) == ["r0"]
    assert "does not list its jobs" in caplog.text


def test_a_job_that_was_not_created_is_created_from_the_file_that_is_there(
    batch_engine, ask, store, monkeypatch
):
    monkeypatch.setattr("broadsheet.llm.openai_batch.service.CALL_ATTEMPTS", 1)
    with OpenAIServer() as server:
        server.batches.lost_calls = 1
        with pytest.raises(LLMUnavailable, match="run the same command again later"):
            list(batch_engine(server).complete([ask(0)], FREE))
        later = batch_engine(server)
        assert answered(later.complete(later.open_requests(), FREE)) == ["r0"]
    assert (len(server.batches.jobs), server.batches.uploads) == (1, 1)


def test_a_job_that_the_service_does_not_know_is_not_sent_again_while_it_may_be_worked_on(
    batch_engine, ask, store
):
    with OpenAIServer() as server:
        left(server, batch_engine, store, [ask(0)])
        server.batches.jobs.clear()
        later = batch_engine(server)
        kept = later.open_requests()
        with pytest.raises(LLMMisconfigured, match="use the key and the address that the job was sent with"):
            list(later.complete(kept, FREE))
        assert later.open_requests() == kept


def test_what_other_jobs_have_answered_is_collected_before_an_unknown_job_is_told(batch_engine, ask, store):
    with OpenAIServer() as server:
        for number in range(3):
            left(server, batch_engine, store, [ask(number)])
        server.batches.polls_to_finish = 0
        server.batches.finish(server.base_url)
        del server.batches.jobs["batch_2"]
        later = batch_engine(server)
        outcomes = []
        with pytest.raises(LLMMisconfigured, match="does not know the job batch_2"):
            outcomes.extend(later.complete(later.open_requests(), FREE))
        assert answered(outcomes) == ["r0", "r2"]
        assert [request.id for request in batch_engine(server).open_requests()] == ["r1"]
    assert len(server.seen) == 3


def test_the_file_of_one_job_that_cannot_be_had_keeps_nothing_back_of_another(
    batch_engine, ask, store, monkeypatch
):
    monkeypatch.setattr("broadsheet.llm.openai_batch.service.CALL_ATTEMPTS", 1)
    with OpenAIServer() as server:
        for number in range(2):
            left(server, batch_engine, store, [ask(number)])
        server.batches.polls_to_finish = 0
        server.batches.finish(server.base_url)
        server.batches.broken_files = {server.batches.jobs["batch_1"]["output_file_id"]}
        later = batch_engine(server)
        outcomes = []
        with pytest.raises(LLMUnavailable):
            outcomes.extend(later.complete(later.open_requests(), FREE))
    assert answered(outcomes) == ["r1"]


def test_a_job_that_the_service_has_lost_is_sent_again_when_its_day_is_over(
    batch_engine, ask, store, monkeypatch, caplog
):
    with OpenAIServer() as server:
        left(server, batch_engine, store, [ask(0)])
        server.batches.jobs.clear()
        monkeypatch.setattr("broadsheet.llm.openai_batch.COMPLETION_WINDOW", timedelta(0))
        later = batch_engine(server)
        assert answered(later.complete(later.open_requests(), FREE)) == ["r0"]
    assert "has lost the job" in caplog.text


def test_an_answer_file_that_is_gone_is_asked_for_again(batch_engine, ask, store, caplog):
    with OpenAIServer() as server:
        server.batches.polls_to_finish = 0
        left(server, batch_engine, store, [ask(0)])
        server.batches.finish(server.base_url)
        del server.batches.files[server.batches.jobs["batch_1"]["output_file_id"]]
        later = batch_engine(server)
        assert answered(later.complete(later.open_requests(), FREE)) == ["r0"]
    assert "its lines are asked again" in caplog.text


def test_a_job_that_was_never_begun_is_forgotten_so_that_its_papers_can_be_asked_about_otherwise(
    batch_engine, ask, store
):
    with OpenAIServer() as server:
        server.batches.reject = True
        server.batches.reject_code = "token_limit_exceeded"
        with pytest.raises(
            LLMUnavailable, match=r"holds too many tokens.* again later, or .* annotate --limit"
        ):
            list(batch_engine(server).complete([ask(0)], FREE))
    assert not batch_engine(server).open_requests()


def test_a_stop_while_waiting_ends_at_once_and_keeps_what_was_sent(batch_engine, ask, store, monkeypatch):
    monkeypatch.setattr("broadsheet.llm.openai_batch.FIRST_POLL_S", 3600)
    with OpenAIServer() as server:
        engine = batch_engine(server, batch_wait_s=36_000)
        control = Control(lambda _: bool(server.batches.jobs))
        assert later_of(engine.complete([ask(0)], control)) == ["with-service"]
    assert len(engine.open_requests()) == 1


@pytest.mark.parametrize("place", ["after upload", "after create", "after look", "after content"])
def test_a_stop_ends_a_call_that_hangs_with_its_time_limit(batch_engine, ask, monkeypatch, place):
    for name in ("CALL_TIMEOUT_S", "TRANSFER_TIMEOUT_S"):
        monkeypatch.setattr(f"broadsheet.llm.openai_batch.service.{name}", 0.3)
    with OpenAIServer() as server:
        server.batches.hold_at = place
        engine = batch_engine(server)
        control = Control(lambda _: server.batches.held.is_set())
        with pytest.raises(LLMUnavailable, match="no answer in time"):
            list(engine.complete([ask(0)], control))
        server.batches.hold_at = ""


def test_a_file_has_longer_to_be_carried_than_a_call_to_be_answered():
    assert service.TRANSFER_TIMEOUT_S > service.CALL_TIMEOUT_S


@pytest.mark.parametrize(("told", "waits"), [("0.2", 0.2), ("86400", 0.5)])
def test_the_wait_that_a_429_tells_is_obeyed_within_reason(batch_engine, ask, monkeypatch, told, waits):
    monkeypatch.setattr("broadsheet.llm.openai_batch.service._WAIT._most_s", 0.5)
    waited = []
    monkeypatch.setattr(
        "broadsheet.llm.openai_batch.service.pause", lambda seconds, _: waited.append(seconds)
    )
    with OpenAIServer() as server:
        server.batches.busy = [{"retry-after": told}]
        assert answered(batch_engine(server).complete([ask(0)], FREE)) == ["r0"]
    assert waited == [waits]


def test_a_stop_before_anything_is_sent_sends_nothing(batch_engine, ask):
    with OpenAIServer() as server:
        engine = batch_engine(server)
        control = Control(lambda _: True)
        assert list(engine.complete([ask(0)], control)) == []
    assert len(engine.open_requests()) == server.batches.uploads == 0


def test_collecting_is_over_with_the_last_outcome_that_is_at_hand(batch_engine, ask):
    with OpenAIServer() as server:
        outcomes = batch_engine(server).complete([ask(n) for n in range(3)], FREE)
        assert [outcome.more for outcome in outcomes] == [True, True, False]


WORDS = st.text(max_size=20)
PAPERS = st.builds(
    Paper, title=st.text(min_size=1, max_size=20), abstract=WORDS, comment=WORDS, published=st.dates()
)
REQUESTS = st.builds(
    Request,
    id=WORDS,
    maker=st.builds(Maker, WORDS, WORDS, WORDS, WORDS),
    sent=st.dictionaries(WORDS, PAPERS.map(lambda paper: replace(fenced(paper), tokens=7)), max_size=3),
    turns=st.lists(st.builds(Turn, st.sampled_from(["system", "user", "assistant"]), WORDS)).map(tuple),
    schema=st.dictionaries(WORDS, WORDS),
    input_tokens=st.integers(0),
    max_output_tokens=st.integers(0),
    purpose=st.sampled_from(["annotate", "repair", "missing", "split"]),
    faults=st.dictionaries(
        WORDS, st.builds(Fault, st.dictionaries(WORDS, WORDS), st.lists(WORDS).map(tuple), st.integers())
    ),
    times=st.integers(0, 3),
)


@given(REQUESTS)
def test_a_request_that_is_written_down_is_read_back_as_it_was(request_):
    assert from_text(request_.id, to_text(request_)) == request_
