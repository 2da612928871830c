"""Finding papers in the cache by many names at once, or by being like another: ``lookup`` and ``related``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.lookup import line, ranking
from broadsheet.cli.options import CacheOptions, JsonOption, start
from broadsheet.cli.printing import note, say, say_json
from broadsheet.errors import UserError
from broadsheet.store import Store

_MOST_BYTES = 64_000_000


@command("lookup")
def lookup_(
    *,
    file: Annotated[
        str, typer.Argument(help="A file of ids, DOIs, addresses or whole titles, one a line; - reads stdin.")
    ] = "-",
    options: CacheOptions,
) -> None:
    """Print a JSON record a line for each name in a file, in its order; never calls a model.

    The exit status is 1 if some are not in the cache; they are named on standard error.
    """
    wanted = [name for name in map(str.strip, _read(file).splitlines()) if name]
    missing = 0
    with Store.open(start(options).db, create=False, reading=True) as store:
        for name in wanted:
            found = store.records.named(name)
            if len(found) == 1:
                say_json(found[0].as_dict(store.annotation))
                continue
            missing += 1
            several = f"; several papers do: {', '.join(each.id for each in found)}" if found else ""
            note(f"No single paper answers to {name[:200]!r}{several}.")
    if missing:
        raise typer.Exit(1)


@command("related")
def related_(
    *,
    id_or_title: Annotated[
        str, typer.Argument(help="An id or its first letters, an address, a title or a part of it.")
    ],
    limit: Annotated[int, typer.Option("--limit", min=1, max=300, help="At most so many.")] = 10,
    as_json: JsonOption = False,
    options: CacheOptions,
) -> None:
    """List the cached papers that are most like one, most alike first; with --json, one record a line."""
    settings = start(options)
    with Store.open(settings.db, create=False, reading=True) as store:
        paper_id = store.get(id_or_title).id
        with ranking(store, settings):
            found = store.related(paper_id, limit)
            for record in found:
                if as_json:
                    say_json(record.as_dict(store.annotation))
                else:
                    say(line(record))
    if not found and not as_json:
        note("No paper in the cache is like it.")


def _read(file: str) -> str:
    """Return what stands in a file, or on standard input.

    Raises:
        UserError: It cannot be read, or is no list of names.
    """
    try:
        if file == "-":
            content = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}); name a file of ids or titles.") from error
    if len(content) > _MOST_BYTES:
        raise UserError(f"{file} is larger than {_MOST_BYTES // 1_000_000} MB; split it into several files.")
    return content.decode("utf-8-sig", errors="replace")
