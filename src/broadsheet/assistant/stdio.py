"""Runs the MCP server over standard input and output, and ends at once when it is to end."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import anyio
from anyio import to_thread
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

_BETWEEN_LOOKS_S = 0.5
"""Windows tells a waiting thread of no Ctrl-C."""


class _Lines(anyio.AsyncFile[str]):
    """Standard input, whose next line nobody waits for once the server has ended."""

    async def readline(self) -> str:
        """Return the next line, or nothing at the end."""
        return await to_thread.run_sync(self.wrapped.readline, abandon_on_cancel=True)


def run(server: Server[Any]) -> None:
    """Serve until the client closes either stream, or until Ctrl-C or SIGTERM; what answers is then dropped.

    Only the protocol goes to standard output: whatever else would be printed there goes to standard error.

    A thread that waits for a line cannot be woken, so the loop and its threads are daemons, which end with
    the process: the questions only read, so nothing is lost.

    Raises:
        Exception: Whatever ended the server, but not that the client is gone.
    """
    ended_by: list[BaseException] = []

    def serve() -> None:
        try:
            anyio.run(_serve, server)
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            ended_by.append(error)

    serving = threading.Thread(target=serve, name="mcp", daemon=True)
    serving.start()
    try:
        while serving.is_alive():
            serving.join(_BETWEEN_LOOKS_S)
    except KeyboardInterrupt:
        return
    for error in map(_unexpected, ended_by):
        if error:
            raise error


async def _serve(server: Server[Any]) -> None:
    # A descriptor of its own: the interpreter may not end while a thread reads from `sys.stdin` itself.
    lines = open(os.dup(sys.stdin.fileno()), encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 - read until the process ends
    async with stdio_server(_Lines(lines)) as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def _unexpected(error: BaseException) -> BaseException | None:
    """Return the first of what went wrong, unless it is only that the client reads no more."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_unexpected, error.exceptions)), None)
    return None if isinstance(error, BrokenPipeError | ConnectionResetError) else error
