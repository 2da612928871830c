"""``render``: write the pages of a composed edition."""

from __future__ import annotations

from broadsheet.cli.app import DateOption, DbOption, OutOption, app, say, start
from broadsheet.errors import NotFoundError
from broadsheet.prompts import Prompts
from broadsheet.render import render as render_edition
from broadsheet.render import write
from broadsheet.store import Store


@app.command()
def render(day: DateOption = None, out: OutOption = None, db: DbOption = None) -> None:
    """Write the pages of a composed edition; by default, of the latest one."""
    settings = start(db=db, out=out)
    taxonomy = Prompts.load(settings.prompts).taxonomy
    with Store.open(settings.db, create=False) as store:
        wanted = day.date() if day else next(iter(store.editions.days()), None)
        edition = store.editions.get(wanted) if wanted else None
    if edition is None:
        what = f"edition of {wanted}" if wanted else "edition"
        dated = f" --date {wanted}" if wanted else ""
        raise NotFoundError(f"There is no {what} yet; make it with: broadsheet compose{dated}")
    say(str(write(render_edition(edition, taxonomy), settings.out, edition.day)))
