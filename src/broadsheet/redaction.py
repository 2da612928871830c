"""Takes keys and passwords out of all words that leave the program or are stored.

Whatever raises an error may quote what it was given: a header, an address, a proxy. So no caller is trusted
to leave secrets out. Errors, logs and messages pass `redacted`, and the database passes `Secrets.hide`.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote

HIDDEN = "[hidden]"
SHORTEST = 8
"""Characters from which a value is hidden wherever it stands; a shorter one is hidden as a whole word."""
_OURS = ("OPENAI_", "BROADSHEET_")
_SECRET_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_PROXY = re.compile(r"(?:http|https|all|ftp|ws|wss)_proxy", re.IGNORECASE)
_USER_INFORMATION = re.compile(r"""(://)[^/\s?#"'<>@]*@""")
_AUTHORITY = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//([^/\s?#]*)@|^([^/\s?#]*:[^/\s?#]*)@", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer\s+)[A-Za-z0-9._~+/=-]{16,}", re.IGNORECASE)
_KNOWN_KEYS = re.compile(r"\b(?:sk|gsk|pk|xai)-[A-Za-z0-9_-]{16,}")
_SHORT_BUT_SECRET = re.compile(r"(?=.*[^a-z]).{4,}")
"""Of a short value: plain words such as ``none`` and ``ollama`` are what keyless servers are given."""


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """The keys and passwords that the environment holds, in every form in which they may be quoted."""

    long: tuple[str, ...]
    short: re.Pattern[str] | None

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Return those of these variables, or of the process's own."""
        values = set(_values(os.environ if environment is None else environment))
        forms = {form for value in values for form in _forms(value)}
        short = sorted(form for form in forms if len(form) < SHORTEST and _SHORT_BUT_SECRET.fullmatch(form))
        return cls(
            tuple(sorted((form for form in forms if len(form) >= SHORTEST), key=len, reverse=True)),
            re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, short))})(?!\w)") if short else None,
        )

    def hide(self, text: str) -> str:
        """Return the text without them."""
        for secret in self.long:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return self.short.sub(HIDDEN, text) if self.short else text


def redacted(text: str) -> str:
    """Return a message without secrets: those of the environment, and what looks like one."""
    text = Secrets.of_environment().hide(text)
    text = _USER_INFORMATION.sub(rf"\1{HIDDEN}@", text)
    return _KNOWN_KEYS.sub(HIDDEN, _BEARER.sub(rf"\1{HIDDEN}", text))


def _values(environment: Mapping[str, str]) -> Iterable[str]:
    for name, value in environment.items():
        ours = name.upper().startswith(_OURS)
        if ours and name.upper().endswith(_SECRET_NAMES):
            yield value
            yield from value.split()
        if ours or _PROXY.fullmatch(name):
            for found in _AUTHORITY.finditer(value):
                user_information = found[1] or found[2] or ""  # http://@host has an empty one
                yield user_information
                yield user_information.partition(":")[2] or user_information


def _forms(value: str) -> Iterable[str]:
    """Yield a value as it stands, without white space around it, and as it is encoded on its way."""
    for text in {value, value.strip(), unquote(value.strip())}:
        yield text
        yield quote(text, safe="", errors="replace")  # bytes that are no UTF-8 come in no address
        yield repr(text)[1:-1]
        if ":" in text:  # a user's name and password, as the Basic scheme sends them (RFC 7617)
            yield base64.b64encode(text.encode("utf-8", "replace")).decode()
