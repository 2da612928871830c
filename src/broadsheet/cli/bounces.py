"""``bounces``: read reports of failed delivery."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.options import CacheOptions, JsonOption, start
from broadsheet.cli.printing import say_result
from broadsheet.store import Store
from broadsheet.text import plural


@command("bounces")
def bounces_(
    *,
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="A message, an mbox, a maildir, or - for standard input.")
    ],
    as_json: JsonOption = False,
    options: CacheOptions,
) -> None:
    """Read reports of failed delivery (DSN), and write no more to addresses that do not exist."""
    settings = start(options)
    from broadsheet.deliver.returns import messages_in, read_bounces

    messages: Iterator[bytes] = iter([sys.stdin.buffer.read()]) if str(path) == "-" else messages_in(path)
    with Store.open(settings.db, create=False) as store:
        report = read_bounces(store, messages)
    failed = plural(report.failures, "failed delivery", "failed deliveries")
    words = (
        f"{plural(report.messages, 'message')}: {failed}, {report.new:,} new;"
        f" {plural(report.suppressed, 'reader')} suppressed."
    )
    say_result(asdict(report), words, as_json=as_json)
