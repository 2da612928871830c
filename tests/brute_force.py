"""Filters and searches read plainly, in Python: what the cache's SQL must agree with.

The full-text index is FTS5 with ``porter unicode61 remove_diacritics 2`` (https://www.sqlite.org/fts5.html,
4.3). A token is a run of letters, digits and private-use characters, in lower case and without accents, cut
to its stem by Porter's algorithm.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import snowballstemmer

from broadsheet import Filter, Record
from broadsheet.errors import UserError
from broadsheet.filters import column_name, wanted_values
from broadsheet.searching import Phrase, parsed, phrases

_NOCASE = str.maketrans(ascii_uppercase, ascii_lowercase)
_LONGEST_STEMMED = 64
_SHORTEST_STEMMED = 3
"""FTS5 leaves tokens of fewer and of more bytes than these as they are."""


def matches(where: Filter, record: Record) -> bool:
    """Tell whether a record passes, as the cache's own query would.

    Raises:
        UserError: The annotation has no field of a name in ``fields``.
    """
    return (
        _has_tags(where, record)
        and _was_listed(where, record)
        and _within(record.first_seen, where.since, where.until)
        and _within(record.paper.published, where.published_since, where.published_until)
        and all(_has_value(record, name, value) for name, value in where.fields)
        and _has_authors(where, record)
        and all(phrase for phrase in _found(where, record))
    )


def _has_tags(where: Filter, record: Record) -> bool:
    said = record.annotation
    has = {*said.topics, said.contribution} if said else set()
    wanted = set(where.tags)
    enough = 1 if where.match == "any" else len(wanted)
    return (
        (not wanted or len(wanted & has) >= enough)
        and has.isdisjoint(where.without)
        and (not where.contribution or (said is not None and said.contribution in where.contribution))
        and (where.code is None or (said is not None and said.code.status == where.code))
    )


def _was_listed(where: Filter, record: Record) -> bool:
    wanted = {nocase(source) for source in where.sources}
    listed = {nocase(name) for each in record.sources for name in (each, each.partition(":")[0])}
    has_repository = record.repository is not None
    return (not wanted or not wanted.isdisjoint(listed)) and where.repository in {None, has_repository}


def _has_authors(where: Filter, record: Record) -> bool:
    if not where.authors:
        return True
    names = [tokens(" ".join(record.paper.authors))]
    return any(stands_among(Phrase(author), names) for author in where.authors)


def _found(where: Filter, record: Record) -> Iterator[bool]:
    """Yield for each of the words that must stand whether the record has it."""
    if wanted := tuple(phrases(where.unranked().words)):
        said = record.annotation
        parts = [record.title, record.paper.abstract, " ".join(record.paper.authors)]
        parts += [said.tldr, " ".join(said.keywords)] if said else []
        texts = [tokens(part) for part in parts]
        for phrase in wanted:
            yield stands_among(phrase, texts)


def finds(search: str, record: Record) -> bool:
    """Tell whether a ranked search finds a record: one of its words is enough, little ones aside."""
    wanted = parsed(search)
    said = record.annotation
    parts = [record.title, record.paper.abstract, " ".join(record.paper.authors)]
    parts += [said.tldr, " ".join(said.keywords)] if said else []
    texts = [tokens(part) for part in parts]
    tags = [tokens(tag) for tag in (*said.topics, said.contribution)] if said else []
    any_of = (*wanted.required, *wanted.telling)
    if not (any_of or wanted.excluded):  # signs alone are found nowhere
        return not search.strip()
    return (
        all(stands_among(phrase, texts) for phrase in wanted.required)
        and not any(stands_among(phrase, texts) for phrase in wanted.excluded)
        and (not any_of or any(stands_among(phrase, [*texts, *tags]) for phrase in any_of))
    )


def nocase(text: str) -> str:
    """Return the text with the letters A to Z in lower case, as SQLite's NOCASE compares it."""
    return text.translate(_NOCASE)


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


def tokens(text: str) -> tuple[str, ...]:
    """Return the stems of a text in order, as the index has them."""
    return tuple(map(_stem, _words(text)))


def stands_among(phrase: Phrase, texts: Sequence[Sequence[str]]) -> bool:
    """Tell whether the tokens of a phrase stand in a row in one of these texts, given as `tokens`."""
    wanted = tokens(phrase.text)
    if not wanted:
        return False
    *whole, last = wanted
    return any(
        list(text[start : start + len(whole)]) == whole
        and (
            text[start + len(whole)].startswith(last)
            if phrase.is_unfinished
            else text[start + len(whole)] == last
        )
        for text in texts
        for start in range(len(text) - len(whole))
    )


def _words(text: str) -> Iterator[str]:
    word: list[str] = []
    for character in unicodedata.normalize("NFD", text.lower()):
        category = unicodedata.category(character)
        if category[0] in "LN" or category == "Co":
            word.append(character)
        elif category != "Mn" and word:
            yield "".join(word)
            word = []
    if word:
        yield "".join(word)


@cache
def _stem(word: str) -> str:
    if not _SHORTEST_STEMMED <= len(word.encode()) <= _LONGEST_STEMMED:
        return word
    return str(_porter().stemWord(word))


@cache
def _porter() -> Any:
    return snowballstemmer.stemmer("porter")
