"""The openai engine before a server that we have not written: llama-cpp-python's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from broadsheet.llm import Control
from broadsheet.llm.negotiation import Dialect
from servers.real import Relay, llama_cpp_server

REASON = "llama-cpp-python's server is not installed: pip install 'llama-cpp-python[server]' gguf"
pytest.importorskip("llama_cpp.server", reason=REASON)
pytest.importorskip("gguf", reason=REASON)

FREE = Control()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with llama_cpp_server(Path(sys.executable), tmp_path_factory.mktemp("llama"), context=8192) as url:
        yield url


def test_llama_cpp_python_refuses_the_strict_schema_once_and_is_asked_its_own_way_ever_after(
    engine, ask, url
):
    request = ask(max_output_tokens=50)
    with Relay(url) as server:
        (first,) = engine(server, model="tiny").complete([request], FREE)
        learning = [call.status for call in server.seen]
        (second,) = engine(server, model="tiny").complete([request], FREE)
        learnt = Dialect.parse(engine(server, model="tiny")._endpoint.dialect())
    assert learning == [500, 200]
    assert [call.status for call in server.seen] == [500, 200, 200]
    assert server.seen[-1].body["response_format"] == {"type": "json_object", "schema": dict(request.schema)}
    assert learnt.answer_format == "json_object_schema"
    assert first.reply.model == second.reply.model == "tiny"
    assert second.reply.usage.input_tokens > 0


def test_llama_cpp_python_passes_over_the_limits_new_name_and_heeds_its_old_one(engine, ask, url):
    request = ask(max_output_tokens=5)  # the shortest answer that the schema allows has 13
    with Relay(url) as server:
        (over,) = engine(server, model="tiny").complete([request], FREE)
        (cut,) = engine(server, model="tiny").complete([request], FREE)
    assert "max_completion_tokens" in server.seen[0].body
    assert over.reply.usage.output_tokens > 5
    assert server.seen[-1].body["max_tokens"] == 5
    assert cut.reply.usage.output_tokens == 5


def test_a_prompt_beyond_its_context_fails_alone_with_its_reason(engine, ask, url):
    with Relay(url) as server:
        long, short = engine(server, model="tiny").complete(
            [ask(0, 60, max_output_tokens=20), ask(1)], Control()
        )
    answers = {outcome.request.id: outcome for outcome in (long, short)}
    assert "maximum context length is 8192 tokens" in answers["r0"].error
    assert answers["r1"].reply
