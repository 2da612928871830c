"""Finds what a paper calls its own method, from its title and the sentence that introduces it."""

from __future__ import annotations

import re

# A name has a capital or a digit behind its first letter, or is spelled in capitals: CrossQ, SWAP, f-DP,
# C3Net.
NAME = r"(?:[A-Za-z0-9]*[A-Z][\w+*α-ω]*(?:[-–/][\w+*]+)*)"
_TITLE_NAME = re.compile(r"^([^:?]{2,60}?)\s?:\s")
_SHAPED = re.compile(r"^(?=.*(?:[a-z0-9-][A-Z]|[A-Z]{2}|\d|^[A-Z][a-z]+$)).{2,40}$")
_INTRODUCED = (
    re.compile(
        rf"\b(?:called|termed|named|dubbed|coined|namely|call(?:ed)? (?:it|this \w+))(?: as)?,? "
        rf"[\"“]?({NAME}(?: {NAME}){{0,2}})"
    ),
    re.compile(
        rf"\b(?:propose|present|introduce|develop|describe)s? (?:the |our "
        rf")?({NAME}(?:\s{NAME}){{0,3}})(?: \([\w-]{{2,20}}\))?,? (?:an?|the|which|that|to)\b"
    ),
    re.compile(r"\b(?:propose|present|introduce|develop)s?\b[^.()]{3,120}\(([A-Z][\w-]*[A-Z0-9][\w-]*)\)"),
)


def own_name(title: str, abstract: str) -> str:
    """Returns the name of what the paper introduces as title or abstract writes it, or an empty string.

    Both are plain text. The title's words before a colon are a name only if the abstract uses them too.
    """
    match = _TITLE_NAME.match(title)
    if match and len(match[1].split()) <= 3 and _SHAPED.match(match[1]):
        used = re.search(rf"(?<!\w){re.escape(match[1])}(?!\w)", abstract)
        if used:
            return match[1]
    for pattern in _INTRODUCED:
        match = pattern.search(abstract)
        # A plural acronym is a class of things (LVLMs), not a name.
        if match and _SHAPED.match(match[1]) and not re.fullmatch(r"[A-Z]+s", match[1]):
            return match[1]
    return ""
