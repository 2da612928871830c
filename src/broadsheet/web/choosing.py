"""What a reader can choose on a list of papers, with counts, and what was chosen already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote_plus

from broadsheet.render.views.listing import tag_of
from broadsheet.store.facets import Facet
from broadsheet.taxonomy import Taxonomy
from broadsheet.visible import visible
from broadsheet.web.asking import Asked
from broadsheet.web.facets import Counts
from broadsheet.web.periods import Period

_MOST_SOURCES = 12
_ANY, _WITHOUT = "\0", "not"
"""What stands for each tag in what is the same of all their query strings, and the parameter."""
_WITHOUT_ANY = f"{_WITHOUT}={quote_plus(_ANY)}"
_MOST_MONTHS = 12
CODE = {"available": "available", "announced": "announced", "none": "no link found"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a facet.

    Attributes:
        value: What the address says.
        name: What a reader calls it.
        papers: How many papers it would leave or, where one of several is enough, add.
        is_chosen: Whether it was asked for.
        without: The query string that leaves papers with it out; empty where that cannot be asked.
    """

    value: str
    name: str
    papers: int
    is_chosen: bool
    without: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The values of a facet under one heading.

    Attributes:
        heading: What a reader calls the facet.
        parameter: Its name in the address.
        choices: Its values.
    """

    heading: str
    parameter: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """A month with papers, and the query string or the address that shows them."""

    name: str
    papers: int
    href: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything that can be chosen.

    Attributes:
        groups: The facets.
        months: The latest months with papers; none on a page that is about a period.
    """

    groups: tuple[Group, ...]
    months: tuple[Month, ...]


@dataclass(frozen=True, slots=True)
class Chip:
    """One condition that was asked for, in words, and the query string without it."""

    words: str
    without: str


def choices(asked: Asked, taxonomy: Taxonomy, counts: Counts, *, in_period: bool = False) -> Choices:
    """Return what can be chosen beside what was asked for."""
    return Choices(
        tuple(group for group in _groups(asked, taxonomy, counts.by) if group.choices),
        () if in_period else tuple(_months(asked, counts.by["month"])),
    )


def _groups(asked: Asked, taxonomy: Taxonomy, by: Mapping[Facet, Mapping[str, int]]) -> Iterator[Group]:
    known = {tag.id for tag in (*taxonomy.topics, *taxonomy.contributions)}
    former = sorted({*by["tag"], *asked.tag, *asked.without} - known)
    topics = [(tag.id, tag.name) for tag in taxonomy.topics]
    yield Group("Topics", "tag", tuple(_tags(asked, topics, by["tag"])))
    kinds = [(tag.id, tag.name) for tag in taxonomy.contributions]
    yield Group("Contribution", "contribution", tuple(_values(kinds, asked.contribution, by["contribution"])))
    code = (asked.code,) if asked.code else ()
    yield Group("Code", "code", tuple(_values(list(CODE.items()), code, by["code"])))
    sources = _most(by["source"], asked.source, _MOST_SOURCES)
    yield Group("Source", "source", tuple(_values(sources, asked.source, by["source"])))
    # A contribution may be asked for as a tag too: it then stands here, so that the form does not lose it.
    others = [tag.id for tag in taxonomy.contributions if tag.id in {*asked.tag, *asked.without}]
    names = [(id_, tag_of(taxonomy, id_).name) for id_ in (*others, *former)]
    yield Group("Other tags", "tag", tuple(_tags(asked, names, by["tag"])))


def _tags(asked: Asked, names: Sequence[tuple[str, str]], counted: Mapping[str, int]) -> Iterator[Choice]:
    # An equals sign in what is looked for is written otherwise, so that only the parameter itself is found.
    before, _, after = asked.query(without=(*asked.without, _ANY), cursor="").rpartition(_WITHOUT_ANY)
    for choice in _values(names, asked.tag, counted):
        if choice.value in asked.without:
            continue
        without = f"{before}{_WITHOUT}={quote_plus(choice.value)}{after}"
        if choice.is_chosen:
            rest = tuple(tag for tag in asked.tag if tag != choice.value)
            without = asked.query(tag=rest, without=(*asked.without, choice.value), cursor="")
        yield Choice(choice.value, choice.name, choice.papers, choice.is_chosen, without)


def _values(
    names: Sequence[tuple[str, str]], chosen: Sequence[str], counted: Mapping[str, int]
) -> Iterator[Choice]:
    for value, name in names:
        if counted.get(value) or value in chosen:
            yield Choice(value, visible(name), counted.get(value, 0), value in chosen)


def _most(counted: Mapping[str, int], chosen: Sequence[str], most: int) -> list[tuple[str, str]]:
    """Return the values with the most papers, and those that were chosen, in alphabetical order."""
    largest = sorted(counted, key=lambda value: (-counted[value], value))[:most]
    return [(value, value) for value in sorted({*largest, *chosen})]


def _months(asked: Asked, counted: Mapping[str, int]) -> Iterator[Month]:
    for name in sorted(counted, reverse=True)[:_MOST_MONTHS]:
        month = Period.around("month", date.fromisoformat(f"{name}-01"))
        is_chosen = (asked.since, asked.until) == (month.first, month.last)
        days = {"since": None, "until": None} if is_chosen else {"since": month.first, "until": month.last}
        yield Month(month.label, counted[name], "?" + asked.query(**days, cursor=""), is_chosen)


def chips(asked: Asked, names: Mapping[str, str]) -> Iterator[Chip]:
    """Yield each condition that was asked for."""
    asked = asked.model_copy(update={"cursor": ""})
    if asked.words:
        yield Chip(visible(f"with “{asked.words}”"), asked.query(words=""))
    if asked.q:
        yield Chip(visible(f"“{asked.q}”"), asked.query(q=""))
    for parameter, before in (
        ("tag", ""),
        ("without", "not "),
        ("contribution", ""),
        ("author", "by "),
        ("source", "from "),
        ("where", ""),
    ):
        values: tuple[str, ...] = getattr(asked, parameter)
        for value in dict.fromkeys(values):
            rest = tuple(each for each in values if each != value)
            yield Chip(visible(before + names.get(value, value)), asked.query(**{parameter: rest}))
    if asked.code:
        yield Chip(f"code {CODE[asked.code]}", asked.query(code=None))
    if asked.repository is not None:
        words = "repository listed" if asked.repository else "no repository listed"
        yield Chip(words, asked.query(repository=None))
    for name, words in (
        ("since", "first seen since"),
        ("until", "first seen until"),
        ("published_since", "published since"),
        ("published_until", "published until"),
    ):
        if day := getattr(asked, name):
            yield Chip(f"{words} {day.day} {day:%B} {day.year}", asked.query(**{name: None}))
