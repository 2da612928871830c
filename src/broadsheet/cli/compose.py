"""``compose`` and ``render``: make a day's edition from the cache, and write its pages, without a model."""

from __future__ import annotations

from broadsheet.cli.app import command
from broadsheet.cli.options import CacheOptions, DateOption, JsonOption, OutOption, or_today, start
from broadsheet.cli.printing import say, say_result
from broadsheet.compose import Composed, compose
from broadsheet.errors import NotFoundError
from broadsheet.prompts import Prompts
from broadsheet.render import render, write
from broadsheet.store import Store
from broadsheet.text import plural


@command("compose")
def compose_(*, day: DateOption = None, as_json: JsonOption = False, options: CacheOptions) -> None:
    """Compose the edition of a day, without a model; a published edition does not change."""
    settings = start(options)
    taxonomy = Prompts.load(settings.prompts, settings.language).taxonomy
    with Store.open(settings.db, create=False) as store:
        composed = compose(store, or_today(day), taxonomy=taxonomy)
    papers = len(composed.edition.cards) if composed.edition else 0
    result = {"day": or_today(day).isoformat(), "papers": papers, "changed": composed.changed}
    say_result(result, _sentence(composed), as_json=as_json)


def _sentence(composed: Composed) -> str:
    if composed.edition is None:
        return "No paper is left to print: no edition was composed."
    papers = plural(len(composed.edition.cards), "paper")
    state = "" if composed.changed else "; it has not changed"
    return f"The edition of {composed.edition.day} has {papers}{state}."


@command("render")
def render_(*, day: DateOption = None, out: OutOption = None, options: CacheOptions) -> None:
    """Write the pages of a composed edition; by default, of the latest one."""
    settings = start(options, out=out)
    taxonomy = Prompts.load(settings.prompts, settings.language).taxonomy
    with Store.open(settings.db, create=False) as store:
        wanted = day or next(iter(store.editions.days()), None)
        edition = store.editions.get(wanted) if wanted else None
    if edition is None:
        what = f"edition of {wanted}" if wanted else "edition"
        dated = f" --date {wanted}" if wanted else ""
        raise NotFoundError(f"There is no {what} yet; make it with: broadsheet compose{dated}")
    say(str(write(render(edition, taxonomy, settings.language), settings.out, edition.day)))
