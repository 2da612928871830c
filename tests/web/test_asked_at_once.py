"""Many who ask for the same at once are answered from one answer, or each by its own where none is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from broadsheet.web.conditional import Conditional

TURNS = 1_000
"""Of the event loop: everything here takes a few, and what waits for ever fails after so many."""


class Inner:
    """An application that answers once it may, and counts how often it was asked."""

    def __init__(self, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        self.status, self.headers = status, list(headers)
        self.asked = 0
        self.may_answer, self.may_end = asyncio.Event(), asyncio.Event()
        self.may_end.set()

    async def __call__(self, scope, receive, send):
        self.asked += 1
        body = f"{scope['path']} {self.asked}".encode()
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await self.may_end.wait()
        await send({"type": "http.response.body", "body": b"!"})


async def ask(app, path="/"):
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "headers": [],
    }
    status, body = 0, b""

    async def send(message):
        nonlocal status, body
        status = message.get("status", status)
        body += message.get("body", b"")

    await app(scope, None, send)
    return status, body


async def reached(condition):
    for _ in range(TURNS):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("What was waited for did not come.")


async def all_of(asking):
    await reached(lambda: all(task.done() for task in asking))
    return await asyncio.gather(*asking, return_exceptions=True)


def test_one_answer_is_made_for_all_who_wait_for_it():
    async def run():
        inner = Inner()
        app = Conditional(inner)
        asking = [asyncio.create_task(ask(app, f"/{number % 2}")) for number in range(20)]
        await reached(lambda: inner.asked == 2)
        inner.may_answer.set()
        return await all_of(asking), inner.asked

    answers, asked = asyncio.run(run())
    assert asked == 2
    assert {status for status, _ in answers} == {200}
    assert {body for _, body in answers[::2]} == {b"/0 1!"}
    assert {body for _, body in answers[1::2]} == {b"/1 2!"}


@pytest.mark.parametrize(("status", "headers"), [(404, ()), (200, [(b"cache-control", b"no-store")])])
def test_what_is_not_kept_is_answered_to_each(status, headers):
    async def run():
        inner = Inner(status, headers)
        app = Conditional(inner)
        asking = [asyncio.create_task(ask(app)) for _ in range(5)]
        await reached(lambda: inner.asked == 1)
        inner.may_answer.set()
        return await all_of(asking)

    answers = asyncio.run(run())
    assert [each for each, _ in answers] == [status] * 5
    assert {body for _, body in answers} == {f"/ {number}!".encode() for number in range(1, 6)}


def test_who_reads_a_long_answer_keeps_nobody_waiting():
    async def run():
        inner = Inner(200, [(b"cache-control", b"no-store")])
        inner.may_end.clear()
        app = Conditional(inner)
        asking = [asyncio.create_task(ask(app)) for _ in range(3)]
        inner.may_answer.set()
        await reached(lambda: inner.asked == 3)
        inner.may_end.set()
        await all_of(asking)

    asyncio.run(run())


def test_the_others_ask_again_where_one_fails():
    async def run():
        inner, failed = Inner(), []

        async def failing(scope, receive, send):
            if not failed:
                failed.append(True)
                await asyncio.sleep(0)
                raise OSError("the disk is gone")
            await inner(scope, receive, send)

        inner.may_answer.set()
        app = Conditional(failing)
        return await all_of([asyncio.create_task(ask(app)) for _ in range(4)])

    first, *others = asyncio.run(run())
    assert isinstance(first, OSError)
    assert {status for status, _ in others} == {200}


def test_one_newer_answer_is_made_while_many_get_the_old_one(monkeypatch):
    monkeypatch.setattr("broadsheet.web.keeping.FRESH_S", -1.0)

    async def run():
        inner = Inner()
        inner.may_answer.set()
        app = Conditional(inner)
        await ask(app)
        inner.may_answer.clear()
        answers = await all_of([asyncio.create_task(ask(app)) for _ in range(10)])
        assert inner.asked == 2
        inner.may_answer.set()
        return {body for _, body in answers}

    assert asyncio.run(run()) == {b"/ 1!"}
