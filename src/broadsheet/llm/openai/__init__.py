"""The openai engine: any OpenAI-compatible server, many requests at once, answers in the order they come.

``OPENAI_API_KEY``, ``OPENAI_BASE_URL`` and the rest of the environment mean what they mean to the openai
package. An event loop in a thread of its own asks the requests; the caller sees a plain iterator, and
whatever is remembered in the database is written by the caller's thread, between two outcomes. The openai
package is loaded with the first request: a run that finds everything annotated never waits for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from broadsheet.config import Settings
from broadsheet.llm import Control, Outcome, Request
from broadsheet.llm.access import endpoint_address, require_access
from broadsheet.llm.negotiation import Dialect, Negotiation
from broadsheet.llm.openai.client import load_client, new_client
from broadsheet.llm.openai.conversation import Exchanges, outcomes_of
from broadsheet.llm.openai.pacing import Pacer
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from broadsheet.store.endpoints import Quota


class OpenAILLM:
    """Asks an OpenAI-compatible server.

    Attributes:
        quota: What the server lets through in a minute, as its last answers told, of earlier runs too.
    """

    engine = "openai"
    prompted = True
    deferred = False

    def __init__(self, settings: Settings, store: Store) -> None:
        self.model = settings.model
        self._settings = settings
        self._endpoint = store.endpoint(endpoint_address(), settings.model)
        self._dialect = Dialect.parse(self._endpoint.dialect())
        self._learnt: Dialect | None = None
        self.quota = self._endpoint.quota()
        self._pacer = Pacer(
            requests_per_minute=settings.requests_per_minute,
            tokens_per_minute=settings.tokens_per_minute,
            max_in_flight=settings.max_in_flight,
        )

    def open_requests(self) -> list[Request]:
        """Return none: a request ends with the run that sent it."""
        return []

    def complete(self, requests: Sequence[Request], control: Control) -> Iterator[Outcome]:
        """Ask all requests, those too that are appended meanwhile; yield outcomes as they come.

        Once ``control`` says to stop, nothing more is sent, and the iterator ends with the last answer under
        way. Closing the iterator cancels what is under way.

        Raises:
            LLMMisconfigured: The key, model or address is refused; answers under way have been yielded.
            LLMUnavailable: The server has stopped answering; the same.
        """
        if not requests:
            return
        load_client()
        yield from outcomes_of(self._exchange, requests, control, self._waiting, self._remember)

    def _waiting(self, stopping: bool) -> str:
        """Return why nothing is sent at the moment, such as ``429: 12 s``; empty while requests go out."""
        return f"stopping: {self._pacer.under_way} under way" if stopping else self._pacer.waiting

    @asynccontextmanager
    async def _exchange(self) -> AsyncIterator[Exchanges]:
        from broadsheet.llm.openai.exchange import Exchange

        async with new_client(self._settings.max_in_flight) as client:
            negotiation = Negotiation(self._dialect, self._learn, model=self.model)
            yield Exchange(client, self._settings, self._pacer, negotiation)

    def _learn(self, dialect: Dialect) -> None:
        self._learnt = dialect

    def _remember(self) -> None:
        if self._learnt:
            self._dialect, self._learnt = self._learnt, None
            self._endpoint.remember_dialect(self._dialect.text)
        if self._pacer.has_answers and (told := Quota(*self._pacer.told)) != self.quota:
            self.quota = told
            self._endpoint.remember_quota(told)


def open_engine(settings: Settings, store: Store, prompts: Prompts) -> OpenAILLM:  # noqa: ARG001 - one signature
    """Open the engine.

    Raises:
        ConfigError: There is neither a key nor an address.
    """
    require_access()
    return OpenAILLM(settings, store)
