"""`Edition`, `Section` and `Card`: one day's newsletter as immutable values.

An edition holds everything its pages need, so it can be rendered again, byte for byte, after the cache has
changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from broadsheet.record import Record
from broadsheet.text import word_count
from broadsheet.trends import Trends

WORDS_A_MINUTE = 238
"""Adults' mean silent reading speed for English prose (Brysbaert 2019, a review of 190 studies)."""


class Correction(BaseModel):
    """What the editor put right in an edition after it was published."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: date = Field(description="When it was put right.")
    words: str = Field(description="What was wrong and what is right, in a sentence or two.")


class Announced(Correction):
    """A correction of an earlier edition, as a later one tells it to the same readers."""

    edition: date = Field(description="The day of the edition that was wrong.")
    title: str = Field("", description="The title of the paper that it is about, if it is about one.")


class Card(BaseModel):
    """One paper in an edition: its record at the time the edition was composed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: Record
    why_bare: str = Field("", description="Why the card has no summary, if it has none.")
    is_brief: bool = Field(False, description="Only the title is printed, with its link.")
    note: str = Field("", description="The editor's own words, above the paper.")
    corrections: tuple[Correction, ...] = Field((), description="What was put right since, oldest first.")


class Pick(BaseModel):
    """A highlighted paper, whose card is in another section of the edition or in an earlier edition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    paper_id: str
    why: tuple[str, ...] = Field((), description="Why the paper was picked, such as '143 votes'.")
    record: Record | None = Field(None, description="The paper, if it has no card in this edition.")
    note: str = Field("", description="The editor's own words, above the pick.")


class Count(BaseModel):
    """One of the day's numbers, with the previous edition's for comparison."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    value: int
    before: int | None = Field(None, description="The same number in the previous edition, if any.")


class Section(BaseModel):
    """A heading with cards, picks, counts or trends under it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="Anchor in the page, such as a topic's id.")
    title: str
    cards: tuple[Card, ...] = ()
    picks: tuple[Pick, ...] = ()
    counts: tuple[Count, ...] = ()
    trends: Trends | None = Field(None, description="The last weeks in numbers.")
    note: str = Field("", description="How the section was made, for the page's footer.")


class Made(BaseModel):
    """How many of an edition's annotations one engine, model and prompt produced."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str
    model: str
    prompt: str
    papers: int


class Edition(BaseModel):
    """One day's newsletter. Each paper has a card in exactly one section; picks only refer to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: date
    newsletter: str = Field("daily", description="The name of the newsletter that it is an edition of.")
    title: str = Field("Broadsheet", description="What readers call the newsletter.")
    before: date | None = Field(None, description="The day of the previous edition.")
    corrections: tuple[Correction, ...] = Field(
        (), description="What was put right in the edition as a whole since, oldest first."
    )
    announced: tuple[Announced, ...] = Field(
        (), description="What was put right in earlier editions since the one before."
    )
    sections: tuple[Section, ...]

    @cached_property
    def cards(self) -> tuple[Card, ...]:
        """Return every card once, in page order."""
        return tuple(card for section in self.sections for card in section.cards)

    @cached_property
    def place(self) -> Mapping[str, tuple[Section, Card]]:
        """Return the section and card of each paper, by paper id."""
        return {card.record.id: (section, card) for section in self.sections for card in section.cards}

    @property
    def words(self) -> int:
        """Return the number of words in titles and summaries, counting picked papers twice."""
        picked = [self.record_of(pick) for section in self.sections for pick in section.picks]
        told = [card.record for card in self.cards if not card.is_brief] + picked
        titles = [card.record.title for card in self.cards] + [record.title for record in picked]
        return sum(len(title.split()) for title in titles) + sum(
            word_count(record.annotation.tldr) for record in told if record.annotation
        )

    def record_of(self, pick: Pick) -> Record:
        """Return the record that a pick points to, in this edition or outside it."""
        return pick.record or self.place[pick.paper_id][1].record

    @property
    def minutes(self) -> int:
        """Return the reading time of the whole edition in minutes, at least one."""
        return max(1, round(self.words / WORDS_A_MINUTE))

    @property
    def code(self) -> Mapping[str, int]:
        """Return the number of papers by code status; papers without an annotation are not counted."""
        return Counter(card.record.annotation.code.status for card in self.cards if card.record.annotation)

    @property
    def made(self) -> tuple[Made, ...]:
        """Return the engines, models and prompts that made the annotations, most annotations first."""
        makers = Counter(
            (made.engine, made.model, made.prompt) for card in self.cards if (made := card.record.provenance)
        )
        ordered = sorted(makers.items(), key=lambda entry: (-entry[1], entry[0]))
        return tuple(
            Made(engine=engine, model=model, prompt=prompt, papers=papers)
            for (engine, model, prompt), papers in ordered
        )
