"""`Filter`: which papers a reader wants; the same for ``list``, the API, an edition and a subscriber."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from string import ascii_lowercase, ascii_uppercase
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from broadsheet.annotation import CodeStatus
from broadsheet.errors import UserError
from broadsheet.record import Record
from broadsheet.searching import Phrase, phrases, stands_among, tokens

_YES_NO = {"yes": True, "true": True, "no": False, "false": False}

_NOCASE = str.maketrans(ascii_uppercase, ascii_lowercase)


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
    search: str = Field("", description="Words that stand in title, abstract, TL;DR, keywords or authors.")

    def matches(self, record: Record) -> bool:
        """Tell whether a record passes, as the cache's own query would.

        Raises:
            UserError: The annotation has no field of a name in ``fields``.
        """
        return (
            self._has_tags(record)
            and self._was_listed(record)
            and _within(record.first_seen, self.since, self.until)
            and _within(record.paper.published, self.published_since, self.published_until)
            and all(_has_value(record, name, value) for name, value in self.fields)
            and self._has_authors(record)
            and all(phrase for phrase in self._found(record))
        )

    def _has_tags(self, record: Record) -> bool:
        said = record.annotation
        has = {*said.topics, said.contribution} if said else set()
        wanted = set(self.tags)
        enough = 1 if self.match == "any" else len(wanted)
        return (
            (not wanted or len(wanted & has) >= enough)
            and has.isdisjoint(self.without)
            and (not self.contribution or (said is not None and said.contribution in self.contribution))
            and (self.code is None or (said is not None and said.code.status == self.code))
        )

    def _was_listed(self, record: Record) -> bool:
        wanted = {nocase(source) for source in self.sources}
        listed = {nocase(name) for each in record.sources for name in (each, each.partition(":")[0])}
        has_repository = record.repository is not None
        return (not wanted or not wanted.isdisjoint(listed)) and self.repository in {None, has_repository}

    def _has_authors(self, record: Record) -> bool:
        if not self.authors:
            return True
        names = [tokens(" ".join(record.paper.authors))]
        return any(stands_among(Phrase(author), names) for author in self.authors)

    def _found(self, record: Record) -> Iterator[bool]:
        """Yield for each word of the search whether the record has it."""
        if wanted := tuple(phrases(self.search)):
            said = record.annotation
            parts = [record.title, record.paper.abstract, " ".join(record.paper.authors)]
            parts += [said.tldr, " ".join(said.keywords)] if said else []
            texts = [tokens(part) for part in parts]
            for phrase in wanted:
                yield stands_among(phrase, texts)


def nocase(text: str) -> str:
    """Return the text with the letters A to Z in lower case, as SQLite's NOCASE compares it."""
    return text.translate(_NOCASE)


def column_name(field: str) -> str:
    """Return the column of a field, which a filter may also write ``code.status`` or ``code-status``."""
    return field.replace(".", "_").replace("-", "_")


def wanted_values(value: str) -> list[str | bool | int]:
    """Return what a value that was typed may stand for in a field that is no text."""
    yes_or_no = [_YES_NO[value.lower()]] if value.lower() in _YES_NO else []
    return [value, *yes_or_no, *([int(value)] if value.isdecimal() else [])]


def _within(day: date | None, first: date | None, last: date | None) -> bool:
    if day is None:
        return first is None and last is None
    return (first is None or day >= first) and (last is None or day <= last)


def _has_value(record: Record, name: str, value: str) -> bool:
    if record.annotation is None:
        return False
    held = dict(_columns(record.annotation.model_dump(mode="json")))
    if (column := column_name(name)) not in held:
        raise UserError(f"No field is called {name!r}; there are {', '.join(held)}.")
    wanted = [nocase(each) if isinstance(each, str) else each for each in wanted_values(value)]
    has = held[column]
    many = has if isinstance(has, list) else [has]
    return any((nocase(one) if isinstance(one, str) else one) in wanted for one in many if one is not None)


def _columns(values: Mapping[str, Any], path: Sequence[str] = ()) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _columns(value, (*path, name))
        else:
            yield "_".join((*path, name)), value
