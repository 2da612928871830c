"""The command line: one module for each group of commands."""

from broadsheet.cli import (
    annotate,
    compose,
    doctor,
    fetch,
    lookup,
    render,
    run,
    stats,
)
from broadsheet.cli.app import app, main

__all__ = [
    "annotate",
    "app",
    "compose",
    "doctor",
    "fetch",
    "lookup",
    "main",
    "render",
    "run",
    "stats",
]
