"""The command line: one module for each group of commands."""

from broadsheet.cli import fetch, lookup, run, stats
from broadsheet.cli.app import app, main

__all__ = ["app", "fetch", "lookup", "main", "run", "stats"]
