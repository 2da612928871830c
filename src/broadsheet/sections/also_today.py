"""The papers that are in no topic's section: alone under their topic, or without one, with the reason."""

from __future__ import annotations

from collections.abc import Iterator

from broadsheet.edition import Card, Section
from broadsheet.record import Record
from broadsheet.sections.today import Today
from broadsheet.visible import visible


def sections(today: Today) -> Iterator[Section]:
    """Yield one section, or none if every paper is in a topic's."""
    if today.others:
        cards = tuple(Card(record=record, why_bare=_reason(record, today)) for record in today.others)
        yield Section(id="also-today", title="Also today", cards=cards)


def _reason(record: Record, today: Today) -> str:
    if record.annotation:
        if not today.taxonomy.names.keys().isdisjoint(record.annotation.topics):
            return ""
        return "its topics are no longer in the taxonomy"
    return (
        f"no summary: {visible(record.failure).replace('-', ' ')}" if record.failure else "not summarised yet"
    )
