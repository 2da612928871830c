"""`Filter`: which papers a reader wants; the same for ``list``, the API, an edition and a subscriber."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from broadsheet.annotation import CodeStatus

_YES_NO = {"yes": True, "true": True, "no": False, "false": False}


class Filter(BaseModel):
    """Conditions that all must hold; an empty one lets every paper through.

    A paper without an annotation has no tags and no code status: it passes only where neither is asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tags: tuple[str, ...] = Field((), description="Ids of topics or contributions that the paper has.")
    match: Literal["any", "all"] = Field("any", description="Whether one of the tags is enough.")
    without: tuple[str, ...] = Field((), description="Ids of tags that the paper does not have.")
    contribution: tuple[str, ...] = Field((), description="Ids of contributions; it has one of them.")
    authors: tuple[str, ...] = Field((), description="Names, whole or in part; one of them is an author's.")
    sources: tuple[str, ...] = Field(
        (), description="Sources, such as hf or arxiv:cs.CL; one of them has listed it."
    )
    code: CodeStatus | None = Field(None, description="Its code status.")
    repository: bool | None = Field(None, description="Whether a listing names a repository of its code.")
    since: date | None = Field(None, description="First seen on this day or later.")
    until: date | None = Field(None, description="First seen on this day or earlier.")
    published_since: date | None = Field(None, description="Published on this day or later.")
    published_until: date | None = Field(None, description="Published on this day or earlier.")
    fields: tuple[tuple[str, str], ...] = Field(
        (), description="Fields and the value that each has, or that one of its phrases is."
    )
    words: str = Field("", description="Words that all stand in title, abstract, TL;DR, keywords or authors.")
    search: str = Field(
        "",
        description='A search that ranks: any of its words counts, "a phrase" must stand, -word must not.',
    )

    def unranked(self) -> Filter:
        """Return the filter for where there is no order to rank by: its search's words must all stand."""
        if not self.search:
            return self
        return self.model_copy(update={"words": f"{self.words} {self.search}".strip(), "search": ""})


def column_name(field: str) -> str:
    """Return the column of a field, which a filter may also write ``code.status`` or ``code-status``."""
    return field.replace(".", "_").replace("-", "_")


def wanted_values(value: str) -> list[str | bool | int]:
    """Return what a value that was typed may stand for in a field that is no text."""
    yes_or_no = [_YES_NO[value.lower()]] if value.lower() in _YES_NO else []
    return [value, *yes_or_no, *([int(value)] if value.isdecimal() else [])]
