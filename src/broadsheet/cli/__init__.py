"""The command line: one module for each group of commands."""

from broadsheet.cli import (
    annotate,
    check_links,
    compose,
    doctor,
    evaluate,
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
    "check_links",
    "compose",
    "doctor",
    "evaluate",
    "fetch",
    "lookup",
    "main",
    "render",
    "run",
    "stats",
]
