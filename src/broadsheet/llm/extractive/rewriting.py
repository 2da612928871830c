"""Rewrites a sentence from an abstract so that it stands alone, without "we" or "our method".

"To address this issue, we propose BiMem, a memory that corrects labels" becomes "BiMem is a memory that
corrects labels"; "Extensive experiments show that our method outperforms X" becomes "BiMem outperforms X".
Rewriting moves, drops and inflects words. It adds only "is", "the" and, in place of a pronoun, the name that
the paper gives its own work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from broadsheet.llm.extractive.naming import NAME
from broadsheet.llm.extractive.verbs import base_form, gerund, third_person, with_gerund, with_third_person

Kind = Literal["introduces", "claims", "states"]

_ADVERBS = (
    r"(?:(?:also|then|first|firstly|further|thus|hence|therefore|here|next|finally|instead|now"
    r"|specifically|simply|[a-z]{3,20}ly) )*"
)
_CONNECTIVE = re.compile(
    r"^(?:However|Moreover|Furthermore|Additionally|In addition|Besides|Also|Finally|Lastly|Then|Thus"
    r"|Hence|Therefore|Consequently"
    r"|Accordingly|Specifically|In particular|In detail|Concretely|More specifically|More concretely"
    r"|Notably|Remarkably|Importantly"
    r"|Interestingly|Surprisingly|Empirically|Theoretically|Technically|Overall|Briefly|In brief"
    r"|Intuitively|Conceptually|Essentially|In summary|In short|In "
    r"conclusion|In response|As a result|To this end|To that end"
    r"|To do so|For this purpose|In contrast|On the contrary|By contrast|Conversely|Instead|Meanwhile"
    r"|First|Firstly|Second|Secondly"
    r"|Third|Thirdly|Next|Here|Indeed|In fact|For example|For instance|Namely|That is|Crucially|Motivated "
    r"by this|Inspired by this"
    r"|Nevertheless|Nonetheless|Yet|But|And|So|More importantly|More impressive(?:ly)?|Most importantly"
    r"|In this regard|At the same time|Correspondingly|Together|Ultimately"
    r"|In (?:this|the present|our) (?:paper|work|study|article|report|survey|thesis|manuscript|letter"
    r"|context|setting)"
    r"|With this (?:in mind|insight|motivation)|With these insights|Given this [\w ]{3,30}|As an "
    r"application of [\w ]{3,40}"
    r"|(?:Motivated|Inspired|Guided|Driven|Encouraged) by [^,]{3,120}|Building (?:on|upon) [^,]{3,100}"
    r"|Based on (?:this|these|the above|our|such)[^,]{0,80}"
    r"|(?:In order to|To|For) [^,]{0,40}\b(?:this|these|that|those|such|it|them|the above|the "
    r"aforementioned|the (?:issue|problem|gap|challenge|limitation)s?)\b[^,]{0,60}"
    r"|(?:Through|In|Via|By|On|From|With) (?:extensive|comprehensive|thorough|our|various|a series of"
    r"|empirical|numerical|experimental|simulation|rigorous|both)[^,]{0,100})(?:, | (?=we |our |this paper ))"
    r"",
)
_PURPOSE = re.compile(r"^(?:In order to|To) (?P<purpose>[a-z][^,]{8,120}), (?=we |this paper |this work )")
_MEANS = re.compile(
    r"^(?P<means>(?:By|Using|Through|With|Via) [^,]{8,110}), (?=we |this paper |this work |it |our )"
)
_WE = re.compile(
    rf"^(?:we|this (?:paper|work|study|article|survey|report|thesis)|the (?:present )?(?:paper|authors"
    rf"|study)|our (?:work|paper|study)) {_ADVERBS}"
    r"(?P<verb>[a-z-]{2,15})\b(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_REPORT = re.compile(
    r"^(?:(?:we|our (?:\w+ ){0,3}(?:experiments?|results?|findings|analys[ie]s|evaluations?|study|work"
    r"|theory|observations?|theorems?|investigation|insight)"
    r"|(?:the |these |both |all )?(?:\w+[ -]){0,4}?(?:experiments|experimentation|results|findings"
    r"|evaluations?|analys[ie]s|studies|simulations|evidence|comparisons)\b[^.;:]{0,110}?"
    r"|this (?:paper|work|study)|it) "
    rf"{_ADVERBS}(?P<verb>show|shows|find|finds|demonstrate|demonstrates|prove|proves|reveal|reveals"
    rf"|observe|observes|indicate|indicates|suggest|suggests"
    r"|confirm|confirms|verify|argue|argues|establish|establishes|illustrate|conclude|discover|note"
    r"|highlight|validate|is shown|are shown|report|support)"
    r"(?: in this (?:paper|work))?(?: (?:empirically|theoretically|experimentally))?),? that,? "
    r"(?P<claim>.{12,})$",
    re.IGNORECASE | re.DOTALL,
)
_APPOSITION = re.compile(
    rf"^ (?:the |our |an? )?(?P<name>(?:[\w-]+ ){{0,6}}?{NAME}(?: \([\w +-]{{2,24}}\))?)(?: \[[^\]]*\])?, "
    rf"(?:which is )?(?P<what>(?:an?|the first|the) .+)$",
    re.DOTALL,
)
# "We propose X, which corrects labels", "we propose X to correct labels".
_ACTING = re.compile(
    rf"^ (?:the |our |an? )?(?:novel |new )?(?P<name>(?:[\w-]+ ){{0,5}}?{NAME}(?: "
    rf"\([\w +-]{{2,24}}\))?)(?:,? (?P<which>which|that) (?P<verb>(?!is|are)[a-z-]+s)\b|,? to "
    rf"(?P<verb_to>[a-z-]+)\b)(?P<rest> .+)$",
    re.DOTALL,
)
_RESULT = re.compile(
    r"^(?:(?P<adverb>[a-z]+ly|also) )?(?P<verb>achieves?|outperforms?|improves?|surpass(?:es)?|yields?"
    r"|attains?|obtains?|reduces?|exceeds?|"
    r"beats?|reach(?:es)?|matches|enables?|saves?|delivers?|increases?|accelerates?|maintains?|boosts?"
    r"|provides?|exhibits?|shows?|"
    r"requires?|generalizes?|demonstrates?|establishes|sets|enhances?|offers?|allows?|alleviates?"
    r"|preserves?|mitigates?|pushes|produces?) (?P<rest>.+)$",
    re.DOTALL,
)
_KIND_AND_NAME = re.compile(
    rf"^ (?P<what>an? [^,;.]{{4,90}}?(?:method|approach|framework|model|algorithm|architecture|network"
    rf"|system|strategy|paradigm|technique|benchmark|dataset)),? "
    rf"[\"“]?(?P<name>{NAME}(?: {NAME}){{0,3}}(?: \([\w +-]{{2,24}}\))?)[\"”]?(?P<rest>(?! [A-Z])[ ,.].*)?$",
    re.DOTALL,
)
_OWN_SUBJECT = re.compile(
    r"^(?:The|This) (?:[\w-]+ ){0,3}?(?:method|approach|model|framework|algorithm|technique|system"
    r"|network|architecture|scheme|strategy) (?=[a-z]+)"
)
_CALLED = re.compile(
    rf"^ (?P<what>(?:an?|the) [^,;.]{{4,110}}?),? (?:(?:which|that) (?:we|is) )?(?:called|call|termed"
    rf"|term|named|name|dubbed|dub|coined|namely|referred to as|refer to as)(?: as)?,? "
    rf"[\"“]?(?P<name>(?:[\w-]+ ){{0,5}}?{NAME}(?: \([\w +-]{{2,24}}\))?)[\"”]?(?P<rest>(?! [A-Z])[ ,.].*)?$",
    re.DOTALL,
)
_SELF = re.compile(
    r"\b(?:our|the proposed|this|the new|the resulting|the presented) (?:(?:proposed|novel|new|simple"
    r"|full|final|overall|best|\w+-\w+) )?"
    r"(?P<noun>method|approach|model|framework|algorithm|technique|system|network|architecture|scheme"
    r"|strategy|solution|paradigm|design|work)\b(?!s)(?!-)",
    re.IGNORECASE,
)
INTRODUCING = frozenset(
    """
        propose introduce present develop devise describe design offer contribute build create formulate
    """.split()  # noqa: SIM905 - easier to read than a list
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that stands alone, without its full stop.

    Attributes:
        text: The sentence.
        kind: Whether it introduces the paper's own work, claims a finding, or states anything else.
        own: Whether its subject is the paper's own work, so that a result can be appended.
        tail: The sentence as a clause to append to another statement, such as "achieving ..." or "showing
            that ..."; empty if it has no such form.
    """

    text: str
    kind: Kind
    own: bool
    tail: str = ""


def statements(sentence: str, name: str) -> Iterator[Statement]:
    """Yield rewritings of a sentence that stand alone.

    Args:
        sentence: The sentence, without markup.
        name: The name that the paper gives its own work, or empty.
    """
    text = _without_opening(sentence.rstrip(" .!;:"))
    if not text or text.endswith("?"):
        return
    purpose = means = ""
    if match := _PURPOSE.match(text):
        purpose, text = " to " + match["purpose"], text[match.end() :]
    elif match := _MEANS.match(text):
        means, text = ", " + match["means"][0].lower() + match["means"][1:], text[match.end() :]
        text = _without_opening(text)
    if match := _REPORT.match(text):
        claim = _stand_alone(_without_opening(_capital(match["claim"])), name)
        own = _is_own(claim, name)
        verb = gerund(match["verb"].split()[-1])
        tail = _result(claim, name) if own else f"{verb} that {_lower(claim)}" if verb else ""
        yield Statement(claim, "claims", own, tail)
    elif match := _WE.match(text):
        yield from _with_own_verb(match["verb"], match["rest"], purpose, means, name)
    else:
        statement = _stand_alone(text + means, name)
        own = _is_own(statement, name)
        yield Statement(statement, "states", own, _result(statement, name) if own else "")


def _without_opening(text: str) -> str:
    for _ in range(3):
        shorter = _CONNECTIVE.sub("", text, count=1)
        if shorter == text:
            break
        text = shorter
    return text


def _with_own_verb(verb: str, rest: str, purpose: str, means: str, name: str) -> Iterator[Statement]:
    base = base_form(verb)
    if not base or not rest[:1].isspace() or rest.startswith((" and ", " or ")):
        return
    if base in INTRODUCING:
        if match := _ACTING.match(rest):
            acts = f"{_acts(match)}{with_third_person(match['rest'])}"
            text = f"{_plain_name(match['name'])} {acts}{purpose}{means}"
            yield Statement(_stand_alone(text, name), "introduces", own=True)
        if match := _APPOSITION.match(rest):
            text = f"{_plain_name(match['name'])} is {_article(match['what'])}{purpose}{means}"
            yield Statement(_stand_alone(text, name), "introduces", own=True)
        elif match := _CALLED.match(rest) or _KIND_AND_NAME.match(rest):
            rest_of = (
                (match["rest"] or "").replace(", ", " ", 1)
                if (match["rest"] or "").startswith(", to ")
                else match["rest"] or ""
            )
            text = f"{_plain_name(match['name'])} is {_article(match['what'])}{rest_of}{purpose}{means}"
            yield Statement(_stand_alone(text, name), "introduces", own=True)
    clause = with_third_person(f"{third_person(base)}{rest}{purpose}{means}")
    yield Statement(_stand_alone(clause, name), "introduces" if base in INTRODUCING else "claims", own=False)


def _acts(match: re.Match[str]) -> str:
    return match["verb"] or third_person(match["verb_to"])


def _result(text: str, name: str) -> str:
    """Return the result in a statement about the paper's own work, as "achieving ...", or an empty string."""
    predicate = (
        text[len(name) :].lstrip()
        if name and text.startswith(f"{name} ")
        else _OWN_SUBJECT.sub("", text, count=1)
    )
    if predicate == text or not (match := _RESULT.match(predicate)) or not (verb := gerund(match["verb"])):
        return ""
    adverb = f"{match['adverb']} " if match["adverb"] else ""
    return f"{adverb}{verb} {with_gerund(match['rest'])}"


def _lower(text: str) -> str:
    """Lower-case the first letter, unless the first word is a name."""
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


def _stand_alone(text: str, name: str) -> str:
    """Replace "our" by the work's name or "the", and drop asides such as "which we call"."""
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
        text = _SELF.sub(name.replace("\\", ""), text)
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
    return bool((name and text.startswith(f"{name} ")) or _OWN_SUBJECT.match(text))


def _capital(text: str) -> str:
    """Capitalize the first letter, unless the word is a name such as iCaRL or f-DP."""
    first = text.split(" ", 1)[0]
    return (
        text
        if any(character.isupper() for character in first) or first[1:2] == "-"
        else text[:1].upper() + text[1:]
    )
