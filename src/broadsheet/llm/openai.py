"""The openai engine: any OpenAI-compatible server, many requests at once, answers in the order they come.

``OPENAI_API_KEY``, ``OPENAI_BASE_URL`` and the rest of the environment mean what they mean to the openai
package. Requests are asked by an event loop in a thread of its own; the caller sees a plain iterator, and all
that is remembered in the database is written by the caller's thread, between two outcomes. The openai package
itself is loaded with the first request: a run that finds everything annotated never waits for it.
"""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from broadsheet.config import Settings
from broadsheet.errors import ConfigError, StoreError
from broadsheet.llm import Outcome, Request
from broadsheet.llm.conversation import Asks, Conversation, Stopped
from broadsheet.llm.negotiation import Dialect, Negotiation
from broadsheet.llm.pacing import Pacer
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from broadsheet.store.processes import new_name

if TYPE_CHECKING:
    import openai  # noqa: TID251 - a provider's own package

    from broadsheet.store.endpoints import Endpoint

NO_KEY = "none"
"""What is sent to a server that asks for no key; the openai package insists on one."""
SHARING_INTERVAL_S = 0.5
"""How long it may take until a process knows that another has begun or ended."""
TICK_S = 0.2
"""How often it is asked whether to stop, while no answer comes."""


@cache
def load_client() -> None:
    """Load the openai package, which takes as long as a short run that finds everything annotated.

    What it holds lives as long as the process: a garbage collection that walks through all of it takes 0.1 s,
    and would come while hundreds of requests are being sent.
    """
    import_module("broadsheet.llm.exchange")
    gc.freeze()


def new_client(max_in_flight: int) -> openai.AsyncOpenAI:
    """The openai client as the environment sets it up, its own retries off.

    The aiohttp transport halves the time of a call (measured on 411 at once: 1.1 ms against 2.4 ms).
    """
    import httpx2
    import openai  # noqa: TID251 - a provider's own package

    limits = httpx2.Limits(max_connections=max_in_flight, max_keepalive_connections=max_in_flight)
    client = openai.AsyncOpenAI(
        api_key=os.environ.get("OPENAI_API_KEY") or NO_KEY,
        max_retries=0,
        http_client=openai.DefaultAioHttpClient(limits=limits),
    )
    # Until one request knows what system this is, each asks in a thread of its own: 411 that are sent at once
    # wait for that, in one run of ten for 0.3 s.
    client._platform = client.platform_headers()["X-Stainless-OS"]  # type: ignore[assignment] # noqa: SLF001
    return client


def endpoint_address() -> str:
    """Where requests go, without any credentials that stand in the address; a name in the database."""
    address = urlsplit(os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1")
    return urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2])).rstrip("/")


class OpenAILLM:
    """Asks an OpenAI-compatible server; see `broadsheet.llm.Interruptible`."""

    engine = "openai"
    prompted = True

    def __init__(self, settings: Settings, store: Store) -> None:
        self.model = settings.model
        self.stop: Callable[[], bool] = lambda: False
        self._stopping = False
        self._settings = settings
        self._endpoint: Endpoint = store.endpoint(endpoint_address(), settings.model)
        self._process = new_name()
        self._dialect = Dialect.parse(self._endpoint.dialect())
        self._learnt: Dialect | None = None
        self._shared_at = float("-inf")
        self._pacer = Pacer(
            requests_per_minute=settings.requests_per_minute,
            tokens_per_minute=settings.tokens_per_minute,
            max_in_flight=settings.max_in_flight,
        )

    @property
    def waiting(self) -> str:
        """Why nothing is sent at the moment, such as ``429: 12 s``; empty while it goes on."""
        if self._stopping:
            return f"stopping: {self._pacer.under_way} under way"
        return self._pacer.waiting

    def complete(self, requests: Sequence[Request]) -> Iterator[Outcome]:
        """Ask all requests, those too that are appended meanwhile; outcomes as they come.

        Once `stop` says true nothing more is sent, and the iterator ends with the last answer under way.
        Closing the iterator cancels what is under way.

        Raises:
            LLMMisconfigured: The key, model or address is refused; answers under way have been yielded.
            LLMUnavailable: The server has stopped answering; the same.
        """
        sent = done = 0
        self._stopping = False
        if not requests:
            return
        try:
            self._join()
            with Conversation(self._opened) as conversation:
                while True:
                    self._share_limits(conversation)
                    if self.stop():
                        conversation.stop()
                        self._stopping = True
                    elif fresh := requests[sent:]:
                        conversation.send(fresh)
                        sent += len(fresh)
                    if done == sent:
                        return
                    outcome = conversation.next(TICK_S)
                    self._remember()
                    if outcome:
                        done += 1
                        yield outcome
        except Stopped:
            return
        finally:
            with suppress(StoreError):  # what ended the run is to be told; a row that stays is passed over
                self._endpoint.leave(self._process)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Asks]:
        from broadsheet.llm.exchange import Exchange

        async with new_client(self._settings.max_in_flight) as client:
            yield Exchange(
                client,
                self.model,
                self._pacer,
                Negotiation(self._dialect, self._learn, model=self.model),
                first_token_timeout_s=self._settings.first_token_timeout_s,
                slowest_tokens_per_s=self._settings.slowest_tokens_per_s,
            )

    def _learn(self, dialect: Dialect) -> None:
        self._learnt = dialect

    def _remember(self) -> None:
        if self._learnt:
            self._dialect, self._learnt = self._learnt, None
            self._endpoint.remember_dialect(self._dialect.text)

    def _join(self) -> None:
        """Register among those who ask before openai is loaded, and look again for others after.

        So of two that begin together each knows of the other before either sends anything; and who begins
        later asks for the first time when what the earlier one sends at once is with the server.
        """
        others_before = self._endpoint.processes(self._process) > 1
        load_client()
        if self._endpoint.processes(self._process) > 1 or others_before:
            self._pacer.come_late()

    def _share_limits(self, conversation: Conversation) -> None:
        """Divide the limits among the processes that use this database and endpoint.

        Whether there are any is told only by the first answer where the user has set none.
        """
        if monotonic() - self._shared_at >= SHARING_INTERVAL_S:
            self._shared_at = monotonic()
            processes = self._endpoint.processes(self._process)
            conversation.in_loop(lambda: self._pacer.divide(processes))


def require_access() -> None:
    """Check that there is somebody to ask.

    Raises:
        ConfigError: There is neither a key nor an address.
    """
    if not (os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL")):
        raise ConfigError(
            "The openai engines need OPENAI_API_KEY, or OPENAI_BASE_URL for a server without keys;"
            " set one of them or use --engine extractive."
        )


def open_engine(settings: Settings, store: Store, prompts: Prompts) -> OpenAILLM:  # noqa: ARG001 - one signature
    """The engine.

    Raises:
        ConfigError: There is neither a key nor an address.
    """
    require_access()
    return OpenAILLM(settings, store)
