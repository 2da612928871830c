"""What servers understand is found out from their refusals, and remembered."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from broadsheet.errors import ConfigError, LLMMisconfigured
from broadsheet.llm import Control, Reply
from broadsheet.llm.access import endpoint_address
from broadsheet.llm.negotiation import Dialect, Negotiation, heeds_schema
from servers.faults import Faults
from servers.loopback import Answer
from servers.openai_server import Behaviour, OpenAIServer

TEXT_ONLY = frozenset({"text"})

FREE = Control()


def learnt(engine, server) -> Dialect:
    return Dialect.parse(engine(server)._endpoint.dialect())


class Picky(OpenAIServer):
    """Refuses what it is told to refuse, in the words that it is told."""

    def __init__(self, refuse: Callable[[dict[str, Any]], Answer | None]) -> None:
        super().__init__()
        self._refuse = refuse

    def _refused(self, body):
        return self._refuse(body) or super()._refused(body)


def refusing(says: Any, *, where: Callable[[dict[str, Any]], bool], status: int = 400) -> Picky:
    told = (
        Answer(status, says.encode(), {"content-type": "text/plain"})
        if isinstance(says, str)
        else Answer.of(says, status)
    )
    return Picky(lambda body: told if where(body) else None)


def asks_for_the_schema(body: dict[str, Any]) -> bool:
    return body.get("response_format", {}).get("type") == "json_schema"


def asks_for_a_format(body: dict[str, Any]) -> bool:
    return "response_format" in body


def has_a_system_turn(body: dict[str, Any]) -> bool:
    return any(turn["role"] == "system" for turn in body["messages"])


def has_a_temperature(body: dict[str, Any]) -> bool:
    return "temperature" in body


NOT_TAKEN = "response_format json_schema is not taken"


@pytest.mark.parametrize(
    "says",
    [
        {"error": {"message": NOT_TAKEN}},
        {"object": "error", "message": NOT_TAKEN, "param": None, "code": 400},
        {"error": NOT_TAKEN},
        {"error": NOT_TAKEN, "error_type": "validation"},
        {"detail": NOT_TAKEN},
        {"detail": [{"loc": ["body", "response_format"], "msg": "Extra inputs are not permitted"}]},
        {"object": "error", "message": {"detail": [{"loc": ["body", "response_format"], "msg": "Extra"}]}},
        [{"error": {"code": 400, "message": NOT_TAKEN}}],
        {"error": {"message": "Provider returned error", "metadata": {"raw": NOT_TAKEN}}},
        NOT_TAKEN,
        {"error": {"message": f"{'Something is not as it should be. ' * 20}{NOT_TAKEN}"}},
    ],
    ids=lambda says: json.dumps(says)[:40],
)
def test_a_refusal_is_understood_in_whatever_body_it_comes(engine, ask, says):
    with refusing(says, where=asks_for_the_schema) as server:
        (outcome,) = engine(server).complete([ask(0)], FREE)
        assert outcome.reply
        assert learnt(engine, server) == Dialect("json_object_schema")


def test_a_refusal_that_quotes_the_request_is_not_taken_for_the_servers_words(engine, ask):
    def refuse(body):
        if not has_a_temperature(body):
            return None
        problem = {"loc": ["body", "temperature"], "msg": "Extra inputs are not permitted", "input": body}
        return Answer.of({"detail": [problem]}, 422)

    with Picky(refuse) as server:
        list(engine(server).complete([ask(0)], FREE))
        assert learnt(engine, server) == Dialect(temperature=False)


LEAST = Dialect("text", temperature=False, system=False)


def asks_for_a_schema(body):
    return "schema" in json.dumps(body.get("response_format", {}))


@pytest.mark.parametrize(
    ("says", "where", "expected"),
    [
        ("Conversation roles must alternate user/assistant", has_a_system_turn, Dialect(system=False)),
        ("Only user and assistant roles are supported!", has_a_system_turn, Dialect(system=False)),
        ("System messages are not supported by this model.", has_a_system_turn, Dialect(system=False)),
        ("Developer instruction is not enabled for this model", has_a_system_turn, Dialect(system=False)),
        ("Json mode is not enabled for this model", asks_for_a_format, Dialect("text")),
        ("This model has no response formats", asks_for_a_format, Dialect("text")),
        ("Invalid request", asks_for_a_format, LEAST),
        ("Invalid request", has_a_temperature, LEAST),
        ("Invalid request", asks_for_a_schema, Dialect("json_object")),
    ],
)
def test_a_refusal_is_understood_in_many_words_and_in_none(engine, ask, says, where, expected):
    with refusing({"error": {"message": says}}, where=where) as server:
        (outcome,) = engine(server).complete([ask(0)], FREE)
        assert outcome.reply
        assert learnt(engine, server) == expected


def test_the_parameter_that_is_named_outweighs_those_that_the_sentence_lists(engine, ask):
    says = {"message": "Not supported. Supported: max_tokens, max_completion_tokens", "param": "temperature"}
    with refusing({"error": says}, where=has_a_temperature) as server:
        list(engine(server).complete([ask(0)], FREE))
        assert learnt(engine, server) == Dialect(temperature=False)


def test_a_server_that_is_still_loading_is_waited_for_and_asked_for_the_most(engine, ask):
    loading = iter(range(3))
    says = Answer.of({"error": {"message": "Loading model", "code": 503}}, 503, {"retry-after-ms": "10"})
    with Picky(lambda _: says if next(loading, None) is not None else None) as server:
        (outcome,) = engine(server).complete([ask(0)], FREE)
        assert outcome.reply
        assert learnt(engine, server) == Dialect()


def test_a_400_about_one_paper_changes_nothing_for_the_others(engine, ask):
    says = Answer.of(
        {"error": {"message": "Blocked: 'the schema of a system, its role and temperature'"}}, 400
    )

    def refuse(body):
        return says if "Lantern 2-" in body["messages"][-1]["content"] else None

    with Picky(refuse) as server:
        outcomes = list(engine(server, max_in_flight=1).complete([ask(number) for number in range(5)], FREE))
        assert learnt(engine, server) == Dialect()
    (failed,) = (outcome for outcome in outcomes if not outcome.reply)
    assert failed.request.id == "r2"
    assert "Blocked" in failed.error


def test_an_answer_in_the_refused_dialect_takes_the_step_back():
    negotiation = Negotiation(None, lambda _: None)
    first = negotiation.dialect
    assert negotiation.refused(first, 400, "Invalid request")
    negotiation.answered(first)
    assert negotiation.dialect == first
    assert negotiation.proven


def test_a_server_that_refuses_everything_and_explains_nothing_is_asked_three_times(engine, ask):
    with (
        refusing({"error": {"message": "Invalid request"}}, where=lambda _: True) as server,
        pytest.raises(LLMMisconfigured, match=r"refuses every request .*Invalid request"),
    ):
        list(engine(server, max_in_flight=1).complete([ask(number) for number in range(10)], FREE))
    assert len(server.seen) == 3


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
        (outcome,) = engine(server).complete([ask(0, 2)], FREE)
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
        (outcome,) = engine(server, model=model).complete([ask(0)], FREE)
        list(engine(server, model=model).complete([ask(1)], FREE))
    assert outcome.reply
    said = [seen.body.get("reasoning_effort") for seen in server.seen]
    assert said == [*asked_for, asked_for[-1]]


def test_what_was_learnt_is_not_asked_again_by_the_next_run(engine, ask):
    with OpenAIServer(behaviour=Behaviour(formats=TEXT_ONLY)) as server:
        list(engine(server).complete([ask(0)], FREE))
        refused = len(server.seen)
        list(engine(server).complete([ask(1)], FREE))
    assert refused == 4
    assert len(server.seen) == refused + 1


def test_it_is_learnt_apart_for_each_model(engine, ask):
    with OpenAIServer(behaviour=Behaviour(refused=frozenset({"temperature"}))) as server:
        list(engine(server, model="one").complete([ask(0)], FREE))
        list(engine(server, model="two").complete([ask(0)], FREE))
    assert [("temperature" in seen.body) for seen in server.seen] == [True, False, True, False]


def test_a_500_over_the_format_is_negotiated_down_not_retried_for_ever(engine, ask):
    behaviour = Behaviour(formats=TEXT_ONLY, format_status=500)
    with OpenAIServer(behaviour=behaviour) as server:
        (outcome,) = engine(server).complete([ask(0)], FREE)
    assert outcome.reply
    assert len(server.seen) <= 8


def test_a_server_that_passes_over_the_limit_in_silence_is_told_it_by_its_older_name(engine, ask):
    with OpenAIServer(behaviour=Behaviour(ignores_max_completion_tokens=True)) as server:
        (over,) = engine(server).complete([ask(0, 3, max_output_tokens=50)], FREE)
        (cut,) = engine(server).complete([ask(1, 3, max_output_tokens=50)], FREE)
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
        first, *others = engine(server, max_in_flight=1).complete(
            [ask(number) for number in range(3)], Control()
        )
        assert learnt(engine, server) == Dialect("json_object_schema")
    assert first.reply.text == "What fine lanterns!"
    assert all(json.loads(outcome.reply.text)["papers"] for outcome in others)
    assert len(server.seen) == 3


def test_one_answer_in_prose_changes_nothing_where_the_schema_was_heeded_before(engine, ask):
    with OpenAIServer() as server:
        list(engine(server).complete([ask(0)], FREE))
        server.behaviour.faults = Faults(prose=1.0)
        list(engine(server).complete([ask(1)], FREE))
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
        (outcome,) = engine(server).complete([ask(0)], FREE)
    assert outcome.reply
    assert len(server.seen) == 4


def test_many_requests_that_are_refused_at_once_take_each_step_together(engine, ask):
    behaviour = Behaviour(formats=TEXT_ONLY, base_s=0.01)
    with OpenAIServer(behaviour=behaviour) as server:
        outcomes = list(engine(server).complete([ask(number) for number in range(16)], FREE))
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


def test_credentials_in_the_address_are_refused_and_not_repeated(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://user:secret@127.0.0.1:8080/v1/")
    with pytest.raises(ConfigError, match="user name or password") as told:
        endpoint_address()
    assert "secret" not in repr(told.value)
