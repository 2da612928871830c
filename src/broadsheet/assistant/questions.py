"""The questions that an assistant can ask, one class a tool: what it takes, and how the cache answers."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from broadsheet.annotation import CodeStatus
from broadsheet.assistant.answers import NOTICE, Room, clean
from broadsheet.assistant.editions import told_edition
from broadsheet.filters import Filter
from broadsheet.newsletter import DEFAULT
from broadsheet.store import Store
from broadsheet.taxonomy import Taxonomy, tag_id

MOST_PAPERS = 50
MOST_OF_AN_EDITION = 200
_MOST_LETTERS = 500


def _as_list(value: object) -> object:
    """Take one text for a list of one, and a list that was written as JSON in a text, as some clients do."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return [value]
    return [value]


Words = Annotated[str, Field(max_length=_MOST_LETTERS)]
Texts = Annotated[tuple[Words, ...], Field(max_length=50), BeforeValidator(_as_list)]
Detail = Annotated[
    bool, Field(description="Whole records: abstract, authors, tags, evidence for code, who annotated it.")
]
Limit = Annotated[int, Field(ge=1, le=MOST_PAPERS, description="At most so many papers.")]


@dataclass(frozen=True)
class Cache:
    """What questions are put to: an open cache, and the tags that its papers may have."""

    store: Store
    taxonomy: Taxonomy


class Question(BaseModel):
    """What a tool takes. An argument that is null counts as left out.

    Attributes:
        tool: The tool's name.
        title: The tool's name for people.
        purpose: What it is for, in the words that the assistant reads.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: ClassVar[str]
    title: ClassVar[str]
    purpose: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            return {name: value for name, value in given.items() if value is not None}
        return given

    @abstractmethod
    def answer(self, cache: Cache) -> dict[str, Any]:
        """Return the answer, as JSON types.

        Raises:
            UserError: Nothing answers to what was asked; the message says what to ask instead.
        """


class LookUp(Question):
    """One paper by name."""

    tool = "look_up"
    title = "Look a paper up"
    purpose = "Find one paper of the cache by its id (arXiv's too), DOI, URL or title, or by a part of one."

    paper: str = Field(min_length=1, max_length=1_000, description="Id, DOI, URL or title.")
    detail: Detail = False

    def answer(self, cache: Cache) -> dict[str, Any]:
        """Return the paper."""
        room = Room(1, cache.store.annotation, detail=self.detail)
        return {"notice": NOTICE, "paper": room.one(cache.store.get(self.paper))}


class Search(Question):
    """Papers by words, tags, code, authors and dates."""

    tool = "search"
    title = "Search papers"
    purpose = (
        "Search the cached papers, the best answer first, or list what passes a filter, the latest first."
        " All conditions must hold. `total` counts all that pass; ask again with `offset` = `next` for more."
    )

    words: Words = Field(
        "", description='What it is about: any word counts, "a phrase" must stand, -word must not.'
    )
    tags: Texts = Field((), description="Tags by id or name, as the tool tags lists them.")
    match: Literal["any", "all"] = Field("any", description="Whether one of the tags is enough.")
    without: Texts = Field((), description="Tags that it must not have.")
    code: CodeStatus | None = Field(None, description="Whether the abstract says that code is there.")
    authors: Texts = Field((), description="Names or parts of names; one of them is an author's.")
    since: date | None = Field(None, description="First seen on this day or later (YYYY-MM-DD).")
    until: date | None = Field(None, description="First seen on this day or before.")
    limit: Limit = 10
    offset: int = Field(0, ge=0, le=1_000_000, description="How many to pass over.")
    detail: Detail = False

    def answer(self, cache: Cache) -> dict[str, Any]:
        """Return a page of papers, with the number of all and where the next page begins."""
        store, where = cache.store, self._filter(cache)
        total = store.count(where)
        room = Room(self.limit, store.annotation, detail=self.detail)
        found = store.list(where, limit=self.limit, offset=self.offset)
        papers = list(room.told(found))
        after = self.offset + len(papers)
        return {
            "notice": NOTICE,
            "total": total,
            "papers": papers,
            **({"next": after} if papers and after < total else {}),
        }

    def _filter(self, cache: Cache) -> Filter:
        names, counted = cache.taxonomy.names, cache.store.records.tag_counts()
        known = {tag: names.get(tag, tag) for tag in (*names, *counted)}
        return Filter(
            tags=tuple(tag_id(tag, known) for tag in self.tags),
            match=self.match,
            without=tuple(tag_id(tag, known) for tag in self.without),
            code=self.code,
            authors=self.authors,
            since=self.since,
            until=self.until,
            search=self.words,
        )


class Related(Question):
    """Papers like one."""

    tool = "related"
    title = "Find related papers"
    purpose = "Find the cached papers that are most like one, most alike first."

    paper: str = Field(min_length=1, max_length=1_000, description="Its id, DOI, URL or title.")
    limit: Limit = 10
    detail: Detail = False

    def answer(self, cache: Cache) -> dict[str, Any]:
        """Return the papers, and which one they are like."""
        store = cache.store
        paper_id = store.get(self.paper).id
        room = Room(self.limit, store.annotation, detail=self.detail)
        papers = list(room.told(store.related(paper_id, self.limit)))
        left_out = {"left_out": room.left_out} if room.left_out else {}
        return {"notice": NOTICE, "like": clean(paper_id), "papers": papers, **left_out}


class TodaysEdition(Question):
    """A day's newsletter."""

    tool = "edition"
    title = "Read an edition"
    purpose = "Read the newsletter's latest edition, or that of a day: its picks and its papers by section."

    day: date | None = Field(None, description="YYYY-MM-DD; the latest edition if left out.")
    newsletter: str = Field(DEFAULT, max_length=100, description="Which newsletter, if there are several.")
    limit: int = Field(50, ge=1, le=MOST_OF_AN_EDITION, description="At most so many papers.")
    detail: Detail = False

    def answer(self, cache: Cache) -> dict[str, Any]:
        """Return the edition."""
        room = Room(self.limit, cache.store.annotation, detail=self.detail)
        return {"notice": NOTICE, **told_edition(cache.store.editions, self.day, self.newsletter, room)}


class Tags(Question):
    """The tags with counts."""

    tool = "tags"
    title = "List tags"
    purpose = "List the tags (topics and kinds of contribution), each with the number of its papers."

    def answer(self, cache: Cache) -> dict[str, Any]:
        """Return the tags, also those that the taxonomy has no more but papers have."""
        return {"tags": cache.taxonomy.counted(cache.store.records.tag_counts())}


QUESTIONS: Mapping[str, type[Question]] = {
    each.tool: each for each in (LookUp, Search, Related, TodaysEdition, Tags)
}
"""Every question, by the name of its tool, in the order in which clients list them."""
