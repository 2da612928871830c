"""``check-links``: check whether the cached code links still work."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated

import typer

from broadsheet.cli.app import DbOption, JsonOption, QuietOption, VerboseOption, app, note, say, start
from broadsheet.cli.progress import progress
from broadsheet.store import Store

_All = typer.Option("--all", help="Also links that were checked within a week.")
_Private = typer.Option("--allow-private", help="Also ask private and loopback addresses.")


@app.command("check-links")
def check_links(
    every: Annotated[bool, _All] = False,
    allow_private: Annotated[bool, _Private] = False,
    as_json: JsonOption = False,
    db: DbOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Check whether each code link still works; the newsletter marks those that are gone."""
    from broadsheet.links import Checked, Manners, check

    settings = start(db=db, quiet=quiet, verbose=verbose)
    states: Counter[str] = Counter({"live": 0, "gone": 0, "unknown": 0})
    with Store.open(settings.db, create=False) as store, progress("Checking links", quiet=quiet) as advance:
        urls = store.links.due(all_links=every)

        def keep(checked: Checked) -> None:
            store.links.keep(checked.url, checked.state, checked.detail)
            states[checked.state] += 1
            advance(states.total(), len(urls), "")
            if verbose or checked.state == "gone":
                note(f"{checked.state}: {checked.url} ({checked.detail})")

        check(urls, keep, Manners(allow_private=allow_private))
    if as_json:
        say(json.dumps(states))
    else:
        say(f"{len(urls):,} links checked: " + ", ".join(f"{n:,} {state}" for state, n in states.items()))
