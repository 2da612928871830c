"""Patterns, over the tags of `vocabulary`, for the ways in which authors say where their code is.

Every repetition is bounded, so matching time is linear in the length of the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from broadsheet.availability.vocabulary import CONTEXT, OPEN_SOURCE, Token
from broadsheet.urls import canonical

REPOSITORY_HOSTS = frozenset(
    ["github.com", "gitlab.com", "gitee.com", "bitbucket.org", "codeberg.org", "anonymous.4open.science"]
)

_NOUN = "[ce]"
# Words between the noun and its verb: "code, data and models for the task on which we report".
_REST = r"[^n;.!?ubhmkr]{0,16}?"
_STATED = tuple(
    re.compile(pattern)
    for pattern in (
        # "Our code and models will be made publicly available", "has been released", "can be found".
        rf"{_NOUN}{_REST}(?:[mk]?q?h?q?b[bq,]{{0,4}}|[mh]q{{0,2}})(?:f?i?b?q{{0,2}})[av]",
        # "The benchmark and toolkit are publicly available".
        rf"d[^n;.!?ubhmkr]{{0,12}}?t{_REST}b[bq,]{{0,4}}[av]",
        # "Code available at URL", "code (to be) released under MIT".
        rf"{_NOUN}[dt&,xwqp(]{{0,6}}?(?:ib)?q?[av]q?(?=[iulszq.,)&:!]|$)",
        # "Code: URL", "code is at URL", "code (URL)", "source code and models on our project page: URL".
        rf"{_NOUN}[cdetpx&,wqi()]{{0,8}}?b?[:(i,]{{0,2}}[lpwx]{{0,4}}[:,i]{{0,2}}(?=u)",
        # "See URL for code".
        rf"u[^n;.!?]{{0,4}}?i[xwdq&,]{{0,5}}?{_NOUN}",
        # "For the implementation, refer to the repository"; "see our page for code".
        rf"{_NOUN}[^n;.!?u]{{0,8}}?y[iwxq]{{0,4}}p",
        rf"y[iwxq]{{0,4}}p[^n;.!?u]{{0,3}}?i[xwdq&,]{{0,5}}?{_NOUN}",
        # "Code is coming soon".
        rf"{_NOUN}[cdet&,]{{0,4}}?m?[bx]?[:(]?q?s",
    )
)
_GIVEN = tuple(
    re.compile(pattern)
    for pattern in (
        # "We (will) release our code", "making the code public".
        r"(?:[mf]i?q?)?r[^niurbgm;.!?]{0,10}?(?:c|e(?!c))",
        # "We provide a benchmark for the task and code".
        r"(?:[mf]i?q?)?r[^nurbgm;.!?]{0,18}?&[wxq]{0,3}c",
    )
)
# "the release of the software", "our contributions: ... (2) code for training".
_NOMINAL = re.compile(r"Ri[wxq]{1,5}c")
_ADJECTIVE = re.compile(r"a[xq&,]{0,4}[tcep]")
_PREDICATE = re.compile(r"b[abq,&]{0,5}[av]")
_LATER = re.compile(r"m|fb?i|ib[av]|s|z")

_INTRODUCING = CONTEXT["introducing"]
_TAKEN_FROM_OTHERS = CONTEXT["taken_from_others"]
_GOVERNING = CONTEXT["governing"]
_SPECIFIC_IMPLEMENTATION = CONTEXT["specific_implementation"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement that the code is or will be available.

    Attributes:
        status: Whether it is available now or announced for later.
        first: Index of the statement's first token.
        last: Index of its last token.
    """

    status: Literal["available", "announced"]
    first: int
    last: int


def claims(tokens: Sequence[Token], names: frozenset[str]) -> Iterator[Claim]:
    """Yield the claims that a sentence makes about this work's code.

    Args:
        tokens: The sentence.
        names: The lower-case names of this work.
    """
    if not tokens:
        return
    tags = "".join(token.tag for token in tokens)
    given = set()
    for pattern in _GIVEN:
        for match in pattern.finditer(tags):
            if _given_by_us(tokens, tags, match) and not _of_others(tokens, match.end() - 1):
                given.add(match.end() - 1)
                yield _claim(tags, match.start(), match.end() - 1)
    for pattern in _STATED:
        for match in pattern.finditer(tags):
            noun = match.end() - 1 if tags[match.start()] in "uy" else match.start()
            if noun not in given and not _of_others(tokens, noun):
                yield _claim(tags, match.start(), match.end() - 1)
    for match in _NOMINAL.finditer(tags):
        yield Claim("available", match.start(), match.end() - 1)
    yield from _contributed(tokens, tags)
    yield from _open_sourced(tokens, tags, names)
    yield from _repositories(tokens, tags)


def _claim(tags: str, first: int, last: int) -> Claim:
    """Make a claim: "announced" if it mentions the future inside, just before or at its end."""
    later = _LATER.search(tags, max(0, first - 3 if tags[first] == "r" else first), min(len(tags), last + 5))
    if (
        later is not None
        and later.start() > last
        and ("u" in tags[last : later.start()] or tags[later.start()] not in "sz")
    ):
        later = None
    return Claim("announced" if later else "available", first, last)


def _of_others(tokens: Sequence[Token], noun: int) -> bool:
    """Tell whether the code is unavailable, conditional or somebody else's."""
    for token in reversed(tokens[max(0, noun - 4) : noun]):
        if token.tag in "no":
            return True
        if token.tag in ".;:,urw":
            return False
    return False


def _given_by_us(tokens: Sequence[Token], tags: str, match: re.Match[str]) -> bool:
    verb = match.start() + match[0].index("r")
    ours = "w" in tags[max(0, verb - 12) : match.end()] or tokens[verb].word.endswith("ing")
    ours = ours or any(token.word in {"paper", "work", "to"} for token in tokens[max(0, verb - 3) : verb])
    if tokens[match.end() - 1].tag == "e":
        words = {token.word for token in tokens[verb : match.end() - 1]}
        ours = ours and (bool(words & _SPECIFIC_IMPLEMENTATION) or "u" in tags[match.end() :])
    return ours and "n" not in tags[max(0, verb - 2) : verb]


def _contributed(tokens: Sequence[Token], tags: str) -> Iterator[Claim]:
    listed = next((place for place, token in enumerate(tokens) if token.word.startswith("contribut")), None)
    if listed is not None:
        code = re.compile(r"c(?=[i&,;.)]|$)").search(tags, listed)
        if code and not _of_others(tokens, code.start()):
            yield Claim("available", listed, code.start())


def _open_sourced(tokens: Sequence[Token], tags: str, names: frozenset[str]) -> Iterator[Claim]:
    """Find tools, systems and frameworks released as open source, whether as verb, adjective or predicate."""
    words = [token.word for token in tokens]
    for place, word in enumerate(words):
        if word not in OPEN_SOURCE:
            continue
        if tags[place] == "r":
            thing = re.compile(r"[tcep]|d|[.;]").search(tags, place + 1, place + 10)
            bare_dataset = (
                thing is not None and thing[0] == "d" and words[thing.start()] not in {"model", "models"}
            )
            if (place < 2 or "w" in tags[max(0, place - 8) : place]) and not bare_dataset:
                clause = re.compile(r"[^;.,:(iug]{1,8}").match(tags, place + 1)
                first = len(tags[:place].rstrip("mfiqw"))
                yield _claim(tags, first, clause.end() - 1 if clause else place)
        elif noun := _ADJECTIVE.match(tags, place):
            before = words[max(0, place - 5) : place]
            introduced = (_INTRODUCING.intersection(words[:place]) and "w" in tags[:place]) or names & set(
                words[:place]
            )
            article = max(
                (before.index(word) for word in ("a", "an", "our", "the") if word in before), default=None
            )
            taken = _TAKEN_FROM_OTHERS.intersection(before) or (article and before[article - 1] in _GOVERNING)
            if introduced and article is not None and not taken:
                yield _claim(tags, place, noun.end() - 1)
        elif verb := _PREDICATE.search(tags, max(0, place - 6), place + 1):
            subject = slice(max(0, verb.start() - 8), verb.start())
            ours = "w" in tags[subject] or names & set(words[subject]) or re.search("[tpc]", tags[subject])
            things = re.search("[tpce]", tags[subject]) or "d" not in tags[subject]
            if verb.end() == place + 1 and ours and things and not re.search("[no]", tags[subject]):
                yield _claim(tags, max(subject.start, tags.rfind(".", 0, place) + 1), place)


def _repositories(tokens: Sequence[Token], tags: str) -> Iterator[Claim]:
    """Find repository links without the word "code": "X is available at https://github.com/owner/x"."""
    for place, token in enumerate(tokens):
        if token.tag != "u" or not is_repository(token.word):
            continue
        first = max(tags.rfind(sign, 0, place) for sign in "u(;") + 1
        barred = "no"
        if first == place:  # "the detectron toolkit (URL)": the words before tell whose it is
            first, barred = max(0, place - 6), "noi"
        lead = tags[first:place]
        taken = _TAKEN_FROM_OTHERS.intersection(
            other.word for other in tokens[max(first, place - 10) : place]
        )
        if not taken and not set(barred) & set(lead) and ("d" not in lead or re.search("[cet]", lead)):
            yield _claim(tags, first, place)


def is_repository(url: str) -> bool:
    """Tell whether `url` is a repository (owner and name) on a code host.

    Repositories with "awesome" in the name do not count: by convention they are lists of links.
    """
    host, _, path = canonical(url).partition("/")
    return host in REPOSITORY_HOSTS and "/" in path and "awesome" not in path.lower()
