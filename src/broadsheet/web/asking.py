"""The one URL grammar of page and API: which papers a query string asks for, and in what order."""

from __future__ import annotations

import base64
import binascii
from datetime import date
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import HTTPException
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from broadsheet.annotation import CodeStatus
from broadsheet.filters import Filter
from broadsheet.store.records import Order

MOST_PAPERS = 100
MOST_TAGS = 50
MOST_LETTERS = 500
Sort = Literal["new", "top"]


def _none_if_empty(value: object) -> object:
    """Take an empty field of a form for one that was not filled in."""
    return None if value == "" else value


def _status(value: object) -> object:
    return {"1": "available", "": None}.get(value, value) if isinstance(value, str) else value


Day = Annotated[date | None, BeforeValidator(_none_if_empty)]
Words = Annotated[str, Field(max_length=MOST_LETTERS)]
Tag = Annotated[str, Field(max_length=100)]


class Asked(BaseModel):
    """The parameters of a list of papers; unknown ones are ignored, malformed ones refused."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    tag: Annotated[tuple[Tag, ...], Field(max_length=MOST_TAGS)] = Field(
        (), description="Ids of tags that a paper has.", examples=[["robotics"]]
    )
    match: Literal["any", "all"] = Field("any", description="Whether one of the tags is enough.")
    without: Annotated[tuple[Tag, ...], Field(max_length=MOST_TAGS)] = Field(
        (),
        validation_alias=AliasChoices("not", "without"),
        serialization_alias="not",
        description="Ids of tags that it does not have.",
    )
    q: Words = Field("", description="Words to search for.", examples=["sparse attention"])
    since: Day = Field(
        None,
        validation_alias=AliasChoices("from", "since"),
        serialization_alias="from",
        description="First seen on this day or later.",
    )
    until: Day = Field(
        None,
        validation_alias=AliasChoices("to", "until"),
        serialization_alias="to",
        description="First seen on this day or earlier.",
    )
    code: Annotated[CodeStatus | None, BeforeValidator(_status)] = Field(
        None, description="Its code status; 1 means available."
    )
    sort: Annotated[Sort | None, BeforeValidator(_none_if_empty)] = Field(
        None, description="Newest first, or top: the most votes first."
    )
    limit: int = Field(30, ge=1, le=MOST_PAPERS, description="The most papers to return.")
    cursor: Annotated[str, Field(max_length=200)] = Field("", description="Where the page before ended.")

    @property
    def filter(self) -> Filter:
        """Return the conditions, as the store takes them."""
        return Filter(
            tags=self.tag,
            match=self.match,
            without=self.without,
            code=self.code,
            since=self.since,
            until=self.until,
            search=self.q,
        )

    @property
    def order(self) -> Order:
        """Return the order of the papers."""
        return "top" if self.sort == "top" else "new"

    def query(self, **changes: object) -> str:
        """Return the shortest query string that asks for the same, with some parameters changed."""
        asked = self.model_copy(update=changes)
        said = asked.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return urlencode({name: value for name, value in said.items() if value is not None}, doseq=True)

    @property
    def offset(self) -> int:
        """Return how many papers come before the page.

        Raises:
            HTTPException: The cursor is none of ours (422).
        """
        return read_cursor(self.cursor) if self.cursor else 0


def write_cursor(offset: int) -> str:
    """Return the cursor of the page that begins after so many papers."""
    return base64.urlsafe_b64encode(f"o{offset}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> int:
    """Return how many papers come before the page of a cursor.

    Raises:
        HTTPException: It is none of ours (422).
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    if not (text.startswith("o") and text[1:].isdecimal() and int(text[1:]) <= 10**9):
        raise HTTPException(422, "The cursor is not one that this server gave.")
    return int(text[1:])
