"""``broadsheet mcp``: what assistants ask of the cache."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout, suppress
from importlib.util import find_spec

from broadsheet.cli.app import command
from broadsheet.cli.last_door import fault_sentence, foreseen
from broadsheet.cli.options import CacheOptions, start
from broadsheet.cli.printing import note
from broadsheet.cli.streams import unguarded
from broadsheet.errors import StoreError, UserError
from broadsheet.prompts import Prompts
from broadsheet.store import Store


@command("mcp")
def mcp_(*, options: CacheOptions) -> None:
    """Answer an assistant's questions about the cache over standard input and output (MCP)."""
    if not find_spec("mcp"):
        raise UserError("What answers assistants is not installed; install it: pip install 'broadsheet[mcp]'")
    from broadsheet.assistant.server import create_server
    from broadsheet.assistant.stdio import run
    from broadsheet.embed import keep_spent, search_embedder

    settings = start(options)
    taxonomy = Prompts.load(settings.prompts, settings.language).taxonomy
    if sys.stdin.isatty():
        note(
            "Waiting for an assistant: its program starts this command and speaks MCP with it (Ctrl-C ends)."
        )
    searches = search_embedder(settings)

    def keep() -> None:
        if searches:
            with suppress(StoreError), Store.open(settings.db, create=False) as store:
                keep_spent(store, settings, searches)

    with redirect_stdout(unguarded(sys.stdout)):  # a terminal's guard has no descriptor of its own
        try:
            run(create_server(settings.db, taxonomy, _sentence, searches, keep))
        finally:
            if searches:
                searches.close()


def _sentence(error: Exception) -> str:
    return str(foreseen(error) or fault_sentence(error))
