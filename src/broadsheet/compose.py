"""The compose stage: makes a newsletter's edition of a day and stores it in the cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from broadsheet.edition import Edition
from broadsheet.newsletter import Newsletter
from broadsheet.record import Record
from broadsheet.sections import SECTIONS, Today
from broadsheet.store import Store
from broadsheet.store.overview import EditionKey
from broadsheet.taxonomy import Taxonomy

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Composed:
    """The result of composing an edition.

    Attributes:
        newsletter: Of which newsletter.
        edition: The day's edition, or None if there is no paper to print.
        changed: Whether it differs from the edition stored before.
    """

    newsletter: Newsletter
    edition: Edition | None
    changed: bool


def compose(store: Store, day: date, *, taxonomy: Taxonomy, newsletter: Newsletter | None = None) -> Composed:
    """Compose a newsletter's edition of a day from the papers that are new to it, and store it.

    Composing again without new papers and edits gives a byte-identical edition. A published edition is
    returned as it is. One that has lost all of its papers is removed.

    Args:
        store: The cache.
        day: The edition's day; it takes papers first seen on or before it.
        taxonomy: The topics that group the papers, in page order.
        newsletter: The newsletter; by default, the one that takes everything.

    Raises:
        RuntimeError: The sections lose or repeat a paper, which is a bug.
    """
    newsletter = newsletter or Newsletter()
    name = newsletter.name
    with store.transaction():
        if store.editions.is_published(day, name):
            return Composed(newsletter, store.editions.get(day, name), changed=False)
        ids, key = store.editions.candidates(day, newsletter), EditionKey(name, day)
        if not ids:
            return Composed(newsletter, None, changed=store.editions.drop(key))
        earlier = store.editions.latest(name, before=day)
        previous = store.editions.get(earlier, name) if earlier else None
        today = Today(
            day,
            _records(store, ids),
            taxonomy,
            newsletter,
            previous,
            revised=store.records.by_ids(store.editions.revised(key)),
            edits=store.edits.of(key),
            trends=store.weeks.trends(day, newsletter.filter) if newsletter.trends else None,
        )
        edition = Edition(
            day=day,
            newsletter=name,
            title=newsletter.title,
            before=earlier,
            announced=tuple(store.edits.to_announce(key)),
            sections=tuple(today.noted(section) for make in SECTIONS for section in make(today)),
        )
        _check_each_once(edition, ids)
        changed = store.editions.keep(edition, ids)
        store.edits.announce(key)
        return Composed(newsletter, edition, changed=changed)


def due(store: Store, day: date, newsletters: Iterable[Newsletter]) -> list[Newsletter]:
    """Return the newsletters of which an edition falls due on a day."""
    return [each for each in newsletters if each.is_due(day, store.editions.latest(each.name, until=day))]


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
