"""The fields of an annotation as a reader sees them, whatever fields it has.

A field that `Annotation` declares is shown by its type: tags by their names, lists with commas, code by its
status and links. So a new field appears in every format with no change here or in a template.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel

from broadsheet.annotation import Annotation, Code, InFacet, Place
from broadsheet.record import LinkState, Record, Repository
from broadsheet.schema import shown_fields
from broadsheet.visible import visible

AUTHORS_NAMED = 3
# RFC 3986 allows none of them unencoded; each also means something in HTML or Markdown.
_NEVER_IN_URL = frozenset(' "<>\\^`{|}')


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead to an address, and what is to be said of it."""

    text: str
    url: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A field of one annotation in print: words, links, or both.

    ``is_plain`` says that its words are understood without the label, as tags and code are. ``tags`` has the
    id and the name of each tag in the text, for pages that link to a page of the tag.
    """

    label: str
    at: Place
    text: str = ""
    links: tuple[Link, ...] = ()
    is_plain: bool = False
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def badge(self) -> str:
        """Return the words of a badge, with the label unless they are understood without it."""
        return self.text if self.is_plain or self.text == self.label else f"{self.label}: {self.text}"


def shown(
    annotation: Annotation,
    names: Mapping[str, str],
    under: str,
    states: Mapping[str, LinkState],
    title: str = "",
) -> tuple[Shown, ...]:
    """Return the fields that have something to show, in the order in which they are declared.

    Args:
        annotation: What is said of the paper.
        names: Shown name of each tag, by id.
        under: Id of the tag that the section's heading already says.
        states: What the last check found behind each URL.
        title: The heading above; a line that only says it again is left out.
    """
    found = []
    for field in shown_fields(type(annotation)):
        value = getattr(annotation, field.name)
        plain = True
        named: tuple[tuple[str, str], ...] = ()
        if isinstance(value, Code):
            text, links = _code(value, states)
        elif _holds_tags(type(annotation), field.name):
            named = tuple(_named(value, names, under))
            text, links = ", ".join(name for _, name in named), ()
        else:
            text, links, plain = words(value, field.show.label), (), field.show.at == "headline"
        if (text or links) and not (field.show.at == "headline" and repeats_title(text, title)):
            found.append(Shown(field.show.label, field.show.at, text, links, plain, named))
    return tuple(found)


def linked(
    annotation: Annotation, names: Mapping[str, str], states: Mapping[str, LinkState]
) -> tuple[tuple[Link, ...], tuple[tuple[str, str], ...]]:
    """Return what lists of papers show of an annotation: the links to code, and id and name of each tag.

    Args:
        annotation: What is said of the paper.
        names: Shown name of each tag, by id.
        states: What the last check found behind each URL.
    """
    links: tuple[Link, ...] = ()
    tags: list[tuple[str, str]] = []
    for field in shown_fields(type(annotation)):
        value = getattr(annotation, field.name)
        if isinstance(value, Code):
            links += _code(value, states)[1]
        elif _holds_tags(type(annotation), field.name):
            tags += _named(value, names)
    return links, tuple(tags)


def _named(value: str | Sequence[str], names: Mapping[str, str], under: str = "") -> list[tuple[str, str]]:
    """Return id and name of each tag but one."""
    tags = (value,) if isinstance(value, str) else value
    return [(tag, visible(names.get(tag, tag))) for tag in tags if tag != under]


def repeats_title(text: str, title: str) -> bool:
    """Tell whether a line only says a paper's title again, which stands above it already."""
    return text.rstrip(".").casefold() == visible(title).rstrip(".").casefold()


def sentence_of(record: Record) -> str:
    """Return a paper's TL;DR as it is printed: empty where there is none, or only the title again."""
    text = visible(record.annotation.tldr) if record.annotation else ""
    return "" if repeats_title(text, record.title) else text


def listed_repository(repository: Repository | None) -> tuple[Shown, ...]:
    """Return a listed repository as a field of its own: the abstract's verdict on code stands beside it."""
    if repository is None or not safe_url(repository.url):
        return ()
    link = Link(f"repository listed by {repository.listed_by}", repository.url)
    return (Shown("Repository", at="badge", links=(link,), is_plain=True),)


def authors_line(authors: Sequence[str]) -> str:
    """Return the first authors and how many more there are: ``M. Quay, A. Reed, T. Lock, +2``."""
    named = [name for author in authors if (name := visible(author))]
    more = len(named) - AUTHORS_NAMED
    return ", ".join(named[:AUTHORS_NAMED]) + (f", +{more}" if more > 0 else "")


def safe_url(url: str) -> str:
    """Return the address if a reader can be sent there (http or https, nothing invisible), else empty."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    honest = url.isprintable() and visible(url) == url and not _NEVER_IN_URL.intersection(url)
    return url if honest and parts.scheme in {"http", "https"} and parts.netloc else ""


def _code(code: Code, states: Mapping[str, LinkState]) -> tuple[str, tuple[Link, ...]]:
    if code.status == "none":
        return "", ()
    words = "code" if code.status == "available" else "code announced"
    urls = [url for url in code.urls if safe_url(url)]
    links = tuple(
        Link(
            text=words if len(urls) == 1 else f"{words} {number}",
            url=url,
            remark="link gone" if states.get(url) == "gone" else "",
        )
        for number, url in enumerate(urls, start=1)
    )
    return ("" if links else f"{words}, no link" if code.status == "available" else words), links


@cache
def _holds_tags(model: type[Annotation], name: str) -> bool:
    field = model.model_fields[name]
    marks = [*field.metadata, *(mark for arg in get_args(field.annotation) for mark in get_args(arg)[1:])]
    return any(isinstance(mark, InFacet) for mark in marks)


def words(value: Any, label: str) -> str:
    """Return a value as a reader sees it: lists with commas, yes as the label, parts by their names."""
    if isinstance(value, bool):
        return label if value else ""
    if isinstance(value, BaseModel):
        parts = ((name.replace("_", " "), getattr(value, name)) for name in type(value).model_fields)
        shown_parts = ((name, words(part, "yes")) for name, part in parts)
        return ", ".join(f"{name} {part}" for name, part in shown_parts if part)
    if isinstance(value, tuple | list):
        return ", ".join(visible(str(one)) for one in value)
    return "" if value is None else visible(str(value))
