"""What the tests of the engines share: a cache, requests about invented papers, an engine on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broadsheet.config import Settings
from broadsheet.fencing import fenced
from broadsheet.llm import Request, Turn
from broadsheet.llm.openai import OpenAILLM
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.record import Maker
from broadsheet.schema import reply_schema
from broadsheet.store import Store
from servers.openai_server import OpenAIServer

MAKER = Maker("openai-batch", "gpt-5-mini", "prompt", "schema")
Ask = Callable[..., Request]
Engine = Callable[..., OpenAILLM]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "broadsheet.db") as store:
        yield store


@pytest.fixture(scope="session")
def ask() -> Ask:
    """``ask(n, papers=1)``: the n-th request, about so many papers of its own."""
    schema = reply_schema(Prompts.load().taxonomy)

    def make(number: int = 0, papers: int = 1, *, max_output_tokens: int = 1000) -> Request:
        sent = {
            f"P{place}": fenced(
                Paper(
                    title=f"Lantern {number}-{place}: a paper that nobody wrote", abstract="We light it." * 5
                )
            )
            for place in range(1, papers + 1)
        }
        words = "\n".join(
            f'<paper ref="{ref[1:]}">\n{paper.title}\n{paper.text}\n</paper>' for ref, paper in sent.items()
        )
        turns = (Turn("system", "Annotate."), Turn("user", words))
        return Request(f"r{number}", MAKER, sent, turns, schema, 900 + 40 * papers, max_output_tokens)

    return make


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, store: Store) -> Engine:
    """``engine(server, **settings)``: the openai engine, set up by the environment as a user would."""

    def make(server: OpenAIServer, **settings: object) -> OpenAILLM:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-test")
        return OpenAILLM(Settings.load(engine="openai", **{"model": "gpt-4o-mini", **settings}), store)

    return make
