"""The papers beyond the newsletter's size, as titles."""

from __future__ import annotations

from collections.abc import Iterator

from broadsheet.edition import Card, Section
from broadsheet.sections.today import Today


def sections(today: Today) -> Iterator[Section]:
    """Yield one section of bare titles, or none if every paper is told in full."""
    if today.rest:
        cards = tuple(Card(record=record, is_brief=True) for record in today.rest)
        yield Section(id="more-papers", title="More papers", cards=cards)
