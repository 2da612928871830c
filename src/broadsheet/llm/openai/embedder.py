"""`EmbeddingLLM` asks for the vectors of papers, `SearchEmbedder` for that of a search while a reader waits.

Both ask the address and with the key that the openai engine has.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from broadsheet import tokens
from broadsheet.config import Settings
from broadsheet.errors import BroadsheetError, LLMUnavailable
from broadsheet.fencing import FencedPaper
from broadsheet.llm import Request, Usage
from broadsheet.llm.access import endpoint_address, require_access
from broadsheet.llm.negotiation import Negotiation
from broadsheet.llm.openai import OpenAILLM
from broadsheet.llm.openai.client import new_client
from broadsheet.llm.openai.conversation import Exchanges
from broadsheet.llm.openai.pacing import Pacer
from broadsheet.paper import Paper
from broadsheet.record import Maker
from broadsheet.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from broadsheet.llm.openai.embeddings import EmbeddingExchange, EmbeddingReply

ENGINE = "openai"
SEARCH_TIMEOUT_S = 4.0
"""How long a search waits for its vector; then words and the packaged model's vectors rank alone."""
REST_S = 60.0
"""How long a server that gave none is left alone, so that not every search waits for it."""
_REMEMBERED = 1_024
_SEARCHES_AT_ONCE = 8
_LONGEST_SEARCH = 2_000
_NO_ACCESS = (
    "Embeddings need OPENAI_API_KEY, or OPENAI_BASE_URL for a server without keys; set one of them or unset"
    " embedding_model."
)
_log = logging.getLogger(__name__)


class EmbeddingLLM(OpenAILLM):
    """Asks an OpenAI-compatible server for vectors, many requests at once."""

    def __init__(self, settings: Settings, store: Store) -> None:
        from broadsheet.llm.openai.embeddings import EmbeddingDialect

        super().__init__(settings.model_copy(update={"model": settings.embedding_model}), store)
        self._spoken = EmbeddingDialect.parse(self._endpoint.dialect())

    @asynccontextmanager
    async def _exchange(self) -> AsyncIterator[Exchanges]:
        from broadsheet.llm.openai.embeddings import EmbeddingDialect, EmbeddingExchange

        async with new_client(self._settings.max_in_flight) as client:
            spoken = self._spoken or EmbeddingDialect()
            negotiation = Negotiation(spoken, self._learn, proven=self._spoken is not None)
            yield EmbeddingExchange(client, self._settings, self._pacer, negotiation)


def open_embedding(settings: Settings, store: Store) -> EmbeddingLLM:
    """Open what embeds papers.

    Raises:
        ConfigError: There is neither a key nor an address.
    """
    require_access(_NO_ACCESS)
    return EmbeddingLLM(settings, store)


def maker_of(model: str) -> Maker:
    """Return what vectors depend on besides the paper: no prompt and no schema."""
    return Maker(ENGINE, model, "", "")


def request_for(sent: dict[str, FencedPaper], model: str, times: int = 0) -> Request:
    """Return a request for the vectors of some texts, with tokens over-estimated."""
    from broadsheet.llm.openai.embeddings import text_of

    return Request(
        id=uuid.uuid4().hex,
        maker=maker_of(model),
        sent=sent,
        turns=(),
        schema={},
        input_tokens=sum(tokens.estimate(text_of(each)) for each in sent.values()),
        max_output_tokens=0,
        purpose="embedding",
        times=times,
    )


class SearchEmbedder:
    """Asks for the vector of a search, and remembers the last thousand; any thread may ask.

    A server that gives none is left alone for a minute; the first time a warning says so. Connections stay
    open between searches, in an event loop of its own: making them anew takes 30 ms of processor time.

    Attributes:
        model: Whose vectors they are.
    """

    def __init__(self, settings: Settings, store: Store | None = None) -> None:
        self.model = settings.embedding_model
        self._settings = settings.model_copy(update={"model": settings.embedding_model})
        self._known = ""
        if store:
            with suppress(BroadsheetError):  # the first search says what is wrong
                self._known = store.endpoint(endpoint_address(), self.model).dialect()
        self._exchange: EmbeddingExchange | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._vectors: OrderedDict[str, NDArray[Any]] = OrderedDict()
        self._rests_until = 0.0
        self._has_warned = False
        self._spent: list[Usage] = []

    def search(self, text: str) -> NDArray[Any] | None:
        """Return the unit vector of what is looked for, or None if the server gives none in time."""
        text = " ".join(text[:_LONGEST_SEARCH].split())
        with self._lock:
            if (found := self._vectors.get(text)) is not None:
                self._vectors.move_to_end(text)
                return found
            if not text or time.monotonic() < self._rests_until:
                return None
        try:
            return self.ask(text)
        except BroadsheetError as error:
            self._rest(error)
            return None

    def ask(self, text: str) -> NDArray[Any]:
        """Ask for the unit vector of a text.

        Raises:
            ConfigError: There is neither a key nor an address.
            LLMError: The server gives no vector in time, or one without a direction.
        """
        require_access(_NO_ACCESS)
        reply = asyncio.run_coroutine_threadsafe(self._in_time(text), self._running()).result()
        vector = _usable(reply)
        with self._lock:
            self._spent.append(reply.usage)
            self._vectors[text] = vector
            while len(self._vectors) > _REMEMBERED:
                self._vectors.popitem(last=False)
        return vector

    def take_spent(self) -> list[Usage]:
        """Return the tokens of each search since the last call."""
        with self._lock:
            spent, self._spent = self._spent, []
        return spent

    def close(self) -> None:
        """Close its connections; a later search opens others."""
        with self._lock:
            loop, self._loop = self._loop, None
            thread, self._thread = self._thread, None
        if loop and thread:
            asyncio.run_coroutine_threadsafe(self._disconnect(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="searches", daemon=True)
                self._thread.start()
            return self._loop

    async def _disconnect(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange:
            await exchange.client.close()

    async def _in_time(self, text: str) -> EmbeddingReply:
        from broadsheet.llm.openai.embeddings import EmbeddingReply

        request = request_for({"0": FencedPaper(Paper(title=text), text, "")}, self.model)
        try:
            async with asyncio.timeout(SEARCH_TIMEOUT_S):
                outcome = await self._connected().ask(request)
        except TimeoutError as error:
            raise LLMUnavailable(f"no vector came within {SEARCH_TIMEOUT_S:.0f} s") from error
        if not isinstance(outcome.reply, EmbeddingReply):
            raise LLMUnavailable(f"the server gives no vector: {outcome.error}")
        return outcome.reply

    def _connected(self) -> EmbeddingExchange:
        from broadsheet.llm.openai.embeddings import EmbeddingDialect, EmbeddingExchange

        if self._exchange is None:
            known = EmbeddingDialect.parse(self._known)
            negotiation = Negotiation(known or EmbeddingDialect(), lambda _: None, proven=known is not None)
            pacer = Pacer(max_in_flight=_SEARCHES_AT_ONCE)
            client = new_client(_SEARCHES_AT_ONCE)
            self._exchange = EmbeddingExchange(client, self._settings, pacer, negotiation)
        return self._exchange

    def _rest(self, error: BroadsheetError) -> None:
        with self._lock:
            self._rests_until = time.monotonic() + REST_S
            said, self._has_warned = self._has_warned, True
        if not said:
            _log.warning("Searches do without embeddings for now: %s", error)


def _usable(reply: EmbeddingReply) -> NDArray[Any]:
    """Return the one vector of an answer, at length 1.

    Raises:
        LLMUnavailable: It holds none that has a direction.
    """
    import numpy as np

    from broadsheet.embedding import unit

    if reply.vectors is None:
        raise LLMUnavailable(f"the answer is of no use: {reply.fault}")
    vector: NDArray[Any] = unit(reply.vectors[0].astype(np.float64)).astype(np.float32)
    if not (np.isfinite(vector).all() and vector.any()):
        raise LLMUnavailable("the vector of the search has no direction")
    return vector
