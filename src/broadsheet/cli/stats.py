"""``stats``: what the cache holds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from broadsheet.cli.app import DbOption, JsonOption, app, say, say_json, start
from broadsheet.cli.spending import spent_sentence
from broadsheet.store import Store

RunsOption = Annotated[int | None, typer.Option("--runs", min=1, help="What each of the last N runs took.")]


@app.command()
def stats(
    runs: RunsOption = None,
    as_json: JsonOption = False,
    db: DbOption = None,
) -> None:
    """Count papers, annotations by engine, findings, failures, tokens and cost."""
    settings = start(db=db)
    with Store.open(settings.db, create=False) as store:
        if runs is not None:
            _print_runs(store.runs.latest(runs), as_json=as_json)
            return
        counts = store.statistics.summary()
    if as_json:
        say_json(counts, indent=2)
        return
    for name, value in counts.items():
        if isinstance(value, dict):
            say(name)
            for part, number in value.items():
                say(f"  {part:28} {_shown(number):>10}")
        elif isinstance(value, list):
            say(f"{name:30} {len(value):>10}")
        else:
            say(f"{name:30} {_shown(value):>10}")


def _print_runs(runs: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        say_json(runs, indent=2)
        return
    for run in runs:
        say(
            f"{run['started_at'][:16]}  {run['engine']} {run['model']}: {run['annotated'] or 0:,} of"
            f" {run['papers']:,} papers, {run['ending'] or 'cut off'}\n    {spent_sentence(run)}"
        )


def _shown(value: object) -> str:
    if value is None:
        return "unknown"
    return (
        f"{value:,.4f}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )
