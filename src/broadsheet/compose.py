"""The compose stage: makes a day's edition and stores it in the cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from broadsheet.edition import Edition
from broadsheet.record import Record
from broadsheet.sections import SECTIONS, Today
from broadsheet.store import Store
from broadsheet.taxonomy import Taxonomy

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Composed:
    """The result of composing an edition.

    Attributes:
        edition: The day's edition, or None if there is no paper to print.
        changed: Whether it differs from the edition stored before.
    """

    edition: Edition | None
    changed: bool


def compose(store: Store, day: date, *, taxonomy: Taxonomy) -> Composed:
    """Compose the edition of a day from the papers that are in no other edition, and store it.

    Composing again without new papers gives a byte-identical edition. A published edition is returned
    unchanged.

    Args:
        store: The cache.
        day: The edition's day; it takes papers first seen on or before it.
        taxonomy: The topics that group the papers, in page order.

    Raises:
        RuntimeError: The sections lose or repeat a paper, which is a bug.
    """
    with store.transaction():
        if store.editions.is_published(day):
            return Composed(store.editions.get(day), changed=False)
        ids = store.editions.candidates(day)
        if not ids:
            return Composed(None, changed=False)
        earlier = next((other for other in store.editions.days() if other < day), None)
        previous = store.editions.get(earlier) if earlier else None
        today = Today(day, _records(store, ids), taxonomy, previous)
        sections = tuple(section for make in SECTIONS for section in make(today))
        edition = Edition(day=day, before=earlier, sections=sections)
        _check_each_once(edition, ids)
        return Composed(edition, changed=store.editions.keep(edition, ids))


def _records(store: Store, ids: Sequence[str]) -> list[Record]:
    return [
        record
        for start in range(0, len(ids), _CHUNK)
        for record in store.records.by_ids(ids[start : start + _CHUNK])
    ]


def _check_each_once(edition: Edition, ids: Sequence[str]) -> None:
    """Check that every paper is in exactly one section.

    Raises:
        RuntimeError: A section loses or repeats a paper, which is a bug; nothing is stored.
    """
    placed = Counter(card.record.id for card in edition.cards)
    if placed != Counter(ids):
        wrong = sorted(paper_id for paper_id in {*ids, *placed} if placed[paper_id] != ids.count(paper_id))
        raise RuntimeError(f"these papers are not in exactly one section: {wrong}")
