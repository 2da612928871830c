"""Finds the name that a paper gives its own method, in the title or the sentence that introduces it."""

from __future__ import annotations

import re

# A name contains a capital letter, possibly after lower-case letters or digits: CrossQ, SWAP, f-DP, C3Net.
NAME = r"(?:[A-Za-z0-9]*[A-Z][\w+*α-ω]*(?:[-–/][\w+*]+)*)"
NOUN = (
    r"(?:method(?:ology)?|approach|model|framework|algorithm|technique|system|network|architecture|scheme|strategy"
    r"|pipeline|solution|paradigm|design)"
)
GENERIC_NOUN = re.compile(rf"\b{NOUN}\b", re.IGNORECASE)
"""What a paper calls its own work by, where it has no name."""
_TITLE_NAME = re.compile(r"^([^:?]{2,60}?)\s?:\s")
_SHAPED = re.compile(r"^(?=.*(?:[a-z0-9-][A-Z]|[A-Z]{2}|\d|^[A-Z][a-z]+$)).{2,40}$")
_IN_CAPITALS = re.compile(r"(?:[A-Z][a-z]+[ -]){1,3}[A-Z][a-z]+")
_CALLED = r"(?:called|termed|named|dubbed|coined)(?: as)?,? "
_INTRODUCED = (
    re.compile(
        r"\b(?:propose|present|introduce|develop|describe|design|devise|build|construct|create)s?\b"
        rf"[^.;]{{3,120}}?\b(?:{_CALLED}|namely )[\"“]?({NAME}(?: {NAME}){{0,2}})"
    ),
    re.compile(
        rf"\b(?:propose|present|introduce|develop|describe)s? (?:the |our "
        rf")?({NAME}(?:\s{NAME}){{0,3}})(?: \([\w-]{{2,20}}\))?,? (?:an?|the|which|that|to)\b"
    ),
    # but not "a filter that treats stripes as a Markov Decision Process (MDP)"
    re.compile(
        r"\b(?:propose|present|introduce|develop)s?\b"
        r"(?:(?!(?<!known) as | (?:by|leveraging|that|using|via|which) )[^.()]){3,120}"
        r"(?<!problem )(?<!scenario )(?<!setting )(?<!task )\(([A-Z][\w-]*[A-Z0-9][\w-]*)\)"
    ),
)
_NAMED = re.compile(
    rf"\b(?:{_CALLED}|call(?:ed)? (?:it|this \w+)(?: as)?,? )[\"“]?({NAME}(?: {NAME}){{0,2}})"
)


def own_name(title: str, abstract: str) -> str:
    """Return the name of what the paper introduces, as the paper spells it, or an empty string.

    The words before a colon in the title are a name only if the abstract uses them too.

    Args:
        title: The title, without markup.
        abstract: The abstract, without markup.
    """
    match = _TITLE_NAME.match(title)
    if match and len(match[1].split()) <= 3 and _SHAPED.match(match[1]):
        if place_of(match[1], abstract) >= 0:
            return match[1]
        if spelt := re.search(rf"(?<![\w-]){re.escape(match[1])}(?![\w-])", abstract, re.IGNORECASE):
            return spelt[0]
    introduced = [found for pattern in _INTRODUCED if (found := pattern.search(abstract))]
    introduced.sort(key=lambda found: found.end())
    for found in (*introduced, _NAMED.search(abstract)):
        # A plural acronym (LVLMs) names a class of things, not this work.
        shaped = found and (_SHAPED.match(found[1]) or _IN_CAPITALS.fullmatch(found[1]))
        if found and shaped and not re.fullmatch(r"[A-Z]+s", found[1]):
            return found[1]
    return ""


def place_of(name: str, text: str) -> int:
    """Return where the name first stands as a whole word, or -1: "EmoVoice" is not in "EmoVoice-DB"."""
    place = text.find(name)
    while place >= 0:
        end = place + len(name)
        around = text[max(0, place - 1) : place] + text[end : end + 1]
        if not any(border.isalnum() or border in "_-" for border in around):
            return place
        place = text.find(name, place + 1)
    return -1
