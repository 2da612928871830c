"""`Newsletter`: a name for a choice of papers, how often it appears, how long it is, and how it looks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from broadsheet.errors import plain_reason
from broadsheet.filters import Filter
from broadsheet.taxonomy import tag_id

DEFAULT = "daily"
"""The newsletter that is made where none is declared: every paper of the cache, once."""

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
Rhythm = Literal["daily", "weekly", "monthly"]
WINDOW_DAYS: Mapping[Rhythm, int] = {"daily": 1, "weekly": 7, "monthly": 31}
"""How many days of papers the first edition of a newsletter takes."""
GRACE_DAYS = 14
"""How many days longer a paper stays new, so that one that was annotated late is not missed."""

# The options of `list`, as a newsletter spells them, and the filter's fields that they fill.
_OPTIONS = {
    "tag": "tags",
    "match": "match",
    "not": "without",
    "author": "authors",
    "contribution": "contribution",
    "source": "sources",
    "code": "code",
    "repository": "repository",
    "where": "fields",
    "words": "words",
    "search": "words",  # a newsletter takes every paper that passes, so no word can be optional
}
_SEVERAL = {"tag", "not", "author", "contribution", "source", "where"}
Colour = Annotated[str, StringConstraints(pattern=r"^#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")]


class Colours(BaseModel):
    """The colours of a page, on a light and on a dark screen; each is ``#rgb`` or ``#rrggbb``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accent: Colour = Field("#9a3412", description="Rules between sections, marks and the wordmark.")
    link: Colour = Field("#0b57d0", description="Links.")
    ink: Colour = Field("#1f2328", description="Text.")
    paper: Colour = Field("#fff", description="What the text stands on.")
    accent_dark: Colour = Field("#f0a37c", description="The accent on a dark screen.")
    link_dark: Colour = Field("#79b8ff", description="Links on a dark screen.")
    ink_dark: Colour = Field("#e6edf3", description="Text on a dark screen.")
    paper_dark: Colour = Field("#0d1117", description="What the text stands on, on a dark screen.")


class Newsletter(BaseModel):
    """`[newsletter.NAME]` in ``broadsheet.toml``; the options of ``list``, as keys, are its filter."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(DEFAULT, description="Its name in commands and paths: a-z, 0-9 and hyphens.")
    title: str = Field("Broadsheet", min_length=1, max_length=100, description="What readers call it.")
    filter: Filter = Field(Filter(), description="Which papers it takes.")
    rhythm: Rhythm = Field("daily", description="How often it appears: daily, weekly or monthly.")
    top: int | None = Field(
        None, ge=1, description="How many papers are told in full; the rest stand as titles."
    )
    logo: str = Field("", max_length=100, description="The words at the top of page and mail; else title.")
    footer: str = Field("", max_length=2_000, description="A last sentence or two for readers.")
    colours: Colours = Field(Colours(), description="The colours of its page and mail.")
    language: str | None = Field(None, description="The language of its page; else that of the summaries.")
    trends: bool = Field(True, description="Whether it says what rises, once there are two weeks to compare.")
    look_back_days: int | None = Field(
        None,
        ge=0,
        description="How many days ago a paper may have been first seen and still be new.",
    )

    @model_validator(mode="before")
    @classmethod
    def _gather_filter(cls, given: Any) -> Any:
        """Move the options of ``list`` into the filter."""
        if not isinstance(given, Mapping) or "filter" in given:
            return given
        chosen = {
            _OPTIONS[name]: [value] if name in _SEVERAL and isinstance(value, str) else value
            for name, value in given.items()
            if name in _OPTIONS
        }
        if "fields" in chosen:
            chosen["fields"] = [_field_and_value(each) for each in chosen["fields"]]
        rest = {name: value for name, value in given.items() if name not in _OPTIONS}
        return {**rest, "filter": chosen} if chosen else rest

    @model_validator(mode="after")
    def _can_be_a_folder(self) -> Newsletter:
        if not NAME.fullmatch(self.name) or _DAY.fullmatch(self.name):
            raise ValueError("a newsletter's name has the letters a-z, digits and hyphens, and is no date")
        return self

    @property
    def wordmark(self) -> str:
        """Return the words at the top of its page."""
        return self.logo or self.title

    @property
    def takes_everything(self) -> bool:
        """Tell whether it prints every paper of the cache once, however long ago it was seen."""
        return self.name == DEFAULT and self.filter == Filter() and self.look_back_days is None

    @property
    def window_days(self) -> int:
        """Return how many days of papers its first edition takes, the edition's own among them."""
        return WINDOW_DAYS[self.rhythm]

    @property
    def reach_days(self) -> int:
        """Return how many days ago a paper may have been first seen and still be new."""
        return self.window_days + GRACE_DAYS if self.look_back_days is None else self.look_back_days

    def is_due(self, day: date, latest: date | None) -> bool:
        """Tell whether an edition falls due on a day: one a day, an ISO week or a month.

        Args:
            day: The day of a run; days on which nothing ran are made up for by the next.
            latest: The day of its latest edition up to then, if any. That edition itself is due again on its
                own day, so that a second run of the day can complete it.
        """
        if latest is None or latest == day or self.rhythm == "daily":
            return True
        if self.rhythm == "weekly":
            return latest.isocalendar()[:2] != day.isocalendar()[:2]
        return (latest.year, latest.month) != (day.year, day.month)

    def with_tag_ids(self, names: Mapping[str, str]) -> Newsletter:
        """Return the newsletter with its tags by id, where they were given by their shown names.

        Args:
            names: The shown name of each tag, by id.

        Raises:
            ConfigError: A tag is unknown.
        """
        where = self.filter
        if not where.tags and not where.without and not where.contribution:
            return self
        resolved = {
            field: tuple(tag_id(tag, names) for tag in getattr(where, field))
            for field in ("tags", "without", "contribution")
        }
        return self.model_copy(update={"filter": where.model_copy(update=resolved)})


EVERYTHING = Newsletter()
"""Every paper of the cache, once, each day."""


def all_with_tag_ids(newsletters: Iterable[Newsletter], names: Mapping[str, str]) -> tuple[Newsletter, ...]:
    """Return newsletters whose tags are ids.

    Raises:
        ConfigError: A tag is unknown.
    """
    return tuple(each.with_tag_ids(names) for each in newsletters)


def _field_and_value(words: Any) -> Any:
    if not isinstance(words, str):
        return words
    name, equals, value = words.partition("=")
    if not (name.strip() and equals):
        raise ValueError("“where” takes FIELD=VALUE, such as contribution=survey")
    return name.strip(), value.strip()


def fault_sentence(name: str, detail: Mapping[str, Any], file: Path) -> str:
    """Return the sentence for a newsletter's setting that cannot be as it is.

    Args:
        name: The setting, such as ``newsletter.robots.filter.tags``.
        detail: What pydantic says of it.
        file: Where it stands.
    """
    name = name.replace(".filter.", ".")
    if detail["type"] == "extra_forbidden":
        return f"A newsletter has no setting “{name.rpartition('.')[2]}”; correct “{name}” in {file}."
    if isinstance(detail["input"], dict):
        return f"[{name}] in {file} is not right: {plain_reason(detail)}; correct it."
    return f"The setting “{name}” cannot be “{detail['input']}”: {plain_reason(detail)}; correct {file}."
