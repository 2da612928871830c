"""`Today`: what the sections of an edition are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from broadsheet.edition import Edition
from broadsheet.record import Record
from broadsheet.taxonomy import Taxonomy


@dataclass(frozen=True)
class Today:
    """The papers of one day and what came before them.

    Attributes:
        day: The edition's day.
        records: Its papers in the order in which they were listed.
        taxonomy: The topics, in the order of the page.
        previous: The latest edition of an earlier day.
    """

    day: date
    records: Sequence[Record]
    taxonomy: Taxonomy
    previous: Edition | None = None

    @cached_property
    def by_topic(self) -> dict[str, list[Record]]:
        """Return the annotated papers under their primary topic, in the order of the taxonomy."""
        found: dict[str, list[Record]] = {topic: [] for topic in self.taxonomy.topic_ids}
        for record in self.records:
            if topic := self._primary_topic(record):
                found[topic].append(record)
        return {topic: records for topic, records in found.items() if records}

    @cached_property
    def without_topic(self) -> list[Record]:
        """Return the papers without a topic."""
        return [record for record in self.records if self._primary_topic(record) is None]

    def _primary_topic(self, record: Record) -> str | None:
        """Return the paper's first topic; one that the taxonomy has since lost gives way to the next."""
        topics = record.annotation.topics if record.annotation else ()
        return next((topic for topic in topics if topic in self.taxonomy.topic_ids), None)
