"""Papers of earlier editions whose words have changed since."""

from __future__ import annotations

from collections.abc import Iterator

from broadsheet.edition import Pick, Section
from broadsheet.sections.today import Today

MOST = 10
"""A longer list would crowd out what is new; the title says how many there are."""


def sections(today: Today) -> Iterator[Section]:
    """Yield one section of papers that have their card in an earlier edition, or none."""
    if today.revised:
        records = sorted(today.revised, key=lambda record: (-(record.votes or 0), record.id))[:MOST]
        picks = tuple(
            Pick(paper_id=record.id, why=(f"first seen on {record.first_seen.isoformat()}",), record=record)
            for record in records
        )
        more = f" ({len(picks)} of {len(today.revised):,})" if len(today.revised) > MOST else ""
        yield Section(id="revised-since", title=f"Revised since the last edition{more}", picks=picks)
