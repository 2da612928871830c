"""What the tests of the engines share: a cache, requests about invented papers, an engine on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broadsheet.config import Settings
from broadsheet.llm import Request, Turn
from broadsheet.llm.openai import OpenAILLM
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.schema import reply_schema
from broadsheet.store import Store
from servers.openai_server import OpenAIServer

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
        asked = {
            f"P{place}": Paper(
                title=f"Lantern {number}-{place}: a paper that nobody wrote", abstract="We light it." * 5
            )
            for place in range(1, papers + 1)
        }
        fenced = "\n".join(
            f'<paper ref="{ref}">\n{paper.title}\n{paper.abstract}\n</paper>' for ref, paper in asked.items()
        )
        turns = (Turn("system", "Annotate."), Turn("user", fenced))
        return Request(f"r{number}", asked, turns, schema, 900 + 40 * papers, max_output_tokens)

    return make


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, store: Store) -> Engine:
    """``engine(server, **settings)``: the openai engine, set up by the environment as a user would."""

    def make(server: OpenAIServer, **settings: object) -> OpenAILLM:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-test")
        return OpenAILLM(Settings.load(engine="openai", **{"model": "gpt-4o-mini", **settings}), store)

    return make
