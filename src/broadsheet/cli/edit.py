"""``edit``: what an editor changes in an edition before it is published, and puts right in it afterwards."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer

from broadsheet.cli.app import command
from broadsheet.cli.compose import newsletter_named
from broadsheet.cli.options import CacheOptions, JsonOption, or_today, parsed_edition_day, start
from broadsheet.cli.printing import note, say, say_result
from broadsheet.compose import compose
from broadsheet.errors import ConfigError, NotFoundError
from broadsheet.newsletter import DEFAULT, Newsletter
from broadsheet.prompts import Prompts
from broadsheet.record import Record
from broadsheet.store import Store
from broadsheet.store.edits import ABOUT_ALL
from broadsheet.store.overview import EditionKey
from broadsheet.taxonomy import Taxonomy
from broadsheet.visible import visible

Papers = list[str] | None
MOST_CHARACTERS = 1_000
"""The most letters of a note or a correction: more is an article, which no mail has room for."""


@command("edit")
def edit_(
    *,
    day: Annotated[
        date | None,
        typer.Argument(parser=parsed_edition_day, metavar="[DATE]", help="The edition's day [today]."),
    ] = None,
    newsletter: Annotated[
        str | None,
        typer.Option("--newsletter", metavar="NAME", help="Which newsletter, if there are several."),
    ] = None,
    pin: Annotated[Papers, typer.Option("--pin", metavar="ID", help="Put this paper first.")] = None,
    unpin: Annotated[Papers, typer.Option("--unpin", metavar="ID", help="Undo --pin.")] = None,
    hide: Annotated[Papers, typer.Option("--hide", metavar="ID", help="Leave this paper out.")] = None,
    unhide: Annotated[Papers, typer.Option("--unhide", metavar="ID", help="Undo --hide.")] = None,
    words: Annotated[
        tuple[str, str] | None,
        typer.Option("--note", metavar="ID WORDS", help="Print the editor's own words above this paper."),
    ] = None,
    no_note: Annotated[Papers, typer.Option("--no-note", metavar="ID", help="Undo --note.")] = None,
    correction: Annotated[
        str | None,
        typer.Option("--correction", metavar="WORDS", help="Add a dated correction to a published edition."),
    ] = None,
    paper: Annotated[
        str | None, typer.Option("--paper", metavar="ID", help="The paper that --correction is about.")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Show the edits of the edition.")] = False,
    as_json: JsonOption = False,
    options: CacheOptions,
) -> None:
    """Edit an edition before it is published: pin, hide or comment on papers; afterwards, correct it."""
    settings, wanted = start(options), or_today(day)
    taxonomy = Prompts.load(settings.prompts, settings.language).taxonomy
    look = newsletter_named(settings, newsletter or _only(settings.newsletters)).with_tag_ids(taxonomy.names)
    asked = {
        "pin": pin or [],
        "unpin": unpin or [],
        "hide": hide or [],
        "unhide": unhide or [],
        "note": [words[0]] if words else [],
        "no-note": no_note or [],
    }
    given = words[1] if words else ""
    if paper and correction is None:
        raise ConfigError("--paper says what a correction is about; add --correction.")
    if not any(asked.values()) and correction is None and not listing:
        raise ConfigError("There is nothing to edit; add --pin, --hide, --note, --correction or --list.")
    with Store.open(settings.db, create=False) as store:
        desk = _Desk(store, EditionKey(look.name, wanted), look, taxonomy)
        if any(asked.values()):
            desk.edit(asked, given)
        if correction is not None:
            desk.correct(correction, paper)
        if listing:
            rows = desk.rows()
            lines = "\n".join(map(_line, rows)) or f"The edition of {wanted} has no edits."
            say_result(rows, lines, as_json=as_json)


class _Desk:
    """One edition in an editor's hands."""

    def __init__(self, store: Store, key: EditionKey, newsletter: Newsletter, taxonomy: Taxonomy) -> None:
        self._store, self._key = store, key
        self._newsletter, self._taxonomy = newsletter, taxonomy

    def edit(self, asked: dict[str, list[str]], words: str) -> None:
        """Keep the edits, all or none, and compose the edition again where it was composed before.

        Raises:
            UserError: The edition is published, has no such paper, or the words are none.
        """
        edits, key = self._store.edits, self._key
        with self._store.transaction():
            before = self._store.editions.get(key.day, key.newsletter)
            new = set(self._store.editions.candidates(key.day, self._newsletter))
            known = {*new, *edits.of(key)}
            found = {what: [self._paper(id_, known) for id_ in ids] for what, ids in asked.items()}
            for record in found["pin"]:
                edits.pin(key, record.id)
            for record in found["unpin"]:
                edits.unpin(key, record.id)
            for record in found["hide"]:
                edits.hide(key, record.id)
            for record in found["unhide"]:
                edits.unhide(key, record.id)
            for record in found["note"]:
                edits.note(key, record.id, _checked(words, "--note"))
            for record in found["no-note"]:
                edits.note(key, record.id, "")
        for what, records in found.items():
            for record in records:
                say(f"{_DONE[what]}: {record.title}")
        if before:
            composed = compose(self._store, key.day, taxonomy=self._taxonomy, newsletter=self._newsletter)
            if composed.edition is None:
                note(f"The edition of {key.day} has no paper left and is gone; delete its pages.")
            else:
                note(f"The edition was composed again; write its pages with: {_render(key)}")

    def correct(self, words: str, paper: str | None) -> None:
        """Add a correction to the edition, about one of its papers or all of it.

        Raises:
            UserError: The edition is not published, has no such paper, or the words are none.
        """
        key = self._key
        edition = self._store.editions.get(key.day, key.newsletter)
        if edition is None or not self._store.editions.is_published(key.day, key.newsletter):
            raise NotFoundError(
                f"There is no published edition of {key.day}; before it is published, change it with --pin,"
                " --hide and --note, and its papers with: broadsheet correct"
            )
        about = self._paper(paper, set(edition.place)).id if paper else ABOUT_ALL
        with self._store.transaction():
            self._store.edits.correct(key, or_today(None), _checked(words, "--correction"), about)
        note(f"The correction is kept; write it into the pages with: {_render(key)}")

    def rows(self) -> list[dict[str, Any]]:
        """Return the edits of the edition, as JSON has them."""
        edits = self._store.edits.of(self._key)
        titles = {record.id: record.title for record in self._store.records.by_ids(list(edits))}
        return [
            {
                "id": id_,
                "title": titles.get(id_, ""),
                "pin": edit.pin,
                "hidden": edit.is_hidden,
                "note": edit.note,
            }
            for id_, edit in edits.items()
        ]

    def _paper(self, name: str, among: set[str]) -> Record:
        record = self._store.get(name)
        if record.id not in among:
            raise NotFoundError(
                f"“{record.title}” is not in the edition of {self._key.day}; name one of its papers."
            )
        return record


_DONE = {
    "pin": "Pinned",
    "unpin": "No longer pinned",
    "hide": "Hidden",
    "unhide": "No longer hidden",
    "note": "Noted",
    "no-note": "No longer noted",
}


def _only(newsletters: tuple[Newsletter, ...]) -> str:
    """Return the name of the newsletter that is meant where none is named.

    Raises:
        ConfigError: There are several, and none is the daily one.
    """
    names = [each.name for each in newsletters]
    if len(names) > 1 and DEFAULT not in names:
        raise ConfigError(f"Name the newsletter with --newsletter; there is {', '.join(names)}.")
    return DEFAULT if DEFAULT in names else names[0]


def _checked(words: str, option: str) -> str:
    """Return an editor's words on one line.

    Raises:
        ConfigError: There are none, or too many.
    """
    words = visible(words)
    if not words or len(words) > MOST_CHARACTERS:
        raise ConfigError(f"{option} takes 1 to {MOST_CHARACTERS:,} characters of text; write it anew.")
    return words


def _render(key: EditionKey) -> str:
    named = "" if key.newsletter == DEFAULT else f" --newsletter {key.newsletter}"
    return f"broadsheet render --date {key.day}{named}"


def _line(row: dict[str, Any]) -> str:
    states = [f"pinned {row['pin']}" if row["pin"] else "", "hidden" if row["hidden"] else ""]
    said = f"\n    {row['note']}" if row["note"] else ""
    return f"{row['id']}  {row['title']}  [{', '.join(filter(None, states)) or 'noted'}]{said}"
