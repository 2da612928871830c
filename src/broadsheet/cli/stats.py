"""``stats``: what the cache holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from broadsheet.cli.app import command
from broadsheet.cli.options import MOST_ROWS, CacheOptions, JsonOption, start
from broadsheet.cli.printing import say_result
from broadsheet.cli.spending import spent_sentence
from broadsheet.config import Settings
from broadsheet.errors import ConfigError
from broadsheet.store import Store
from broadsheet.text import plural

RunsOption = Annotated[
    int | None, typer.Option("--runs", min=1, max=MOST_ROWS, help="What each of the last N runs took.")
]


@command("stats")
def stats_(*, runs: RunsOption = None, as_json: JsonOption = False, options: CacheOptions) -> None:
    """Count papers, annotations by engine, findings, failures, tokens and cost."""
    settings = start(options)
    with Store.open(settings.db, create=False, reading=True) as store:
        if runs is not None:
            latest = store.runs.latest(runs)
            say_result(latest, "\n".join(map(_run, latest)), as_json=as_json)
            return
        counts = store.statistics.summary() | _standing(store, settings)
    say_result(counts, "\n".join(_lines(counts)), as_json=as_json)


def _standing(store: Store, settings: Settings) -> dict[str, Any]:
    """Return what a run with these settings would leave as it is, if its engine can be opened."""
    from broadsheet.annotate import maker_of
    from broadsheet.llm import open_llm
    from broadsheet.prompts import Prompts

    try:
        prompts = Prompts.load(settings.prompts, settings.language)
        standing = store.backlog.standing(maker_of(open_llm(settings, store, prompts), prompts))
    except ConfigError:
        return {}
    return {
        "annotated by other models": standing.by_others,
        "stale": standing.stale,
        "without abstract": standing.without_abstract,
    }


def _lines(counts: Mapping[str, Any]) -> Iterator[str]:
    for name, value in counts.items():
        if isinstance(value, dict):
            yield name
            yield from (f"  {part:28} {_shown(number):>10}" for part, number in value.items())
        else:
            yield f"{name:30} {_shown(value):>10}"


def _run(run: Mapping[str, Any]) -> str:
    return (
        f"{run['started_at'][:16]}  {run['engine']} {run['model']}: {run['annotated'] or 0:,} of"
        f" {plural(run['papers'], 'paper')}, {run['ending'] or 'cut off'}\n    {spent_sentence(run)}"
    )


def _shown(value: object) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.4f}" if isinstance(value, float) else f"{value:,}"
