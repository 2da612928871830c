"""``stats``: what the cache holds."""

from __future__ import annotations

from broadsheet.cli.app import DbOption, JsonOption, app, say, say_json, start
from broadsheet.store import Store


@app.command()
def stats(as_json: JsonOption = False, db: DbOption = None) -> None:
    """Count papers, annotations by engine, findings, failures, tokens and cost."""
    settings = start(db=db)
    with Store.open(settings.db, create=False) as store:
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
