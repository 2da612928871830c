"""What servers understand is found out from their refusals, and remembered."""

from __future__ import annotations

import json

import pytest

from broadsheet.llm import Reply
from broadsheet.llm.negotiation import Dialect, Negotiation, heeds_schema
from broadsheet.llm.openai import endpoint_address
from servers.faults import Faults
from servers.openai_server import Behaviour, OpenAIServer

TEXT_ONLY = frozenset({"text"})


def learnt(engine, server) -> Dialect:
    return Dialect.parse(engine(server)._endpoint.dialect())


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (Behaviour(), Dialect()),
        (Behaviour(refused=frozenset({"temperature"})), Dialect(temperature=False)),
        (Behaviour(refused=frozenset({"max_completion_tokens"})), Dialect(limit="max_tokens")),
        (Behaviour(system_role=False), Dialect(system=False)),
        (Behaviour(formats=frozenset({"json_object", "text"})), Dialect(answer_format="json_object_schema")),
        (Behaviour(formats=TEXT_ONLY), Dialect(answer_format="text")),
        (
            Behaviour(
                formats=TEXT_ONLY,
                refused=frozenset({"temperature", "max_completion_tokens"}),
                system_role=False,
            ),
            Dialect("text", "max_tokens", temperature=False, system=False),
        ),
    ],
    ids=["all", "no temperature", "max_tokens", "no system", "json_object", "text", "nothing"],
)
def test_each_refusal_takes_one_step_down_and_the_answer_comes(engine, ask, behaviour, expected):
    with OpenAIServer(behaviour=behaviour) as server:
        (outcome,) = engine(server).complete([ask(0, 2)])
        assert len(json.loads(outcome.reply.text)["papers"]) == 2
        assert learnt(engine, server) == expected


@pytest.mark.parametrize(
    ("model", "efforts", "asked_for"),
    [
        ("gpt-5-mini", None, ["minimal"]),
        ("openai/gpt-5.1", frozenset({"none", "low", "medium"}), ["minimal", "none"]),
        ("o4-mini", frozenset({"low", "medium", "high"}), ["minimal", "none", "low"]),
        ("gpt-5-unheard-of", frozenset(), ["minimal", "none", "low", None]),
        ("gpt-5-chat-latest", frozenset(), [None]),
        ("gpt-4o-mini", frozenset(), [None]),
        ("qwen3", frozenset(), [None]),
    ],
)
def test_a_model_that_reasons_is_told_to_reason_as_little_as_it_can(engine, ask, model, efforts, asked_for):
    with OpenAIServer(behaviour=Behaviour(efforts=efforts)) as server:
        (outcome,) = engine(server, model=model).complete([ask(0)])
        list(engine(server, model=model).complete([ask(1)]))
    assert outcome.reply
    said = [seen.body.get("reasoning_effort") for seen in server.seen]
    assert said == [*asked_for, asked_for[-1]]


def test_what_was_learnt_is_not_asked_again_by_the_next_run(engine, ask):
    with OpenAIServer(behaviour=Behaviour(formats=TEXT_ONLY)) as server:
        list(engine(server).complete([ask(0)]))
        refused = len(server.seen)
        list(engine(server).complete([ask(1)]))
    assert refused == 4
    assert len(server.seen) == refused + 1


def test_it_is_learnt_apart_for_each_model(engine, ask):
    with OpenAIServer(behaviour=Behaviour(refused=frozenset({"temperature"}))) as server:
        list(engine(server, model="one").complete([ask(0)]))
        list(engine(server, model="two").complete([ask(0)]))
    assert [("temperature" in seen.body) for seen in server.seen] == [True, False, True, False]


def test_a_500_over_the_format_is_negotiated_down_not_retried_for_ever(engine, ask):
    behaviour = Behaviour(formats=TEXT_ONLY, format_status=500)
    with OpenAIServer(behaviour=behaviour) as server:
        (outcome,) = engine(server).complete([ask(0)])
    assert outcome.reply
    assert len(server.seen) <= 8


def test_a_server_that_passes_over_the_limit_in_silence_is_told_it_by_its_older_name(engine, ask):
    with OpenAIServer(behaviour=Behaviour(ignores_max_completion_tokens=True)) as server:
        (over,) = engine(server).complete([ask(0, 3, max_output_tokens=50)])
        (cut,) = engine(server).complete([ask(1, 3, max_output_tokens=50)])
    assert over.reply.usage.output_tokens > 50
    assert cut.reply.finish_reason == "length"
    assert server.seen[-1].body["max_tokens"] == 50


class Deaf(OpenAIServer):
    """Takes the strict schema and drops it: its model only knows what stands in the prompt."""

    def _message(self, papers, seen, body):
        if '"additionalProperties"' in body["messages"][0]["content"]:
            return super()._message(papers, seen, body)
        return {"role": "assistant", "content": "What fine lanterns!", "refusal": None}, "stop"


def test_a_server_that_passes_over_the_schema_in_silence_has_it_in_the_prompt_from_its_first_answer_on(
    engine, ask
):
    with Deaf() as server:
        first, *others = engine(server, max_in_flight=1).complete([ask(number) for number in range(3)])
        assert learnt(engine, server) == Dialect("json_object_schema")
    assert first.reply.text == "What fine lanterns!"
    assert all(json.loads(outcome.reply.text)["papers"] for outcome in others)
    assert len(server.seen) == 3


def test_one_answer_in_prose_changes_nothing_where_the_schema_was_heeded_before(engine, ask):
    with OpenAIServer() as server:
        list(engine(server).complete([ask(0)]))
        server.behaviour.faults = Faults(prose=1.0)
        list(engine(server).complete([ask(1)]))
        assert learnt(engine, server) == Dialect()


@pytest.mark.parametrize(
    ("reply", "heeds"),
    [
        (Reply('{"papers": []}'), True),
        (Reply('{"papers": [], "more": 1}'), True),
        (Reply('{"P1": {}}'), False),
        (Reply('```json\n{"papers": []}\n```'), False),
        (Reply("[" * 100_000), False),
        (Reply(""), False),
        (Reply('{"papers": [', finish_reason="length"), True),
        (Reply("", finish_reason="content_filter"), True),
        (Reply("", refusal="No."), True),
    ],
)
def test_only_an_answer_that_came_to_its_own_end_tells_whether_the_schema_was_heeded(reply, heeds):
    assert heeds_schema(reply, {"required": ["papers"]}) is heeds


def test_a_500_that_names_the_format_is_believed_at_once(engine, ask):
    with OpenAIServer(behaviour=Behaviour(formats=TEXT_ONLY, format_status=500)) as server:
        (outcome,) = engine(server).complete([ask(0)])
    assert outcome.reply
    assert len(server.seen) == 4


def test_many_requests_that_are_refused_at_once_take_each_step_together(engine, ask):
    behaviour = Behaviour(formats=TEXT_ONLY, base_s=0.01)
    with OpenAIServer(behaviour=behaviour) as server:
        outcomes = list(engine(server).complete([ask(number) for number in range(16)]))
        assert learnt(engine, server) == Dialect("text")
    assert all(outcome.reply for outcome in outcomes)
    assert 16 + 3 <= len(server.seen) <= 4 * 16


def test_a_refusal_that_comes_late_takes_no_step_back():
    negotiation = Negotiation(None, lambda _: None)
    first = negotiation.dialect
    for _ in range(3):
        negotiation.refused(negotiation.dialect, 400, "response_format is not supported")
    assert negotiation.refused(first, 400, "response_format is not supported")
    assert negotiation.dialect == Dialect("text")


def test_a_refusal_that_names_both_limits_is_not_followed_in_a_circle():
    negotiation, said = Negotiation(None, lambda _: None), "max_tokens or max_completion_tokens is too large"
    followed = [negotiation.refused(negotiation.dialect, 400, said) for _ in range(3)]
    assert followed == [True, False, False]


def test_below_the_strict_schema_the_schema_stands_in_the_prompt(ask):
    request = ask()
    for format_ in ("json_object_schema", "json_object", "text"):
        body = Dialect(answer_format=format_).body(request, "m")
        assert '"additionalProperties":false' in body["messages"][0]["content"]
    assert "additionalProperties" not in Dialect().body(request, "m")["messages"][0]["content"]


def test_the_static_text_is_byte_identical_in_all_requests(ask):
    one, two = (json.dumps(Dialect().body(ask(number), "m")["messages"][0]) for number in (1, 2))
    assert one == two


def test_a_dialect_of_another_version_is_learnt_anew():
    assert Dialect.parse("") is None
    assert Dialect.parse('{"answer_format": "telepathy"}') is None
    assert Dialect.parse('{"tongue": 1}') is None
    assert Dialect.parse(Dialect("text").text) == Dialect("text")


def test_credentials_in_the_address_are_not_remembered(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://user:secret@127.0.0.1:8080/v1/")
    assert endpoint_address() == "http://127.0.0.1:8080/v1"
