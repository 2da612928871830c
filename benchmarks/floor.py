"""The least that uvicorn can do: `/N` is answered with N bytes, by an application that does nothing else."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn


async def bare(scope: dict[str, Any], _: object, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Answer with as many bytes as the path says."""
    body = b"x" * int(scope["path"][1:])
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(
        bare, port=int(sys.argv[1]), lifespan="off", http="httptools", log_level="critical", access_log=False
    )
