"""What servers make of a chat completion."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broadsheet.llm import Control, Reply, Usage
from broadsheet.llm.completion import counted, reply_of
from servers.loopback import Answer
from servers.openai_server import OpenAIServer

ANSWER = '{"papers": []}'


def completion(content: Any = ANSWER, usage: Any = None, **choice: Any) -> dict[str, Any]:
    told = {"finish_reason": "stop", "message": {"content": content}} | choice
    return {"model": "m", "choices": [told], "usage": usage}


def used(usage: Any) -> Usage:
    return reply_of(completion(usage=usage), 0.0).usage


def test_a_plain_completion_is_read_whole():
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3}}
    assert reply_of(completion(usage=usage), 1.5) == Reply(ANSWER, "stop", "", "m", Usage(9, 3, 4), 1.5)


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": ANSWER}],
        [{"type": "text", "text": ANSWER[:5]}, {"type": "text", "text": ANSWER[5:]}],
        [{"type": "thinking", "thinking": [{"text": "Hm."}]}, {"type": "text", "text": ANSWER}],
    ],
)
def test_content_in_parts_is_the_text_of_those_that_have_one(content):
    assert reply_of(completion(content), 0.0).text == ANSWER


def test_a_message_without_content_is_an_empty_answer():
    assert reply_of(completion(None), 0.0).text == ""


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        (None, Usage()),
        ({"prompt_tokens": None, "completion_tokens": "7"}, Usage()),
        ({"prompt_tokens": float("inf"), "completion_tokens": float("nan")}, Usage()),
        ({"prompt_tokens": -5, "completion_tokens": 4.0}, Usage(0, 0, 4)),
        ({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 50}}, Usage(5, 5, 0)),
        ({"prompt_tokens": 10**30}, Usage(10**9, 0, 0)),
    ],
)
def test_tokens_are_never_negative_or_endless_and_no_more_are_cached_than_came_in(told, usage):
    assert used(told) == usage


@pytest.mark.parametrize("odd", [True, 7, {"why": "no"}, ["a"]])
def test_what_should_be_a_text_becomes_one(odd):
    reply = reply_of(completion(refusal=None, finish_reason=odd) | {"model": odd}, 0.0)
    assert isinstance(reply.finish_reason, str)
    assert isinstance(reply.model, str)
    assert reply_of({"choices": [{"message": {"content": "", "refusal": odd}}]}, 0.0).refusal


def test_a_counted_completion_without_choices_was_filtered_and_one_that_was_not_counted_is_none():
    filtered = reply_of({"choices": [], "usage": {"prompt_tokens": 900}}, 0.0)
    assert (filtered.finish_reason, filtered.text, filtered.usage) == ("content_filter", "", Usage(900))
    with pytest.raises(LookupError):
        reply_of({"choices": [], "usage": None}, 0.0)


@pytest.mark.parametrize("content", ["half \ud83d", [{"type": "text", "text": "half \ud83d"}]])
def test_an_answer_that_ends_in_half_an_emoji_can_be_counted_and_stored(ask, content):
    reply = reply_of({"choices": [{"message": {"content": content}}]}, 0.0)
    assert reply.text == "half ?"
    assert counted(reply, ask(1)).usage.output_tokens


def test_tokens_that_the_server_does_not_count_are_counted_here(ask):
    request = ask(0)
    reply = counted(Reply(ANSWER), request)
    assert reply.usage.input_tokens == request.input_tokens
    assert 2 <= reply.usage.output_tokens <= 12
    told = Reply(ANSWER, usage=Usage(5, 1, 6))
    assert counted(told, request) == told


class Uncounting(OpenAIServer):
    async def completion(self, body, *, batched=False):
        answer = await super().completion(body, batched=batched)
        told = json.loads(answer.body)
        told.pop("usage", None)
        return Answer.of(told, answer.status)


def test_a_quota_is_kept_to_where_the_server_does_not_count(engine, ask):
    with Uncounting() as server:
        asking = engine(server, tokens_per_minute=12_000)
        outcomes = list(asking.complete([ask(number) for number in range(4)], Control()))
    assert all(outcome.reply.usage.input_tokens == 940 for outcome in outcomes)
    assert asking._pacer._tokens.level < 12_000 - 4 * 940
