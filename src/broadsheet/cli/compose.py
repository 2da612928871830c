"""``compose`` and ``render``: make editions from the cache, and write their pages, without a model."""

from __future__ import annotations

from typing import Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.options import CacheOptions, DateOption, JsonOption, OutOption, or_today, start
from broadsheet.cli.printing import say, say_result
from broadsheet.compose import Composed, compose, due
from broadsheet.config import Settings
from broadsheet.errors import ConfigError, NotFoundError
from broadsheet.newsletter import Newsletter
from broadsheet.prompts import Prompts
from broadsheet.render import render, write
from broadsheet.render.templates import check_templates
from broadsheet.store import Store
from broadsheet.text import plural

NewsletterOption = Annotated[
    str | None, typer.Option("--newsletter", metavar="NAME", help="Only this newsletter.")
]


def newsletter_named(settings: Settings, name: str) -> Newsletter:
    """Return the newsletter that has a name.

    Raises:
        ConfigError: There is none.
    """
    found = {each.name: each for each in settings.newsletters}
    if name not in found:
        raise ConfigError(f"There is no newsletter “{name}”; there is {', '.join(found)}.")
    return found[name]


@command("compose")
def compose_(
    *,
    day: DateOption = None,
    newsletter: NewsletterOption = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Fix the edition: afterwards only corrections change it.")
    ] = False,
    as_json: JsonOption = False,
    options: CacheOptions,
) -> None:
    """Compose each newsletter's edition of a day, where one is due; a published edition does not change."""
    settings, wanted = start(options), or_today(day)
    taxonomy = Prompts.load(settings.prompts, settings.language).taxonomy
    chosen = (newsletter_named(settings, newsletter),) if newsletter else settings.newsletters
    chosen = tuple(each.with_tag_ids(taxonomy.names) for each in chosen)
    with Store.open(settings.db, create=False) as store:
        made = [
            compose(store, wanted, taxonomy=taxonomy, newsletter=each)
            for each in (chosen if newsletter else due(store, wanted, chosen))
        ]
        for composed in made if publish else ():
            if composed.edition:
                with store.transaction():
                    store.editions.publish(wanted, composed.newsletter.name)
    results = [
        {
            "newsletter": composed.newsletter.name,
            "day": wanted.isoformat(),
            "papers": len(composed.edition.cards) if composed.edition else 0,
            "changed": composed.changed,
        }
        for composed in made
    ]
    result = results[0] if len(settings.newsletters) == 1 and results else {"editions": results}
    sentences = [_sentence(each, alone=len(settings.newsletters) == 1) for each in made]
    say_result(
        result,
        "\n".join(sentences) or f"No newsletter is due on {wanted}; name one with --newsletter.",
        as_json=as_json,
    )


def _sentence(composed: Composed, *, alone: bool) -> str:
    of = "" if alone else f"{composed.newsletter.name}: "
    if composed.edition is None:
        return f"{of}No paper is left to print: no edition was composed."
    papers = plural(len(composed.edition.cards), "paper")
    state = "" if composed.changed else "; it has not changed"
    return f"{of}The edition of {composed.edition.day} has {papers}{state}."


@command("render")
def render_(
    *,
    day: DateOption = None,
    newsletter: NewsletterOption = None,
    out: OutOption = None,
    options: CacheOptions,
) -> None:
    """Write the pages of a composed edition; by default, of the latest one of each newsletter."""
    settings = start(options, out=out)
    check_templates(settings.templates)
    taxonomy = Prompts.load(settings.prompts, settings.language).taxonomy
    chosen = (newsletter_named(settings, newsletter),) if newsletter else settings.newsletters
    with Store.open(settings.db, create=False) as store:
        wanted = {each: day or store.editions.latest(each.name) for each in chosen}
        editions = {
            each: edition
            for each, its_day in wanted.items()
            if its_day and (edition := store.editions.get(its_day, each.name))
        }
    if not editions:
        what = f"edition of {day}" if day else "edition"
        dated = f" --date {day}" if day else ""
        raise NotFoundError(f"There is no {what} yet; make it with: broadsheet compose{dated}")
    for each, edition in editions.items():
        pages = render(edition, taxonomy, settings.language, newsletter=each, templates=settings.templates)
        say(str(write(pages, settings.out, edition)))
