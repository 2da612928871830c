"""An edition in an assistant's words: its picks, and its papers by section."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from broadsheet.assistant.answers import Room, clean
from broadsheet.edition import Card, Correction, Edition, Section
from broadsheet.errors import NotFoundError
from broadsheet.store.editions import Editions


def told_edition(editions: Editions, day: date | None, newsletter: str, room: Room) -> dict[str, Any]:
    """Return a newsletter's edition of a day, or its latest one, as far as there is room.

    Raises:
        NotFoundError: There is none; the message says which there are.
    """
    wanted = day or editions.latest(newsletter)
    edition = editions.get(wanted, newsletter) if wanted else None
    if edition is None:
        raise NotFoundError(_what_there_is(editions, day, newsletter))
    sections = [told for section in edition.sections if (told := _told_section(section, edition, room))]
    return {
        "newsletter": edition.newsletter,
        "title": clean(edition.title),
        "day": edition.day.isoformat(),
        "papers": len(edition.cards),
        **_corrections((*edition.corrections, *edition.announced)),
        "sections": sections,
        **({"left_out": room.left_out} if room.left_out else {}),
    }


def _told_section(section: Section, edition: Edition, room: Room) -> dict[str, Any]:
    """Return a section, or nothing if it has no paper that there is room for."""
    papers = [*_picks(section, edition, room), *_cards(section.cards, room)]
    return {"title": clean(section.title), "papers": papers} if papers else {}


def _picks(section: Section, edition: Edition, room: Room) -> Iterator[dict[str, Any]]:
    for pick in section.picks:
        told = room.one(edition.record_of(pick), why=list(pick.why), **_note(pick.note))
        if told:
            yield told


def _cards(cards: tuple[Card, ...], room: Room) -> Iterator[dict[str, Any]]:
    for card in cards:
        told = room.one(card.record, **_note(card.note), **_corrections(card.corrections))
        if told:
            yield told


def _note(words: str) -> dict[str, Any]:
    return {"editors_note": words} if words else {}


def _corrections(made: tuple[Correction, ...]) -> dict[str, Any]:
    told = [f"{each.day}: {each.words}" for each in made]
    return {"corrections": clean(told)} if told else {}


def _what_there_is(editions: Editions, day: date | None, newsletter: str) -> str:
    names = editions.newsletters()
    if not names:
        return "There is no edition yet; make one with: broadsheet run hf"
    if newsletter not in names:
        return f"There is no edition of “{newsletter[:80]}”; there are some of {', '.join(names[:20])}."
    days = editions.days(newsletter)
    return f"There is no edition of {day}; the latest is of {days[0]}, and the first of {days[-1]}."
