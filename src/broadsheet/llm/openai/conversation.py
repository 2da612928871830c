"""`Conversation`: an event loop in a thread of its own, and the two queues between it and the caller."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Protocol, Self

from broadsheet.errors import LLMError
from broadsheet.llm import Control, Outcome, Request

TICK_S = 0.2
"""How often to look whether to stop, while no answer comes."""
DRAIN_S = 30.0
"""How long to wait for answers under way when no more can come."""


class Stopped(Exception):  # noqa: N818 - a signal, not an error
    """What was with the server has been answered; nothing else was sent."""


class Exchanges(Protocol):
    """Answers one request at a time.

    Attributes:
        under_way: Tasks whose request is with a server at this moment.
        stopping: Set to send nothing more.
    """

    under_way: set[asyncio.Task[None]]
    stopping: bool

    def ask(self, request: Request) -> Awaitable[Outcome]:
        """Ask until there is an outcome."""
        ...


class Conversation:
    """Requests go in, outcomes come out in the order in which they arrive.

    Used as a context by one thread. Leaving it cancels what is under way.

    Args:
        opened: Opens the exchange, in the loop's own thread.
    """

    def __init__(self, opened: Callable[[], AbstractAsyncContextManager[Exchanges]]) -> None:
        self._opened = opened
        self._outcomes: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._requests: asyncio.Queue[Sequence[Request]] = asyncio.Queue()
        self._ending: asyncio.Future[LLMError | Stopped] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="openai", daemon=True)
        self._main: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.in_loop(lambda: self._main.cancel() if self._main else None)
        self._thread.join()

    def in_loop(self, action: Callable[[], object]) -> None:
        """Have the loop's thread do something; nothing happens once it has ended."""
        try:
            self._loop.call_soon_threadsafe(action)
        except RuntimeError:  # the loop is closed
            return

    def send(self, requests: Sequence[Request]) -> None:
        """Hand over requests; returns at once."""
        self.in_loop(lambda: self._requests.put_nowait(requests))

    def stop(self) -> None:
        """Send nothing more; what is with the server is awaited, and then `next` raises `Stopped`."""
        self.in_loop(lambda: self._end(Stopped()))

    def next(self, timeout_s: float) -> Outcome | None:
        """Return the next outcome, or None where none came in time.

        Raises:
            LLMError: No more will come; all that was answered has been drawn before.
            Stopped: The same, because `stop` was called.
        """
        try:
            came = self._outcomes.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if isinstance(came, BaseException):
            raise came
        return came

    def _run(self) -> None:
        try:
            self._main = self._loop.create_task(self._converse())
            self._loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 - whatever it is, the drawing thread must hear of it
            self._outcomes.put(error)
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _converse(self) -> None:
        async with self._opened() as exchange:
            tasks: set[asyncio.Task[None]] = set()

            async def one(request: Request) -> None:
                try:
                    self._outcomes.put(await exchange.ask(request))
                except LLMError as error:
                    self._end(error)

            async def feed() -> None:
                while True:
                    for request in await self._requests.get():
                        task = self._loop.create_task(one(request))
                        tasks.add(task)
                        task.add_done_callback(lambda done: self._ended(done, tasks))
                        await asyncio.sleep(0)  # the first are on their way while the others are prepared

            feeding = self._loop.create_task(feed())
            try:
                ending = await self._ending
                feeding.cancel()
                await _drain(exchange, tasks, None if isinstance(ending, Stopped) else DRAIN_S)
                self._outcomes.put(ending)
            finally:
                feeding.cancel()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(feeding, *tasks, return_exceptions=True)

    def _end(self, ending: LLMError | Stopped) -> None:
        if not self._ending.done():
            self._ending.set_result(ending)

    def _ended(self, task: asyncio.Task[None], tasks: set[asyncio.Task[None]]) -> None:
        tasks.discard(task)
        if not task.cancelled() and (bug := task.exception()):
            self._outcomes.put(bug)


async def _drain(exchange: Exchanges, tasks: set[asyncio.Task[None]], timeout_s: float | None) -> None:
    """Wait for the answers under way, which are paid for, and send nothing more."""
    exchange.stopping = True
    for task in tasks - exchange.under_way:
        task.cancel()
    if under_way := tasks & exchange.under_way:
        await asyncio.wait(under_way, timeout=timeout_s)


def outcomes_of(
    opened: Callable[[], AbstractAsyncContextManager[Exchanges]],
    requests: Sequence[Request],
    control: Control,
    waiting: Callable[[bool], str],
    remember: Callable[[], None] = lambda: None,
) -> Iterator[Outcome]:
    """Ask all requests, those too that are appended meanwhile; yield outcomes as they come.

    Once ``control`` says to stop, nothing more is sent, and the iterator ends with the last answer under way.
    Closing the iterator cancels what is under way.

    Args:
        opened: Opens the exchange, in the loop's own thread.
        requests: What to ask.
        control: How the run steers.
        waiting: Returns what is waited for; told whether the run is stopping.
        remember: Called between two outcomes, in the caller's thread.

    Raises:
        LLMError: No more will come; answers under way have been yielded.
    """
    sent = done = 0
    stopping = False
    try:
        with Conversation(opened) as conversation:
            while True:
                if control.heartbeat(waiting(stopping)):
                    conversation.stop()
                    stopping = True
                elif fresh := requests[sent:]:
                    conversation.send(fresh)
                    sent += len(fresh)
                if done == sent:
                    return
                outcome = conversation.next(TICK_S)
                remember()
                if outcome:
                    done += 1
                    yield outcome
    except Stopped:
        return
