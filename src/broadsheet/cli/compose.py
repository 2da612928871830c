"""``compose``: make a day's edition from the cache, without a model."""

from __future__ import annotations

import json

from broadsheet.cli.app import DateOption, DbOption, JsonOption, app, as_day, say, start
from broadsheet.compose import Composed
from broadsheet.compose import compose as compose_edition
from broadsheet.prompts import Prompts
from broadsheet.store import Store


@app.command()
def compose(day: DateOption = None, as_json: JsonOption = False, db: DbOption = None) -> None:
    """Compose the edition of a day, without a model; a published edition does not change."""
    settings = start(db=db)
    taxonomy = Prompts.load(settings.prompts).taxonomy
    with Store.open(settings.db, create=False) as store:
        composed = compose_edition(store, as_day(day), taxonomy=taxonomy)
    if as_json:
        papers = len(composed.edition.cards) if composed.edition else 0
        say(json.dumps({"day": as_day(day).isoformat(), "papers": papers, "changed": composed.changed}))
    else:
        say(composed_sentence(composed))


def composed_sentence(composed: Composed) -> str:
    """Summarize the result of composing in one sentence."""
    if composed.edition is None:
        return "No paper is left to print: no edition was composed."
    papers = len(composed.edition.cards)
    what = f"The edition of {composed.edition.day} has {papers:,} paper{'' if papers == 1 else 's'}"
    return f"{what}." if composed.changed else f"{what}; it has not changed."
