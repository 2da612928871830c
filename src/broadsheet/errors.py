"""The exceptions that Broadsheet raises on purpose, who has to act on each, and others' in plain words.

BroadsheetError
├── UserError             the user; the message says what to do next (exit 2)
│   ├── ConfigError       an invalid setting, option, prompt or taxonomy
│   ├── StoreError        the file is not our database, is too new, read-only or locked, or the disk is full
│   ├── NotFoundError     no cached paper has that id or title
│   └── AmbiguousError    several papers match; the error lists them
├── SourceError           a source is down, refuses or sends garbage; other sources continue (exit 1)
└── LLMError              the model's provider
    ├── LLMUnavailable    temporary: try again later; finished work is saved (exit 1)
    ├── LLMUseless        it answers, but nothing that can be used; finished work is saved (exit 1)
    └── LLMMisconfigured  permanent: the key, model or address was refused (exit 2)

Only the outermost layers (cli, web) turn these into messages, exit codes or status codes.
Any other exception that reaches them is a bug.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broadsheet.redaction import redacted

# What pydantic finds wrong, by the type of its error, in words for someone who knows no Python.
_PLAIN = {
    "bool_parsing": "it must be true or false",
    "bool_type": "it must be true or false",
    "date_from_datetime_parsing": "it must be a day such as 2026-01-31",
    "dict_type": "it must be a table of names and values",
    "extra_forbidden": "nothing has this name",
    "finite_number": "it must be a finite number",
    "float_parsing": "it must be a number",
    "float_type": "it must be a number",
    "greater_than": "it must be more than {gt}",
    "greater_than_equal": "it must be at least {ge}",
    "int_from_float": "it must be a whole number",
    "int_parsing": "it must be a whole number",
    "int_type": "it must be a whole number",
    "less_than_equal": "it must be at most {le}",
    "list_type": "it must be a list",
    "literal_error": "it must be {expected}",
    "missing": "it is missing",
    "model_type": "it must be a table of names and values",
    "path_type": "it must be a path",
    "string_too_long": "it may have at most {max_length} characters",
    "string_too_short": "it must not be empty",
    "string_type": "it must be text",
    "too_long": "it may have at most {max_length} entries",
    "too_short": "it must have at least {min_length}",
    "tuple_type": "it must be a list",
}


def plain_reason(detail: Mapping[str, Any]) -> str:
    """Return why a value is refused, from one of the ``errors()`` of a pydantic ``ValidationError``."""
    if words := _PLAIN.get(detail["type"]):
        return words.format_map(detail.get("ctx", {}))
    return str(detail["msg"]).removeprefix("Value error, ")


def why_unreadable(error: OSError | UnicodeDecodeError) -> str:
    """Return why a file of text cannot be read."""
    return "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error.strerror or error)


class Notice(str):
    """A sentence of a source that tells of no failure, such as that nothing was listed on a day."""

    __slots__ = ()


class BroadsheetError(Exception):
    """Base class of all errors raised on purpose; ``str(error)`` is one sentence, without any secret."""

    exit_code = 1

    def __init__(self, *words: object) -> None:
        super().__init__(*(redacted(word) if isinstance(word, str) else word for word in words))


class UserError(BroadsheetError):
    """Something that the user has to fix; the message says what."""

    exit_code = 2


class ConfigError(UserError):
    """A setting, an option, a prompt or the taxonomy is invalid."""


class StoreError(UserError):
    """The database cannot be opened, read or written."""


class NotFoundError(UserError):
    """No paper in the cache has the given id or title."""


class AmbiguousError(UserError):
    """More than one paper in the cache matches the query.

    Attributes:
        candidates: ``(id, title)`` of each matching paper.
    """

    def __init__(self, message: str, candidates: tuple[tuple[str, str], ...]) -> None:
        super().__init__(message)
        self.candidates = candidates


class SourceError(BroadsheetError):
    """A source cannot be reached, refuses the request, or sends something unreadable."""


class LLMError(BroadsheetError):
    """The model's provider failed to answer."""


class LLMUnavailable(LLMError):  # noqa: N818 - the state is the name: "the LLM is unavailable"
    """The provider is temporarily unavailable; a later attempt may succeed."""


class LLMUseless(LLMError):  # noqa: N818 - as above
    """The model's answers hold nothing that can be used; another one may do better."""


class LLMMisconfigured(LLMError):  # noqa: N818 - as above
    """The provider rejects the key, model or address; retrying will not help."""

    exit_code = 2
