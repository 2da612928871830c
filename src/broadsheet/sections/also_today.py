"""The papers that stand under no topic, each with the reason."""

from __future__ import annotations

from collections.abc import Iterator

from broadsheet.edition import Card, Section
from broadsheet.record import Record
from broadsheet.sections.today import Today
from broadsheet.visible import visible


def sections(today: Today) -> Iterator[Section]:
    """Yield one section, or none if every paper has a topic."""
    if today.without_topic:
        cards = tuple(Card(record=record, why_bare=_reason(record)) for record in today.without_topic)
        yield Section(id="also-today", title="Also today", cards=cards)


def _reason(record: Record) -> str:
    if record.annotation:
        return "its topics are no longer in the taxonomy"
    return (
        f"no summary: {visible(record.failure).replace('-', ' ')}" if record.failure else "not summarised yet"
    )
