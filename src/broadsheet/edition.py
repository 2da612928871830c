"""`Edition`, `Section`, `Card`: one day's newsletter as frozen values, as it is fixed and rendered.

An edition holds all that a page of it needs, so it can be rendered again, byte for byte, when the cache has
moved on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from broadsheet.record import Record

WORDS_A_MINUTE = 238
"""Silent reading of English prose by adults: the mean of Brysbaert's 2019 review of 190 studies."""


class Card(BaseModel):
    """One paper in an edition: the record as it stood when the edition was composed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: Record
    why_bare: str = Field("", description="Why it stands without a summary, where it does.")


class Pick(BaseModel):
    """A pointer to a paper that stands elsewhere in the edition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    paper_id: str
    why: tuple[str, ...] = Field((), description="What it was picked for, such as '143 votes'.")


class Count(BaseModel):
    """One number of the day beside that of the edition before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    value: int
    before: int | None = Field(None, description="The same count of the edition before, if there is one.")


class Section(BaseModel):
    """Cards, picks or counts under one heading."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="Anchor in the page, such as a topic's id.")
    title: str
    cards: tuple[Card, ...] = ()
    picks: tuple[Pick, ...] = ()
    counts: tuple[Count, ...] = ()
    note: str = Field("", description="How the section is made, for the foot of the page.")


class Made(BaseModel):
    """How many annotations of an edition one maker made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str
    model: str
    prompt: str
    papers: int


class Edition(BaseModel):
    """One day's newsletter. A paper stands in exactly one section; picks only point to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: date
    before: date | None = Field(None, description="The day of the edition before this one.")
    sections: tuple[Section, ...]

    @cached_property
    def cards(self) -> tuple[Card, ...]:
        """Every paper, once, in the order of the page."""
        return tuple(card for section in self.sections for card in section.cards)

    @cached_property
    def place(self) -> Mapping[str, tuple[Section, Card]]:
        """Section and card of each paper, by its id."""
        return {card.record.id: (section, card) for section in self.sections for card in section.cards}

    @property
    def words(self) -> int:
        """Words of titles and summaries, counted again where a pick repeats them."""
        repeated = (self.place[pick.paper_id][1] for section in self.sections for pick in section.picks)
        records = [card.record for card in (*self.cards, *repeated)]
        return sum(len(record.title.split()) for record in records) + sum(
            len(record.annotation.tldr.split()) for record in records if record.annotation
        )

    @property
    def minutes(self) -> int:
        """Minutes that reading all of it takes, at least one."""
        return max(1, round(self.words / WORDS_A_MINUTE))

    @property
    def code(self) -> Mapping[str, int]:
        """How many papers have each code status; papers without an annotation have none."""
        return Counter(card.record.annotation.code.status for card in self.cards if card.record.annotation)

    @property
    def made(self) -> tuple[Made, ...]:
        """Who made the annotations, the maker of most of them first."""
        makers = Counter(
            (made.engine, made.model, made.prompt) for card in self.cards if (made := card.record.provenance)
        )
        ordered = sorted(makers.items(), key=lambda entry: (-entry[1], entry[0]))
        return tuple(
            Made(engine=engine, model=model, prompt=prompt, papers=papers)
            for (engine, model, prompt), papers in ordered
        )
