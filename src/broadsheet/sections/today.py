"""`Today`: what the sections of an edition are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from math import inf

from broadsheet.edition import Edition, Section
from broadsheet.newsletter import EVERYTHING, Newsletter
from broadsheet.paper import title_key
from broadsheet.record import Record
from broadsheet.searching import phrases
from broadsheet.store.edits import Edit
from broadsheet.taxonomy import Taxonomy
from broadsheet.trends import Trends

SMALL_EDITION = 12
"""In an edition of fewer papers, a topic with one paper has its own section too."""


def has_code(record: Record) -> bool:
    """Tell whether the code of a paper is available."""
    return record.annotation is not None and record.annotation.code.status == "available"


@dataclass(frozen=True)
class Today:
    """The papers of one day and what came before them.

    Attributes:
        day: The edition's day.
        records: Its papers in the order in which they were listed.
        taxonomy: The topics, in the order of the page.
        newsletter: The newsletter that it is an edition of.
        previous: Its latest edition of an earlier day.
        revised: Papers of its earlier editions whose words have changed since the latest of those.
        edits: What the editor asks for, by paper id.
        trends: The last weeks of the newsletter's papers, if it prints them.
    """

    day: date
    records: Sequence[Record]
    taxonomy: Taxonomy
    newsletter: Newsletter = EVERYTHING
    previous: Edition | None = None
    revised: Sequence[Record] = ()
    edits: Mapping[str, Edit] = field(default_factory=dict)
    trends: Trends | None = None

    @cached_property
    def told(self) -> Sequence[Record]:
        """Return the papers that are told in full: the first by rank, or all, as they were listed."""
        if self.newsletter.top is None or len(self.records) <= self.newsletter.top:
            return self.records
        chosen = {record.id for record in sorted(self.records, key=self.order)[: self.newsletter.top]}
        return [record for record in self.records if record.id in chosen]

    @cached_property
    def rest(self) -> list[Record]:
        """Return the papers of which only the title stands, best first."""
        told = {record.id for record in self.told}
        return sorted((each for each in self.records if each.id not in told), key=self.order)

    @cached_property
    def topics(self) -> dict[str, list[Record]]:
        """Return the annotated papers under their primary topic, in the order of the taxonomy, best first."""
        found: dict[str, list[Record]] = {topic: [] for topic in self.taxonomy.topic_ids}
        for record in sorted(self.told, key=self.order):
            if topic := self.primary_topic(record):
                found[topic].append(record)
        return {topic: records for topic, records in found.items() if records}

    @property
    def by_topic(self) -> dict[str, list[Record]]:
        """Return the topics that have a section of their own: with several papers, or in a small edition."""
        is_small = len(self.told) < SMALL_EDITION
        return {topic: records for topic, records in self.topics.items() if is_small or len(records) > 1}

    @property
    def others(self) -> list[Record]:
        """Return the papers in no topic's section, those with a topic first."""
        alone = [record for topic in self.topics.keys() - self.by_topic for record in self.topics[topic]]
        without = [record for record in self.told if self.primary_topic(record) is None]
        return sorted(alone, key=self.order) + sorted(without, key=self.order)

    @cached_property
    def place(self) -> dict[str, int]:
        """Return where each paper stands on the day's list, from 1, by its id."""
        return {record.id: number for number, record in enumerate(self.records, start=1)}

    def order(self, record: Record) -> tuple[float, ...]:
        """Return what papers are sorted by, the best first.

        Those that the editor has pinned, in the order of their pins; then more of the newsletter's own tags,
        then more of its own words in the title, then more votes, then available code, then more stars of the
        listed repository, then more listings, then the place on the list.
        """
        pin = self.pin(record)
        return (
            inf if pin is None else pin,
            -len(self.own_tags(record)),
            -len(self.own_words(record)),
            -(record.votes or 0),
            not has_code(record),
            -(record.stars or 0),
            -record.listings,
            self.place[record.id],
        )

    def own_tags(self, record: Record) -> tuple[str, ...]:
        """Return the tags that the newsletter asks for and the paper has."""
        said = record.annotation
        has = {*said.topics, said.contribution} if said else set()
        return tuple(tag for tag in self.newsletter.filter.tags if tag in has)

    def own_words(self, record: Record) -> tuple[str, ...]:
        """Return the words that the newsletter searches for and the title has, there perhaps longer."""
        title = f" {title_key(record.title)}"
        wanted = (title_key(phrase.text) for phrase in phrases(self.newsletter.filter.unranked().words))
        return tuple(words for words in wanted if words and f" {words}" in title)

    def pin(self, record: Record) -> int | None:
        """Return the place of a paper among those that the editor has pinned, or None."""
        edit = self.edits.get(record.id)
        return edit.pin if edit else None

    def noted(self, section: Section) -> Section:
        """Return a section with the editor's notes above its papers."""
        notes = {id_: edit.note for id_, edit in self.edits.items() if edit.note}
        if not notes:
            return section
        cards = (each.model_copy(update={"note": notes.get(each.record.id, "")}) for each in section.cards)
        picks = (each.model_copy(update={"note": notes.get(each.paper_id, "")}) for each in section.picks)
        return section.model_copy(update={"cards": tuple(cards), "picks": tuple(picks)})

    def primary_topic(self, record: Record) -> str | None:
        """Return the paper's first topic; one that the taxonomy has since lost gives way to the next."""
        topics = record.annotation.topics if record.annotation else ()
        return next((topic for topic in topics if topic in self.taxonomy.topic_ids), None)
