"""Turns a sentence of an abstract into one that stands alone: content first, no "we".

"To address this issue, we propose BiMem, a memory that corrects labels" becomes "BiMem is a memory that
corrects labels"; "Extensive experiments show that our method outperforms X" becomes "BiMem outperforms X".
Words are moved, dropped or inflected; only "is" and "the" are ever added, and the paper's own name for what
a pronoun means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from broadsheet.llm.extractive.patterns import (
    ACTING,
    APPOSITION,
    CALLED,
    CONNECTIVE,
    HINTING,
    INTRODUCING,
    KIND_AND_NAME,
    LEANING,
    MEANS,
    OWN_SUBJECT,
    PURPOSE,
    REPORT,
    RESULT,
    SELF,
    WE,
)
from broadsheet.llm.extractive.verbs import base_form, gerund, third_person, with_gerund, with_third_person

Kind = Literal["introduces", "claims", "tells"]


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that stands alone, without its full stop.

    Attributes:
        text: What it says.
        kind: Whether it introduces the paper's own work, claims a finding, or tells anything else.
        own: Whether its subject is the paper's own work, so that a result can follow it.
        tail: What it says as a clause that follows another statement: "achieving ...", "showing that ...";
        or empty.
    """

    text: str
    kind: Kind
    own: bool
    tail: str = ""


def statements(sentence: str, name: str) -> Iterator[Statement]:
    """Yields the ways in which a plain `sentence` can stand alone; `name` is the own work's."""
    text = _without_opening(sentence.rstrip(" .!;:"))
    if not text or text.endswith("?"):
        return
    purpose = means = ""
    if match := PURPOSE.match(text):
        purpose, text = " to " + match["purpose"], text[match.end() :]
    elif match := MEANS.match(text):
        means, text = ", " + match["means"][0].lower() + match["means"][1:], text[match.end() :]
        text = _without_opening(text)
    if match := REPORT.match(text):
        claim = _standing(_without_opening(_capital(match["claim"])), name)
        own = _is_own(claim, name)
        verb = gerund(match["verb"].split()[-1])
        tail = _result(claim, name) if own else f"{verb} that {_lower(claim)}" if verb else ""
        yield Statement(claim, "claims", own, tail)
    elif match := WE.match(text):
        yield from _with_own_verb(match["verb"], match["rest"], purpose, means, name)
    else:
        told = _standing(text + means, name)
        own = _is_own(told, name)
        yield Statement(told, "tells", own, _result(told, name) if own else "")


def points_back(text: str) -> bool:
    """Tells whether `text` leans on something said before it, or speaks as its authors."""
    return bool(LEANING.search(text))


def hints_back(text: str) -> int:
    """Counts the words of `text` that may lean on something said before it."""
    return len(HINTING.findall(text))


def _without_opening(text: str) -> str:
    for _ in range(3):
        shorter = CONNECTIVE.sub("", text, count=1)
        if shorter == text:
            break
        text = shorter
    return text


def _with_own_verb(verb: str, rest: str, purpose: str, means: str, name: str) -> Iterator[Statement]:
    base = base_form(verb)
    if not base or not rest[:1].isspace() or rest.startswith((" and ", " or ")):
        return
    if base in INTRODUCING:
        if match := ACTING.match(rest):
            acts = f"{_acts(match)}{with_third_person(match['rest'])}"
            text = f"{_plain_name(match['name'])} {acts}{purpose}{means}"
            yield Statement(_standing(text, name), "introduces", own=True)
        if match := APPOSITION.match(rest):
            text = f"{_plain_name(match['name'])} is {_article(match['what'])}{purpose}{means}"
            yield Statement(_standing(text, name), "introduces", own=True)
        elif match := CALLED.match(rest) or KIND_AND_NAME.match(rest):
            rest_of = (
                (match["rest"] or "").replace(", ", " ", 1)
                if (match["rest"] or "").startswith(", to ")
                else match["rest"] or ""
            )
            text = f"{_plain_name(match['name'])} is {_article(match['what'])}{rest_of}{purpose}{means}"
            yield Statement(_standing(text, name), "introduces", own=True)
    clause = with_third_person(f"{third_person(base)}{rest}{purpose}{means}")
    yield Statement(_standing(clause, name), "introduces" if base in INTRODUCING else "claims", own=False)


def _acts(match: re.Match[str]) -> str:
    return match["verb"] or third_person(match["verb_to"])


def _result(text: str, name: str) -> str:
    """Returns what a statement about the own work achieves, as "achieving ..."; empty where it tells none."""
    predicate = (
        text[len(name) :].lstrip()
        if name and text.startswith(f"{name} ")
        else OWN_SUBJECT.sub("", text, count=1)
    )
    if predicate == text or not (match := RESULT.match(predicate)) or not (verb := gerund(match["verb"])):
        return ""
    adverb = f"{match['adverb']} " if match["adverb"] else ""
    return f"{adverb}{verb} {with_gerund(match['rest'])}"


def _lower(text: str) -> str:
    """Makes the first letter small, unless the first word is a name."""
    first = text.split(" ", 1)[0]
    return (
        text
        if any(c.isupper() or c.isdigit() for c in first[1:]) or (len(first) == 1 and first != "A")
        else text[:1].lower() + text[1:]
    )


def _plain_name(name: str) -> str:
    return _capital(re.sub(r"^(?:novel|new|simple|the|a|an) ", "", name))


def _article(what: str) -> str:
    return re.sub(
        r"^(an?) (?:novel|new|innovative) (?=([a-z]))",
        lambda match: "an " if match[2] in "aeiou" else "a ",
        what,
    )


def _standing(text: str, name: str) -> str:
    """Puts the paper's name, or "the", where the authors say "our", and drops what only they can say."""
    if name:
        text = re.sub(
            r"^(?:It|Ours|The proposed (?:method|approach|model|framework|algorithm)) (?=[a-z]{3,}(?:s"
            r"|ed)\b)",
            f"{name} ",
            text,
        )
        text = re.sub(
            rf"\b(?:our|the|this)(?: proposed| novel| new)? {re.escape(name)}\b",
            name,
            text,
            flags=re.IGNORECASE,
        )
        text = re.sub(rf"^{re.escape(name)}\b", name, text, flags=re.IGNORECASE)
        text = SELF.sub(name.replace("\\", ""), text)
    text = re.sub(
        r"\b[Tt]his (?:new |simple |novel )?(?=(?:method|approach|framework|model|algorithm|technique)\b)",
        "the ",
        text,
    )
    text = re.sub(r",? (?:which|that) we (?:call|term|name|dub|refer to as|denote(?: as)?) ", ", ", text)
    text = re.sub(r"\b[Oo]ur\b", "the", text)
    text = re.sub(r"\bthe the\b", "the", text)
    return _capital(" ".join(text.split()))


def _is_own(text: str, name: str) -> bool:
    return bool((name and text.startswith(f"{name} ")) or OWN_SUBJECT.match(text))


def _capital(text: str) -> str:
    """Capitalises the first letter, unless the word is a name such as iCaRL or f-DP."""
    first = text.split(" ", 1)[0]
    return (
        text
        if any(character.isupper() for character in first) or first[1:2] == "-"
        else text[:1].upper() + text[1:]
    )
