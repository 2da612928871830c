"""The table of engines: where each is, and what must be known of it where it is not open.

An engine is a module under ``llm/`` with ``open_engine(settings, store, prompts) -> LLM``, and a line here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine.

    Attributes:
        module: Imported when the engine is opened, so that none of its dependencies is loaded before.
        by_rules: Whether its output is extracted from the abstract by rules, and labelled so.
        price_factor: What it costs as a multiple of the model's list price.
        asks_server: Whether it needs a server, with a key or an address in the environment.
    """

    module: str
    by_rules: bool = False
    price_factor: float = 1.0
    asks_server: bool = False


ENGINES: Mapping[str, Engine] = {
    "extractive": Engine("broadsheet.llm.extractive", by_rules=True, price_factor=0.0),
    "openai": Engine("broadsheet.llm.openai", asks_server=True),
    "openai-batch": Engine("broadsheet.llm.openai_batch", price_factor=0.5, asks_server=True),
    "scripted": Engine("broadsheet.llm.scripted", price_factor=0.0),
}


EDITOR = "editor"
"""The engine of corrections by hand. It asks nothing, so it is not among those to choose from."""


def engine_of(name: str) -> Engine:
    """Return the engine of this name; one that this version does not know is taken for a model's."""
    return ENGINES.get(name) or Engine("")


def rank(name: str) -> int:
    """Return whose annotation wins: the editor's over a model's, and that over one that rules extracted."""
    return 2 if name == EDITOR else 0 if engine_of(name).by_rules else 1


def how_made(name: str, model: str) -> str:
    """Return how an engine makes its annotations, in words."""
    if name == EDITOR:
        return "corrected by the editor"
    if engine_of(name).by_rules:
        return "extracted from the abstract by rules"
    return f"written by {model} from the abstract"


def default_engine() -> str:
    """Return the engine to use where none is chosen."""
    names = ("OPENAI_API_KEY", "OPENAI_BASE_URL")
    return "openai" if any(os.environ.get(name, "").strip() for name in names) else "extractive"


def rules() -> list[str]:
    """Return the names of the engines that extract by rules."""
    return [name for name, engine in ENGINES.items() if engine.by_rules]


def free() -> list[str]:
    """Return the names of the engines that cost nothing."""
    return [name for name, engine in ENGINES.items() if not engine.price_factor]
