"""The annotated papers, each once, under their primary topics."""

from __future__ import annotations

from collections.abc import Iterator

from broadsheet.edition import Card, Section
from broadsheet.sections.today import Today


def sections(today: Today) -> Iterator[Section]:
    """Yield one section for each topic that has enough papers, in the order of the taxonomy."""
    for topic, records in today.by_topic.items():
        cards = tuple(Card(record=record) for record in records)
        yield Section(id=topic, title=today.taxonomy.names[topic], cards=cards)
