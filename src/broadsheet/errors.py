"""The exceptions that Broadsheet raises on purpose, and who has to act on each.

BroadsheetError
├── UserError             the user; the message says what to do next (exit 2)
│   ├── ConfigError       an invalid setting, option, prompt or taxonomy
│   ├── StoreError        the file is not our database, is too new, read-only or locked, or the disk is full
│   ├── NotFoundError     no cached paper has that id or title
│   └── AmbiguousError    several papers match; the error lists them
├── SourceError           a source is down, refuses or sends garbage; other sources continue (exit 1)
└── LLMError              the model's provider
    ├── LLMUnavailable    temporary: try again later; finished work is saved (exit 1)
    └── LLMMisconfigured  permanent: the key, model or address was refused (exit 2)

Only the outermost layers (cli, web) turn these into messages, exit codes or status codes.
Any other exception that reaches them is a bug.
"""

from __future__ import annotations


class Notice(str):
    """A sentence of a source that tells of no failure, such as that nothing was listed on a day."""

    __slots__ = ()


class BroadsheetError(Exception):
    """Base class of all errors raised on purpose; ``str(error)`` is one sentence for the user."""

    exit_code = 1


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


class LLMMisconfigured(LLMError):  # noqa: N818 - as above
    """The provider rejects the key, model or address; retrying will not help."""

    exit_code = 2
