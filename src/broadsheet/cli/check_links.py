"""``check-links``: check whether the cached code links still work."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.options import JsonOption, TaskOptions, start
from broadsheet.cli.printing import note, say_result
from broadsheet.cli.progress import progress
from broadsheet.store import Store
from broadsheet.text import plural

_All = typer.Option("--all", help="Also links that were checked within a week.")
_Private = typer.Option("--allow-private", help="Also ask private and loopback addresses.")


@command("check-links")
def check_links_(
    *,
    every: Annotated[bool, _All] = False,
    allow_private: Annotated[bool, _Private] = False,
    as_json: JsonOption = False,
    options: TaskOptions,
) -> None:
    """Check whether each code link still works; the newsletter marks those that are gone."""
    from broadsheet.links import Checked, Manners, check

    settings = start(options)
    states: Counter[str] = Counter({"live": 0, "gone": 0, "unknown": 0})
    with Store.open(settings.db, create=False) as store, progress("Checking links") as advance:
        urls = store.links.due(all_links=every)

        def keep(checked: Checked) -> None:
            store.links.keep(checked.url, checked.state, checked.detail)
            states[checked.state] += 1
            advance(states.total(), len(urls), "")
            if options.verbose or checked.state == "gone":
                note(f"{checked.state}: {checked.url} ({checked.detail})")

        check(urls, keep, Manners(allow_private=allow_private))
    counts = ", ".join(f"{number:,} {state}" for state, number in states.items())
    say_result(states, f"{plural(len(urls), 'link')} checked: {counts}", as_json=as_json)
