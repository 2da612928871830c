"""Ten thousand random query strings: every path answers with what was asked for, or says why not."""

from __future__ import annotations

import asyncio
import random
import string
from collections import Counter
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI

COUNT = 10_000
PATHS = (
    *("/papers", "/api/papers", "/papers.atom", "/papers.json", "/papers.csv", "/tag/robotics", "/"),
    *("/day/2026-01-05", "/week/2026-W02", "/month/2026-01", "/subscribe", "/archive", "/tags"),
    *("/p/x", "/api/papers/x", "/api/related/x", "/api/editions/2026-01-05", "/api/tags"),
)
NAMES = (
    *("tag", "match", "not", "without", "contribution", "author", "source", "q", "search", "from", "to"),
    *("since", "until", "code", "repository", "published_since", "where", "sort", "limit", "cursor", "x"),
)
VALUES = (
    *("", "1", "0", "any", "all", "robotics", "survey", "method", "available", "new", "top", "2026-01-05"),
    *("0001-01-01", "9999-12-31", "2026-02-30", "-1", "1e9", "99999999999999999999", "bzA", "\x00", "\ud800"),
    *('"', "'", "*", "-", "(", "OR", "NOT", "NEAR(", "a:b", "tags : x", "^", "{", "\\", "%", "%zz", "\u202e"),
    *("code.status=none", "=", "nothing=1", "keywords=a", "ﬁ", "水", "\U0001f600", "a" * 600, "a " * 200),
)


def _value(dice: random.Random) -> str:
    if dice.random() < 0.7:
        return dice.choice(VALUES)
    return "".join(dice.choices(string.printable + "äß水\u200b", k=dice.randint(0, 30)))


def _query(dice: random.Random) -> str:
    kind = dice.random()
    if kind < 0.1:
        return "".join(dice.choices("abc=&;%+#?[]0123456789\t", k=dice.randint(0, 60)))
    pairs = [(dice.choice(NAMES), _value(dice)) for _ in range(dice.randint(0, 8))]
    return "&".join(f"{name}={quote(value, safe='', errors='surrogatepass')}" for name, value in pairs)


async def _status(application: FastAPI, path: str, query: str) -> int:
    """What the application answers to a query, which no client has put in order first."""
    statuses = []

    sent = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        if (message := next(sent, None)) is None:
            await asyncio.Event().wait()  # the client stays until it has been answered
        return message or {}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(errors="surrogatepass"),
        "headers": [(b"host", b"127.0.0.1:8000")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    await application(scope, receive, send)
    return int(statuses[0])


@pytest.mark.timeout(600)
def test_no_query_string_is_a_fault_of_the_server(application: FastAPI) -> None:
    dice = random.Random(20260105)
    statuses: Counter[int] = Counter()

    async def ask() -> None:
        for _ in range(COUNT):
            path, query = dice.choice(PATHS), _query(dice)
            try:
                status = await _status(application, path, query)
            except Exception as error:
                raise AssertionError(f"{path}?{query}") from error
            statuses[status] += 1
            assert status in {200, 302} or 400 <= status < 500, f"{path}?{query}"

    asyncio.run(ask())
    assert statuses[200] > COUNT / 10
    assert statuses[422] > COUNT / 10
