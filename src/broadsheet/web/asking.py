"""The one URL grammar of page and API: which papers a query string asks for, and in what order."""

from __future__ import annotations

import base64
import binascii
from datetime import date
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlencode

from fastapi import HTTPException
from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from broadsheet.annotation import CodeStatus
from broadsheet.filters import Filter
from broadsheet.store.records import Order

MOST_PAPERS = 100
MOST_TAGS = 50
MOST_LETTERS = 500
Sort = Literal["new", "top", "relevance"]


def _none_if_empty(value: object) -> object:
    """Take an empty field of a form for one that was not filled in."""
    return None if value == "" else value


def _without_empty(values: object) -> object:
    """Leave out what a form sends for fields that were not filled in."""
    return [each for each in values if each != ""] if isinstance(values, list | tuple) else values


def _status(value: object) -> object:
    return {"1": "available", "": None}.get(value, value) if isinstance(value, str) else value


def _has_a_field(value: str) -> str:
    name, equals, _ = value.partition("=")
    if not (name.strip() and equals):
        raise ValueError("it takes FIELD=VALUE, such as contribution=survey")
    return value


Day = Annotated[date | None, BeforeValidator(_none_if_empty)]
Words = Annotated[str, Field(max_length=MOST_LETTERS)]
Tag = Annotated[str, Field(max_length=100)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=MOST_TAGS), BeforeValidator(_without_empty)]
Names = Annotated[tuple[Words, ...], Field(max_length=MOST_TAGS), BeforeValidator(_without_empty)]
Conditions = Annotated[
    tuple[Annotated[Words, AfterValidator(_has_a_field)], ...],
    Field(max_length=MOST_TAGS),
    BeforeValidator(_without_empty),
]


class Asked(BaseModel):
    """The parameters of a list of papers; unknown ones are ignored, malformed ones refused."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    tag: Tags = Field(
        (),
        validation_alias=AliasChoices("tag", "tags"),
        description="Ids of tags that a paper has.",
        examples=[["robotics"]],
    )
    match: Literal["any", "all"] = Field("any", description="Whether one of the tags is enough.")
    without: Tags = Field(
        (),
        validation_alias=AliasChoices("not", "without"),
        serialization_alias="not",
        description="Ids of tags that it does not have.",
    )
    contribution: Tags = Field(
        (), description="Ids of kinds of contribution; a paper has one of them.", examples=[["survey"]]
    )
    author: Names = Field(
        (),
        validation_alias=AliasChoices("author", "authors"),
        description="Names, whole or in part; one of them is an author's.",
    )
    source: Names = Field(
        (),
        validation_alias=AliasChoices("source", "sources"),
        description="Sources that have listed it, such as hf or arxiv:cs.CL; one is enough.",
        examples=[["hf"]],
    )
    q: Words = Field(
        "",
        validation_alias=AliasChoices("q", "search"),
        serialization_alias="q",
        description='Words to search for: any counts, "a phrase" must stand, -word must not.',
        examples=["sparse attention"],
    )
    words: Words = Field(
        "", description="Words that must all stand in it; order and number of the papers do not follow them."
    )
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
    repository: Annotated[bool | None, BeforeValidator(_none_if_empty)] = Field(
        None, description="Whether a listing names a repository of its code."
    )
    published_since: Day = Field(None, description="Published on this day or later.")
    published_until: Day = Field(None, description="Published on this day or earlier.")
    where: Conditions = Field(
        (),
        description="Fields of the annotation that have a value, as FIELD=VALUE.",
        examples=[["keywords=diffusion"]],
    )
    sort: Annotated[Sort | None, BeforeValidator(_none_if_empty)] = Field(
        None, description="new, top (the most votes first) or relevance; else relevance if there are words."
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
            contribution=self.contribution,
            authors=self.author,
            sources=self.source,
            code=self.code,
            repository=self.repository,
            since=self.since,
            until=self.until,
            published_since=self.published_since,
            published_until=self.published_until,
            fields=tuple(_field_and_value(each) for each in self.where),
            words=self.words,
            search=self.q,
        )

    @classmethod
    def of(cls, where: Filter) -> Asked:
        """Return what asks for the papers of a filter."""
        return cls(
            tag=where.tags,
            match=where.match,
            without=where.without,
            contribution=where.contribution,
            author=where.authors,
            source=where.sources,
            code=where.code,
            repository=where.repository,
            since=where.since,
            until=where.until,
            published_since=where.published_since,
            published_until=where.published_until,
            where=tuple("=".join(each) for each in where.fields),
            words=where.words,
            q=where.search,
        )

    @property
    def order(self) -> Order:
        """Return the order of the papers: without words there is nothing to be relevant to."""
        if not self.q:
            return "top" if self.sort == "top" else "new"
        return self.sort or "relevance"

    def query(self, **changes: object) -> str:
        """Return the shortest query string that asks for the same, with some parameters changed."""
        said = {
            name: value
            for name, default in _DEFAULTS.items()
            if (value := changes.get(name, getattr(self, name))) not in {default, None}
        }
        return urlencode({_ALIASES[name]: _written(value) for name, value in said.items()}, doseq=True)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Return the conditions as the names and values of hidden fields; order and place are left out."""
        return parse_qsl(self.query(sort=None, limit=30, cursor=""))

    @property
    def offset(self) -> int:
        """Return how many papers come before the page.

        Raises:
            HTTPException: The cursor is none of ours (422).
        """
        return read_cursor(self.cursor) if self.cursor else 0


_DEFAULTS = {name: field.default for name, field in Asked.model_fields.items()}
_ALIASES = {name: field.serialization_alias or name for name, field in Asked.model_fields.items()}


def _written(value: object) -> object:
    return str(int(value)) if isinstance(value, bool) else value


def _field_and_value(words: str) -> tuple[str, str]:
    name, _, value = words.partition("=")
    return name.strip(), value.strip()


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
