"""A filter in words for its reader, and as a query for a cell or an address: ``tag=nlp&not=survey``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from pydantic import ValidationError

from broadsheet.errors import ConfigError, plain_reason
from broadsheet.filters import Filter

_KEYS = {"tags": "tag", "without": "not", "search": "q", "fields": "where"}
"""What a query calls a field that has another name there; all others keep theirs."""
_FIELDS = {key: name for name, key in _KEYS.items()}
_SEVERAL = {name for name, field in Filter.model_fields.items() if field.default == ()}


def as_query(where: Filter) -> str:
    """Return the filter as a query; an empty one for the filter that lets every paper through."""
    pairs = [
        (_KEYS.get(name, name), _written(each))
        for name, value in where.model_dump(mode="json", exclude_defaults=True).items()
        for each in (value if name in _SEVERAL else [value])
    ]
    return urlencode(pairs)


def from_query(query: str) -> Filter:
    """Return the filter that a query says.

    Raises:
        ConfigError: It has a word that no filter knows, or a value that cannot be.
    """
    given: dict[str, Any] = {}
    for key, value in parse_qsl(query.strip().removeprefix("?"), keep_blank_values=True):
        name = _FIELDS.get(key, key)
        if name not in Filter.model_fields or key in _KEYS:
            raise ConfigError(f"A filter knows no “{key}”; it takes {', '.join(_keys())}.")
        if name == "fields":
            field, _, wanted = value.partition("=")
            given.setdefault(name, []).append((field, wanted))
        elif name in _SEVERAL:
            given.setdefault(name, []).append(value)
        else:
            given[name] = value
    try:
        return Filter.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        key = _KEYS.get(str(first["loc"][0]), str(first["loc"][0]))
        raise ConfigError(f"In the filter, “{key}” cannot be that: {plain_reason(first)}.") from error


def in_words(where: Filter, names: Mapping[str, str]) -> str:
    """Return the filter in words: ``tagged Robotics or Vision, not Survey, with code available``.

    Args:
        where: The filter.
        names: The shown name of each tag, by id.
    """
    found = []
    for name, value in where.model_dump(mode="json", exclude_defaults=True).items():
        several = [
            names.get(each, each) if isinstance(each, str) else _written(each) for each in _list(value)
        ]
        joined = ", ".join(several)
        found += {
            "tags": [f"tagged {(' or ' if where.match == 'any' else ' and ').join(several)}"],
            "match": [],
            "without": [f"not tagged {' or '.join(several)}"],
            "code": [f"with code: {value}"],
            "repository": ["with a listed repository" if value else "without a listed repository"],
            "words": [f"with the words “{value}”"],
            "search": [f"about “{value}”"],
            "fields": [f"with {joined}"],
        }.get(name, [f"with {name.replace('_', ' ')} {joined}"])
    return ", ".join(found)


def _keys() -> list[str]:
    return [_KEYS.get(name, name) for name in Filter.model_fields]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [str(value)]


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "=".join(value) if isinstance(value, list) else str(value)
