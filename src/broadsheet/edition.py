"""`Edition`, `Section`, `Card`: one day's newsletter as frozen values, as it is fixed and rendered."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from broadsheet.record import Record


class Card(BaseModel):
    """One paper in an edition: the record as it stood when the edition was composed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: Record


class Section(BaseModel):
    """Cards under one heading."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="Anchor in the page, such as a topic's id.")
    title: str
    cards: tuple[Card, ...]


class Edition(BaseModel):
    """One day's newsletter. A paper stands in exactly one section."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: date
    sections: tuple[Section, ...]
