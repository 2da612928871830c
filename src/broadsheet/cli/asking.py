"""Asks at the terminal, and hears Ctrl-C at any moment of it."""

from __future__ import annotations

import select
import sys

TICK_S = 0.1
"""How soon Ctrl-C is heard at a question."""


def ask(question: str) -> str:
    """Return a line that was typed.

    No read waits, since a signal just before one would be heard only after it.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
        EOFError: The terminal was closed.
    """
    print(question, end="", file=sys.stderr, flush=True)  # noqa: T201 - a front door prints
    while sys.platform != "win32" and not select.select([sys.stdin], [], [], TICK_S)[0]:
        pass
    typed = sys.stdin.readline()
    if not typed:
        raise EOFError
    return typed.strip()
