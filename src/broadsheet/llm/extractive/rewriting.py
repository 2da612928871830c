"""Rewrites a sentence of an abstract so that it stands alone, changing as little as possible.

"To this end, we propose Zebu, a filter" becomes "Zebu is a filter"; "Extensive experiments show that our
filter is fast" becomes "The filter is fast". A sentence that needs more than that is not rewritten at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from broadsheet.llm.extractive.naming import NAME

Kind = Literal["introduces", "makes", "studies", "details", "claims", "states"]

_ACTS = """
    achieve adapt adopt analyze apply argue assess build characterize collect combine compare conduct
    consider construct contribute create define demonstrate derive describe develop devise discover
    discuss employ establish estimate evaluate examine explore extend find formalize formulate generate
    highlight identify illustrate implement improve incorporate integrate introduce investigate learn
    leverage observe obtain offer outline outperform perform present propose prove provide quantify
    release reveal show suggest trace use utilize validate verify
""".split()  # noqa: SIM905 - easier to read than a list
_INTRODUCING = frozenset("propose introduce present describe offer contribute".split())  # noqa: SIM905
_MAKING = frozenset("develop devise design build create construct".split())  # noqa: SIM905
_STUDYING = frozenset(
    """
        study investigate explore examine analyze evaluate compare revisit show prove establish argue
        demonstrate characterize survey review give discuss provide derive formalize formulate extend
        benchmark report find
    """.split()  # noqa: SIM905 - easier to read than a list
)
_WE = (
    r"(?:we|this (?:paper|work|study|article|survey|report|thesis|research)"
    r"|the (?:present )?(?:paper|authors?|study)|our (?:work|paper|study))"
)
_ADVERBS = (
    r"(?:(?:also|then|first|further|thus|hence|therefore|here|next|finally|instead|now|[a-z]{3,20}ly) ){0,3}"
)
_CONNECTIVE = re.compile(
    r"^(?:[A-Z][a-z]+ly|However|Moreover|Furthermore|In addition|Besides|Also|Then|Thus|Hence|Therefore"
    r"|In particular|Overall|In summary|In short|In conclusion|As a result|In contrast|By contrast|Instead"
    r"|Meanwhile|First|Second|Third|Next|Here|Indeed|In fact|Nevertheless|Nonetheless|Further|To this end"
    r"|At the same time|(?:In|Throughout) (?:this|the present|our) (?:[a-z]+ )?[a-z]+|Building on [^,]{3,100}"
    r"|(?:Motivated|Inspired) by [^,]{3,120}"
    r"|(?:In order to|To|For|With|Given|Based on|From|Through) [^,]{0,60}\b(?:this|these|that|those|such|it"
    r"|them)\b[^,]{0,80}), "
)
# An adjunct before "we" may go, but a condition only before "we propose".
_FRONTED = re.compile(
    r"^(?:(?!If|When|Unless|Under|For (?!the first)|Given|Assuming|In |On |As |Even)[A-Z][^,]{3,120}"
    rf"|[A-Z].{{3,240}}?(?=, {_WE} {_ADVERBS}(?:{'|'.join(sorted(_INTRODUCING | _MAKING))})\b)), (?={_WE} )"
)
_PURPOSE = re.compile(rf"^(?:In order to|To) (?P<purpose>[a-z][^,]{{8,90}}), (?={_WE} )")
_BY_US = re.compile(rf"^{_WE} {_ADVERBS}(?P<verb>[a-z-]{{3,15}})(?P<rest> .+)$", re.IGNORECASE | re.DOTALL)
_SHOWING = (
    r"(?:shows?|finds?|found|demonstrates?|proves?|reveals?|observes?|indicates?|establish(?:es)?"
    r"|verify|verifies|discovers?|showed|demonstrated|revealed|indicated)"
)
_REPORT = re.compile(
    rf"^(?!(?:\w+ )?(?:existing|prior|previous|recent|earlier|past|these) )(?:{_WE}|it|(?:[\w-]+ ){{0,5}}"
    r"(?:experiments?|experimentation|results?|findings|evaluations?|analys[ie]s|studies|simulations|evidence"
    rf"|comparisons)\b[^,.;:]{{0,110}}?) {_ADVERBS}{_SHOWING}"
    r"(?: (?:empirically|theoretically|experimentally))? that,? (?P<claim>.+)$",
    re.IGNORECASE | re.DOTALL,
)
# "show that outperforms others": a macro for the name is lost.
_VERB_FIRST = re.compile(
    r"(?:achieves|can|generalizes|has|improves|is|are|outperforms|provides|reduces|surpasses)\b"
)
_NOUN = (
    r"(?:method|approach|model|framework|algorithm|technique|system|network|architecture|scheme|strategy"
    r"|pipeline|solution|paradigm|design)"
)
# "a filter that overcomes these limitations": they are the limitations of another sentence.
_FOR_THIS = re.compile(
    r"(?:,? (?:(?:specifically )?(?:designed|intended|aimed|tailored|developed)(?: specifically)? to [a-z]+"
    r"|(?:that|which) [a-z]+s|(?:for )?(?:address|overcom|tackl|solv|mitigat|resolv|bridg|fill)ing)"
    rf"|(?<= )(?P<noun>{_NOUN}(?: \([^()]*\))?) to [a-z]+) (?:these|this|those|such) (?:[a-z-]+ ){{0,2}}"
    r"(?:challenge|drawback|gap|issue|limitation|need|problem|shortcoming)s?(?=$|,| by )"
)
_AND_THAT = re.compile(r",? and that (?!of )")
_AND_WE_ALSO = re.compile(rf", and {_ADVERBS}(?:{'|'.join(_ACTS)}) ")
_AND_DID = re.compile(r" and (?:[a-z]+ly )?[a-z]+ed ")
_KNOWLEDGE = re.compile(r",? \(?to (?:the best of )?our (?:best )?knowledge\)?,?")
_APPOSITION = re.compile(
    rf"^ (?:the |our )?(?P<name>{NAME}(?: {NAME}){{0,3}}(?: \([\w +-]{{2,24}}\))?), "
    r"(?P<what>(?:an?|the first) .+)$",
    re.DOTALL,
)
_MORE_THAN_APPOSITION = re.compile(r", (?:to|for|by|and|as|or) ")
_OUR_WORK = re.compile(
    r"^(?:our|the proposed) (?:(?:proposed|novel|new|full|final|best) )?(?:[\w-]+ ){0,2}?"
    rf"(?P<noun>{_NOUN}) (?=[a-z]+)",
    re.IGNORECASE,
)
_IS_INTRODUCED = re.compile(r"\b(?:is|are) (?:introduced|proposed|presented|developed)\b")
_WHICH_WE_CALL = re.compile(
    r",? (?:which|that) we (?:call|term|name|dub|refer to as|denote|coin)(?: as)? (?=[\"“A-Z])"
)
# "and show that": a verb of the authors after "and", unless an infinitive or a relative clause may govern it.
_OBJECT = r"(?= (?:an?|the|its|their|them|how|on|forward|two|three|four|five|six|seven|eight|nine) )"
_COORDINATED = re.compile(
    rf"(?P<before>(?P<comma>,)? and {_ADVERBS}|(?P<serial>, ))"
    rf"(?P<verb>{'|'.join(_ACTS)}|[a-z]+i[sz]e{_OBJECT}"
    r"|(?!also|both|even|for|from|into|not|only|over|that|then|thus|under|via|when|where|while|with)"
    rf"(?(serial)(?!)|[a-z-]{{3,}})(?<![sgy])(?<!ed){_OBJECT})\b(?P<that> that)?"
)
_SERIES = re.compile(rf", (?:{'|'.join(_ACTS)}) [^,]*$")
_AND_PROPOSE = re.compile(rf"((?: and|,) {_ADVERBS})(demonstrate|introduce|present|propose|show)(?= )")
_AT_ONCE = re.compile(rf"^(?P<before> and {_ADVERBS})(?P<verb>[a-z-]+(?<!s))(?= )")
_IN_LIST = re.compile(r"(?:,|\bto) [a-z]+$")
_GOVERNS = re.compile(r"\b(?:to (?![a-z]+ing )[a-z]+|that|which|who|can|could|will|may|must|how)\b")


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that stands alone, without its full stop.

    Attributes:
        text: The sentence.
        kind: What it does: introduce the work, say what is studied, claim a finding, or state anything else.
        verb_end: Offset behind its main verb where that is known, else 0.
        addition: The same as the second half of a sentence, after a semicolon; empty if it cannot be one.
        acts: Whether it opens with a verb of the authors', as in "Proposes a filter".
    """

    text: str
    kind: Kind
    verb_end: int = 0
    addition: str = ""
    acts: bool = False


def statements(sentence: str, name: str) -> Iterator[Statement]:
    """Yield the forms of a sentence that stand alone, if any.

    Args:
        sentence: The sentence, without markup.
        name: The name that the paper gives its own work, or empty.
    """
    text = _WHICH_WE_CALL.sub(", ", _KNOWLEDGE.sub("", sentence.rstrip(" .!;:")))
    text = _FOR_THIS.sub(lambda match: match["noun"] or "", text)
    for _ in range(3):
        text = capital(_CONNECTIVE.sub("", text, count=1))
    purpose = _PURPOSE.match(text)
    text = capital(_FRONTED.sub("", text, count=1))
    if not text or text.endswith("?"):
        return
    if report := _REPORT.match(text):
        if not _VERB_FIRST.match(report["claim"]):
            claim = _AND_THAT.sub(", and ", report["claim"])
            yield _claim(_AND_WE_ALSO.split(claim)[0], name, "claims")
    elif act := _BY_US.match(text):
        rest = act["rest"]
        if purpose and "," not in rest and " to " not in rest:
            rest += f" to {purpose['purpose']}"
        verb, in_past = _third_person(act["verb"].lower()), act["verb"] in _PAST
        if verb and not (in_past and _AND_DID.search(rest)):
            yield from _acts(verb, rest, _kind(verb), name)
    else:
        yield _claim(text, name, "introduces" if _IS_INTRODUCED.search(text) else "states")


def capital(text: str) -> str:
    """Capitalize the first letter, unless the first word is a name such as iCaRL or f-DP."""
    first = text.split(" ", 1)[0]
    named = any(character.isupper() for character in first) or first[1:2] == "-"
    return text if named else text[:1].upper() + text[1:]


def _acts(verb: str, rest: str, kind: Kind, name: str) -> Iterator[Statement]:
    rest = _impersonal(rest, name)
    apposition = _APPOSITION.match(rest) if kind in {"introduces", "makes"} else None
    if apposition and not _MORE_THAN_APPOSITION.search(apposition["what"]):
        subject = f"{apposition['name']} is"
        yield Statement(f"{subject} {apposition['what']}", kind, len(subject))
        return
    acted = f"{verb}{_AT_ONCE.sub(_at_once, _conjugated(rest))}"
    if second := _AND_INTRODUCES.search(acted):
        kind = "introduces"
        alone = acted[second.start("verb") :]
        yield Statement(capital(alone), kind, len(second["verb"]), alone, acts=True)
    yield Statement(capital(acted), kind, len(verb), acted, acts=True)


def _at_once(match: re.Match[str]) -> str:
    return f"{match['before']}{_third_person(match['verb'])}"


def _conjugated(rest: str) -> str:
    """Put the verbs that are coordinated with the main verb into the third person too."""

    def conjugate(match: re.Match[str]) -> str:
        before = rest[: match.start()]
        governed = _GOVERNS.search(before)
        sure = match["that"] or (match["comma"] and not (governed and _SERIES.search(before))) or not governed
        # "to prove and demonstrate that", "to collect, count and plot"
        sure = sure and before.rpartition(" ")[2] not in _ACTS and not _IN_LIST.search(before)
        verb = _third_person(match["verb"]) if sure else match["verb"]
        return f"{match['before']}{verb}{match['that'] or ''}"

    return _COORDINATED.sub(conjugate, _AND_PROPOSE.sub(r"\1\2s", rest))


def _claim(text: str, name: str, kind: Kind) -> Statement:
    ours = _OUR_WORK.match(text)
    rest = _impersonal(text[ours.end() :] if ours else text, name)
    if ours:
        subject = name or f"The {ours['noun']}"
        return Statement(f"{subject} {rest}", kind, len(subject), f"the {ours['noun']} {rest}")
    if name and text.startswith(f"{name} "):
        return Statement(rest, kind, len(name), rest)
    first = rest.split(" ", 1)[0]
    lower = rest if any(c.isupper() or c.isdigit() for c in first[1:]) else rest[:1].lower() + rest[1:]
    return Statement(capital(rest), kind, 0, lower if kind == "claims" else "")


def _impersonal(text: str, name: str) -> str:
    """Replace "our" by "the", and "our Zebu" by "Zebu"."""
    if name:
        ours = rf"\b(?:our(?: proposed| novel)?|the proposed) (?={re.escape(name)}(?![\w-])(?! {_NOUN}))"
        text = re.sub(ours, "", text, flags=re.IGNORECASE)
    return re.sub(r"\b[Oo]ur(?! own)\b", "the", text)


def _third_person(verb: str) -> str:
    """Return `proposes` for `propose`, `proposes` and `proposed`; empty if it is no verb of one subject."""
    if verb in _AUXILIARIES:
        return ""
    if verb.endswith("s") and not verb.endswith(("ss", "us")):
        return verb
    base = _PAST.get(verb, verb)
    if base.endswith("ed") and base not in {"need", "embed", "exceed"}:
        return ""
    if base.endswith(("s", "x", "z", "ch", "sh")):
        return base + "es"
    return base[:-1] + "ies" if base.endswith("y") and base[-2] not in "aeiou" else base + "s"


def _kind(third: str) -> Kind:
    if third in map(_third_person, _INTRODUCING):
        return "introduces"
    if third in map(_third_person, _MAKING):
        return "makes"
    return "studies" if third in map(_third_person, _STUDYING) else "details"


# Verbs with which no summary begins.
_AUXILIARIES = frozenset(
    """
        are have had has was were is can could may might must shall will would should did does not therefore
        aim hope believe expect note make plan encourage
    """.split()  # noqa: SIM905 - easier to read than a list
)
_PAST = {
    "built": "build",
    "chose": "choose",
    "drew": "draw",
    "found": "find",
    "gave": "give",
    "held": "hold",
    "kept": "keep",
    "led": "lead",
    "put": "put",
    "ran": "run",
    "saw": "see",
    "showed": "show",
    "took": "take",
    "wrote": "write",
} | {
    (verb + "d" if verb.endswith("e") else verb[:-1] + "ied" if verb.endswith("dy") else verb + "ed"): verb
    for verb in _ACTS
}
_AND_INTRODUCES = re.compile(r" and (?:then |[a-z]+ly )?(?P<verb>proposes|introduces|presents|develops) ")
AND_ACTS = re.compile(rf"(?<![sy]),? and {_ADVERBS}(?:{'|'.join(map(_third_person, _ACTS))}) ")
"""A verb coordinated with an earlier one, after which a sentence may end."""
