"""Everything Broadsheet raises on purpose, and who must act on it.

BroadsheetError
├── UserError             the user: the sentence says what to do next (exit 2)
│   ├── ConfigError       a setting, an option, a prompt or the taxonomy
│   ├── StoreError        the database: not one, of a newer version, read-only, locked, disk full
│   ├── NotFoundError     nothing in the cache answers to that id or title
│   └── AmbiguousError    several papers do; the candidates are listed
├── SourceError           the source: late, refusing or unreadable; other sources go on (exit 1)
└── LLMError              the provider
    ├── LLMUnavailable    not now: worth another try later; what is done is kept (exit 1)
    └── LLMMisconfigured  not ever, as set: key, model or address refused (exit 2)

Only the front doors (cli, web) turn these into sentences, exit codes or status codes.
Anything else that reaches them is a bug.
"""

from __future__ import annotations


class BroadsheetError(Exception):
    """Base of all errors raised on purpose; ``str()`` of it is one sentence for a person."""

    exit_code = 1


class UserError(BroadsheetError):
    """The user must fix something; the message says what."""

    exit_code = 2


class ConfigError(UserError):
    """A setting, an option, a prompt text or the taxonomy cannot be used as it stands."""


class StoreError(UserError):
    """The database cannot be opened, read or written."""


class NotFoundError(UserError):
    """No paper in the cache answers to the id or title that was asked for."""


class AmbiguousError(UserError):
    """More than one paper answers to what was asked for.

    Attributes:
        candidates: ``(id, title)`` of each paper that does.
    """

    def __init__(self, message: str, candidates: tuple[tuple[str, str], ...]) -> None:
        super().__init__(message)
        self.candidates = candidates


class SourceError(BroadsheetError):
    """A source is unreachable, refuses, or sends what cannot be read."""


class LLMError(BroadsheetError):
    """The provider of the model failed to answer."""


class LLMUnavailable(LLMError):  # noqa: N818 - the state is the name: "the LLM is unavailable"
    """The provider does not answer now; a later try may succeed."""


class LLMMisconfigured(LLMError):  # noqa: N818 - as above
    """The provider will never answer as things are set: key, model or address."""

    exit_code = 2
