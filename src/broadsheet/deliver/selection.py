"""Which cards of an edition a filter lets through, and the edition of those alone.

The cards are put into a cache in memory and asked for there, so that a subscriber's filter means exactly what
``list`` means by it: stemmed words, phrases, values of fields. Nothing but the edition is read.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from types import TracebackType
from typing import Any, Self, TypeVar

from broadsheet.annotation import Annotation
from broadsheet.edition import Card, Edition, Pick, Section
from broadsheet.filters import Filter
from broadsheet.paper import Sighting
from broadsheet.record import Maker, Record
from broadsheet.store import Store

_Value = TypeVar("_Value", Edition, Section)


class Selection:
    """The cards of one edition, ready to be chosen from by any number of filters."""

    def __init__(self, edition: Edition, annotation: type[Annotation]) -> None:
        self._edition = edition
        self._shelf = Store.in_memory()
        self._shelf.fields.adopt(annotation)
        with self._shelf.transaction():
            for card in edition.cards:
                _put(self._shelf, card.record)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shelf.close()

    def matching(self, where: Filter) -> frozenset[str]:
        """Return the ids of the papers that pass a filter."""
        if where == Filter():
            return frozenset(card.record.id for card in self._edition.cards)
        return frozenset(self._shelf.records.ids(where.unranked()))


def _put(shelf: Store, record: Record) -> None:
    words: dict[str, Any] = {"githubRepo": record.repository.url} if record.repository else {}
    shelf.papers.add(record.paper, record.first_seen)
    shelf.papers.sight(record.id, Sighting(source=record.source, day=record.first_seen, words=words))
    if record.annotation:
        made = record.provenance
        maker = Maker(made.engine, made.model, made.prompt, "") if made else Maker("", "", "", "")
        shelf.annotations.keep(record.paper, maker, record.annotation)


def restricted(edition: Edition, paper_ids: Set[str]) -> Edition | None:
    """Return the edition of some of its papers alone, or None if it has none of them.

    A pick stays where its paper does. Counts are of the whole day, so they go where a paper
    goes.
    """
    if all(card.record.id in paper_ids for card in edition.cards):
        return edition if edition.cards else None
    sections = []
    for section in edition.sections:
        cards = tuple(card for card in section.cards if card.record.id in paper_ids)
        picks = tuple(pick for pick in section.picks if pick.paper_id in paper_ids)
        if cards or picks:
            sections.append(_with(section, cards=cards, picks=picks, counts=()))
    if not any(section.cards for section in sections):
        return None
    return _with(edition, sections=tuple(sections))


def merged(editions: Sequence[Edition]) -> Edition:
    """Return several editions as one, for readers who want a week or a month at a time.

    Sections of the same id become one, latest day first; a paper stands in it once. Each day gives its first
    pick; counts are of single days, so they go; trends are the latest's. The day is the latest.
    """
    ordered = sorted(editions, key=lambda edition: edition.day, reverse=True)
    found: dict[str, Section] = {}
    cards: dict[str, list[Card]] = {}
    picks: dict[str, list[Pick]] = {}
    seen: set[str] = set()
    for edition in ordered:
        for section in edition.sections:
            found.setdefault(section.id, section)
            new = [card for card in section.cards if card.record.id not in seen]
            seen |= {card.record.id for card in new}
            cards.setdefault(section.id, []).extend(new)
            picks.setdefault(section.id, []).extend(section.picks[:1])
    days = {edition.day for edition in editions}
    placed = {card.record.id for each in cards.values() for card in each}
    sections = [
        _with(
            section,
            cards=tuple(cards[id_]),
            picks=tuple({pick.paper_id: pick for pick in picks[id_] if pick.paper_id in placed}.values()),
            counts=(),
        )
        for id_, section in found.items()
    ]
    return _with(
        ordered[0],
        sections=tuple(each for each in sections if each.cards or each.picks or each.trends),
        before=None,
        corrections=tuple(each for edition in ordered for each in edition.corrections),
        # What an edition of these told of another one stands there now.
        announced=tuple(
            each for edition in ordered for each in edition.announced if each.edition not in days
        ),
    )


def _with(value: _Value, **changed: Any) -> _Value:
    """Return a frozen value with other fields; a copy would keep what was worked out of the old ones."""
    return type(value).model_construct(
        **{name: changed.get(name, getattr(value, name)) for name in type(value).model_fields}
    )
