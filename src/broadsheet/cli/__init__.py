"""The command line: one module for each group of commands."""

from broadsheet.cli import (  # noqa: F401 - importing a module registers its commands
    annotate,
    backfill,
    backup,
    bounces,
    check_links,
    compose,
    correcting,
    doctor,
    edit,
    embed,
    evaluate,
    export,
    fetch,
    finding,
    import_parts,
    init,
    lookup,
    mcp,
    replies,
    run,
    send,
    serve,
    site,
    stats,
    subscribers,
    worker,
)
from broadsheet.cli.app import app, main

__all__ = ["app", "main"]
