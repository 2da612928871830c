"""`FleetLLM`: the openai engine of a worker, which sends only what the gate of all workers has admitted.

Every request goes to the server that the gate names; one that its server does not answer goes to another.
An answer counts as under way until it is on the disk, so that a kill loses no more answers than may be under
way.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from broadsheet.cluster.keeping import Keep
from broadsheet.cluster.remote_pacing import Counter, GateClient, RemotePacer, Turn, current_turn
from broadsheet.config import Settings
from broadsheet.errors import LLMError, LLMMisconfigured
from broadsheet.llm import Control, Outcome, Request
from broadsheet.llm.negotiation import Dialect, Negotiation
from broadsheet.llm.openai.client import load_client, new_client
from broadsheet.llm.openai.conversation import Exchanges, outcomes_of
from broadsheet.llm.openai.probe import Probe

if TYPE_CHECKING:
    from broadsheet.llm.openai.exchange import Exchange

ATTEMPTS = 6
_FIRST_BACKOFF_S = 0.25


@dataclass(eq=False)
class FleetExchanges:
    """Answers one request at a time, whichever server does it.

    Attributes:
        exchanges: One for each address.
        counter: The gate.
        keep: Writes an answer to the disk; called in a thread of its own.
        under_way: Tasks whose request is with a server at this moment.
    """

    exchanges: Mapping[str, Exchange]
    counter: Counter
    keep: Keep
    under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        for exchange in self.exchanges.values():
            exchange.under_way = self.under_way

    @property
    def stopping(self) -> bool:
        """Tell whether nothing more is to be sent."""
        return any(exchange.stopping for exchange in self.exchanges.values())

    @stopping.setter
    def stopping(self, stopping: bool) -> None:
        for exchange in self.exchanges.values():
            exchange.stopping = stopping

    async def ask(self, request: Request) -> Outcome:
        """Ask until there is an outcome; a server that fails is passed over.

        Raises:
            LLMMisconfigured: Every server refuses requests.
            LLMUnavailable: The only server does not answer, or no attempt was answered.
            UserError: An answer cannot be written.
        """
        alone = len(self.exchanges) == 1
        for attempt in itertools.count(1):
            tokens = request.input_tokens + request.max_output_tokens
            admission, ticket = await self.counter.admit(tokens)
            turn = Turn(ticket)
            outcome: Outcome | LLMError
            try:
                outcome = await self._ask_at(admission.address, request, turn)
            except LLMError as error:
                if alone:
                    raise
                outcome = error
                if isinstance(error, LLMMisconfigured):
                    self.counter.gate.note("leave_out", admission.address, str(error))
            if isinstance(outcome, Outcome) and (outcome.reply or alone or not turn.has_failed):
                return outcome
            if attempt == ATTEMPTS:
                if isinstance(outcome, LLMError):
                    raise outcome
                return outcome
            await asyncio.sleep(_FIRST_BACKOFF_S * 2 ** (attempt - 1))
        raise AssertionError("the attempts end")

    async def _ask_at(self, address: str, request: Request, turn: Turn) -> Outcome:
        before = current_turn.set(turn)
        try:
            outcome = await self.exchanges[address].ask(request)
            if outcome.reply:
                await self._kept(outcome)
            return outcome
        finally:
            current_turn.reset(before)
            if turn.answered:
                ticket, details = turn.answered
                self.counter.gate.tell("settle", ticket.name, *details)
            if turn.ticket:
                self.counter.gate.tell("refused", turn.ticket.name)

    async def _kept(self, outcome: Outcome) -> None:
        """Write an answer. Its task is under way for so long: one that stops waits for what is paid for."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - narrows the type: a coroutine runs in a task
        self.under_way.add(task)
        try:
            await asyncio.to_thread(self.keep, outcome)
        finally:
            self.under_way.discard(task)


class FleetLLM:
    """Asks the servers of one model.

    Args:
        settings: Name the model, and how long an answer may take.
        addresses: The servers.
        gate: Admits requests.
        name: Names this worker's tickets.

    Attributes:
        keep: Writes an answer; see `keeping`.
    """

    engine = "openai"
    prompted = True
    deferred = False

    def __init__(self, settings: Settings, addresses: Sequence[str], gate: GateClient, name: str) -> None:
        self.model = settings.model
        self._settings = settings
        self._addresses = addresses
        self._gate = gate
        self._name = name
        self._conversations = itertools.count()
        self._dialects = dict.fromkeys(addresses, Dialect.parse(""))
        self._proven: set[str] = set()
        self.keep: Keep = lambda _: None

    def keeping(self, keep: Keep) -> Self:
        """Return this engine with each answer written before its place among those under way is free."""
        one = copy(self)
        one.keep = keep
        return one

    def open_requests(self) -> list[Request]:
        """Return none: a request ends with the run that sent it."""
        return []

    def complete(self, requests: Sequence[Request], control: Control) -> Iterator[Outcome]:
        """Ask all requests; see `broadsheet.llm.openai.OpenAILLM.complete`.

        Raises:
            LLMMisconfigured: Every server refuses requests; answers under way have been yielded.
            LLMUnavailable: No server answers; the same.
        """
        if not requests:
            return
        load_client()
        yield from outcomes_of(self._exchanges, requests, control, lambda stopping: "stopping" * stopping)

    @asynccontextmanager
    async def _exchanges(self) -> AsyncIterator[Exchanges]:
        from broadsheet.llm.openai.exchange import ATTEMPTS as ALONE
        from broadsheet.llm.openai.exchange import Exchange

        counter = Counter(self._gate, f"{self._name}-{next(self._conversations)}")
        attempts = ALONE if len(self._addresses) == 1 else 1
        async with AsyncExitStack() as stack:
            exchanges = {}
            for address in self._addresses:
                client = new_client(self._settings.max_in_flight, address)
                await stack.enter_async_context(client)
                negotiation = Negotiation(
                    self._dialects[address], self._learner(address), model=self._settings.model
                )
                exchanges[address] = Exchange(
                    client,
                    self._settings,
                    RemotePacer(counter, address),
                    negotiation,
                    attempts,
                    self._probe(address),
                )
            yield FleetExchanges(exchanges, counter, self.keep)

    def _learner(self, address: str) -> Any:
        def learn(dialect: Dialect) -> None:
            self._dialects[address] = dialect
            self._proven.add(address)

        return learn

    def _probe(self, address: str) -> Probe:
        """Return what lets one request go first to the only server, unless that has answered before.

        Where there are others, nobody waits for one that may be dead.
        """
        probe = Probe()
        if address in self._proven or len(self._addresses) > 1:
            probe.end()
        return probe
