"""Rewrites a sentence of an abstract so that it stands alone, changing as little as possible.

"To this end, we propose Zebu, a filter" becomes "Zebu is a filter"; "Extensive experiments show that our
filter is fast" becomes "The filter is fast". A sentence that needs more than that is not rewritten at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from broadsheet.llm.extractive.conjugation import ADVERBS, in_third_person
from broadsheet.llm.extractive.naming import NAME, NOUN, place_of
from broadsheet.llm.extractive.openings import WE, capital, without_opening
from broadsheet.llm.extractive.pointers import act_instead, without_pointers
from broadsheet.llm.extractive.verbs import (
    ACTS,
    PAST,
    UNTOLD,
    Kind,
    kind_of,
    of_participle,
    third_person,
)

# But not "we will release": what is to come is no result.
_WILL = (
    r"(?:will (?=(?:analy[sz]e|argue|consider|demonstrate|describe|discuss|evaluate|examine|explore|introduce"
    r"|investigate|look|present|propose|review|show|study) ))?"
)
_BY_US = re.compile(
    rf"^{WE} {ADVERBS}{_WILL}(?P<perfect>ha(?:ve|s) {ADVERBS})?(?P<verb>[a-z-]{{3,15}})(?P<rest> .+)$",
    re.IGNORECASE | re.DOTALL,
)
_SHOWING = (
    r"(?:shows?|finds?|found|demonstrates?|proves?|reveals?|observes?|indicates?|establish(?:es)?"
    r"|verify|verifies|discovers?|showed|demonstrated|revealed|indicated)"
)
_REPORT = re.compile(
    rf"^(?!(?:\w+ )?(?:existing|prior|previous|recent|earlier|past|these) )(?:{WE}|it|(?:[\w-]+ ){{0,5}}"
    r"(?:experiments?|experimentation|results?|findings|evaluations?|analys[ie]s|studies|simulations|evidence"
    rf"|comparisons)\b[^.;:]{{0,140}}?) {ADVERBS}{_SHOWING}"
    r"(?: (?:empirically|theoretically|experimentally))?(?: that,?"
    rf"|(?= (?:(?:our|the proposed) (?:[\w-]+ ){{0,2}}?{NOUN}|(?-i:{NAME})) (?:[a-z]+ly )?"
    r"(?:achieves|can|improves|is|outperforms|reduces|surpasses)\b)) (?P<claim>.+)$",
    re.IGNORECASE | re.DOTALL,
)
# "Experiments demonstrate the speed of our filter, achieving 30 frames a second"
_ACHIEVING = re.compile(
    r"(?:[\w-]+ ){0,5}(?:experiments?|experimentation|results?|evaluations?|studies|simulations"
    r"|comparisons)\b[^;]{0,120}? (?:confirms?|demonstrates?|highlights?|reveals?|showcases?|shows?"
    r"|validates?|verif(?:y|ies)) "
    r"(?!that\b)[^;]{3,120}?, "
    r"(?P<how>[a-z]+ly )?(?P<verb>(?:achiev|outperform|improv|reduc|surpass)ing) "
    r"(?P<rest>(?!and\b)(?!.*,? and (?:[a-z]+ly )?[a-z]+ing ).+)$",
    re.IGNORECASE | re.DOTALL,
)
# "Using two cameras, Zebu counts stripes": what may go before what the work does
_BEFORE_OURS = re.compile(
    r"(?:(?:By|In contrast to|Through|Unlike|Via|With (?:just|only)|Without)\b"
    r"|(?!According|Assuming|Compared|Considering|Depending|Given|Including)[A-Z][a-z]+"
    r"(?:ing\b|ed (?:by|from|on|upon|with)\b)) [^;:]{3,250}?, (?=\S+ (?:\S+ ){0,3}(?:can|[a-z]+s) )"
)
# "Our results reveal a gap": what "show that" follows is said without them
_RESULTS = re.compile(
    r"^(?:Experimental|Our|The|These) (?:[a-z]+ ){0,2}"
    r"(?P<what>analysis|evaluation|experiments|findings|results) "
    r"(?P<told>(?:also )?(?:identif(?:y|ies)|indicates?|reveals?|shows?|uncovers?"
    r"|(?:indicate|suggest)s? that) (?!that\b).+)$",
    re.DOTALL,
)
# "show that outperforms others": a macro for the name is lost.
_VERB_FIRST = re.compile(
    r"(?:achieves|can|generalizes|has|improves|is|are|outperforms|provides|reduces|surpasses)\b"
)
_AND_THAT = re.compile(r",? and that,? (?!of )")
_AND_WE_ALSO = re.compile(rf", and {ADVERBS}(?:{'|'.join(ACTS)}) ")
_APPOSITION = re.compile(
    rf"^ (?P<article>the |our )?(?P<name>{NAME}(?: {NAME}){{0,3}}(?: \([\w +-]{{2,24}}\))?)(?:,|:| [–—-]) "
    r"(?P<what>(?:an?|the first) .+)$",
    re.DOTALL,
)
_MORE_THAN_APPOSITION = re.compile(r", (?:to|for|by|and|as|or|along|alongside|together) |; and ")
# "Our method, Zebu, is fast"
_OUR_NAMED_WORK = re.compile(
    rf"^(?:our|the proposed) (?:(?:[\w-]+ ){{0,4}}[a-z-]+(?:, |,? (?:called|named|termed|dubbed) )"
    rf"|(?:(?:new|novel|proposed) )?{NOUN} (?=(?-i:{NAME}) (?:[a-z]+ly )?[a-z]+s ))"
    rf"(?P<name>(?-i:{NAME}(?: {NAME}){{0,3}})(?: \([\w +-]{{2,24}}\))?),? "
    r"(?=(?:[a-z]+ly )?(?:[a-z]+s|can|will) )",
    re.IGNORECASE,
)
# "The proposed Zebu counts", but not "the proposed Zebu filter"
_PROPOSED_NAME = re.compile(
    rf"^(?:our|the) (?:newly |proposed |novel )+(?=(?-i:{NAME}) (?:[a-z]+ly )?(?:[a-z]+[^s\W]s|can|will) )",
    re.IGNORECASE,
)
_OWN_SUBJECT = re.compile(rf"(?:the {NOUN} |(?!the ))", re.IGNORECASE)
"""With this a finding begins that can follow what the paper does: "the filter" was not spoken of."""
_OUR_WORK = re.compile(
    r"^(?:our|the proposed) (?:(?:proposed|novel|new|full|final|best) )?"
    rf"(?:(?P<called>(?-i:{NAME})) )?(?P<noun>{NOUN}) (?=[a-z]+)",
    re.IGNORECASE,
)
# "It counts stripes", "This filter counts stripes", right behind the sentence that introduces it
_IT = re.compile(
    r"(?:It|(?:This|The|Our) (?P<noun>(?:[\w-]+ ){0,2}?[a-z]+)) "
    r"(?=(?:[a-z]+ly )?(?:can|is|has|[a-z]{2,}[^s\W]s) )"
)
_OURS = re.compile(r"\b(?:our(?: proposed| novel)?|the proposed) ", re.IGNORECASE)
_OUR = re.compile(r"\b[Oo]ur(?! own)\b")
_GOES_ON = re.compile(rf"[\w-]| {NOUN}")
_IS_INTRODUCED = re.compile(
    r"^(?:(?:An?|In this|Our|The|This) .*\bis|(?:An?|Two|Three|Four|New|Novel) .*\bare)"
    r" (?:introduced|proposed|presented|developed)\b(?! (?:in)?to\b)"
)
_HERE = re.compile(r"^ here(?:in)?\b")
_EARLIER = re.compile(
    r"(?:(?:Recently|Previously|In our pr(?:evious|ior) \w+),? we"
    r"|We (?:have )?(?:already|earlier|recently|previously)) "
)
_PAST = re.compile(r"(?:Recently|Previously|Traditionally|Historically|Conventionally|In recent years)\b")
_WHICH_WE_CALL = re.compile(
    r",? (?:which|that) we (?:call|term|name|dub|refer to as|denote|coin)(?: as)? (?=[\"“A-Z])"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that stands alone, without its full stop.

    Attributes:
        text: The sentence; empty if it is a second half only.
        kind: What it does: introduce the work, say what is studied, claim a finding, or state anything else.
        verb_end: Offset behind its main verb where that is known, else 0.
        addition: The same as the second half of a sentence, after a semicolon; empty if it cannot be one.
        acts: Whether it opens with a verb of the authors', as in "Proposes a filter".
        is_half: Whether there is a better form of it, unless what the authors did next follows.
    """

    text: str
    kind: Kind
    verb_end: int = 0
    addition: str = ""
    acts: bool = False
    is_half: bool = False


def statements(sentence: str, name: str) -> Iterator[Statement]:
    """Yield the forms of a sentence that stand alone, if any.

    Args:
        sentence: The sentence, without markup.
        name: The name that the paper gives its own work, or empty.
    """
    text = without_pointers(_WHICH_WE_CALL.sub(", ", sentence.rstrip(" .!;:").lstrip(" %•*–—-")))
    text = without_opening(text)
    if not text or text.endswith("?") or _EARLIER.match(sentence):
        return
    fronted = _BEFORE_OURS.match(text)
    if report := _REPORT.match(text) or (fronted and _REPORT.match(capital(text[fronted.end() :]))):
        if not _VERB_FIRST.match(report["claim"]):
            claim = _AND_THAT.sub(", and ", report["claim"])
            yield _claim(_AND_WE_ALSO.split(claim)[0], name, "claims")
    elif act := _BY_US.match(text):
        rest = _HERE.sub("", act["rest"])
        verb, in_past = third_person(act["verb"].lower()), act["verb"] in PAST
        changed = in_third_person(rest, in_past=in_past) if in_past >= bool(act["perfect"]) else ""
        if verb and changed and act["verb"].islower() and act["verb"] not in UNTOLD:
            kind: Kind = "introduces" if f"{verb}{rest}".startswith("puts forward ") else kind_of(verb)
            yield from _acts(verb, changed, kind, name, alone=changed == rest)
    else:
        if achieved := _ACHIEVING.match(text):
            verb = third_person(of_participle(achieved["verb"].lower()))
            told = f"it {achieved['how'] or ''}{verb} {_impersonal(achieved['rest'], name)}"
            yield Statement(capital(told), "claims", addition=told)
        elif results := _RESULTS.match(text):
            told = f"the {results['what']} {results['told']}"
            yield Statement(capital(_impersonal(told, name)), "claims", addition=_impersonal(told, name))
            return
        if (ours := _behind_our_work(text, name)) and act_instead(text[ours:]):
            yield from _acts("", text[ours:], "details", name, alone=False)
            return
        if fronted:
            yield Statement("", "states", addition=_claim(text[fronted.end() :], name, "states").addition)
        introduced = not is_past(sentence) and _IS_INTRODUCED.search(text)
        yield _claim(text, name, "introduces" if introduced else "states")


def is_past(sentence: str) -> bool:
    """Tell whether a sentence speaks of the work of others: "Recently, a filter was proposed"."""
    return _PAST.match(sentence) is not None and " we " not in sentence


def _acts(verb: str, rest: str, kind: Kind, name: str, *, alone: bool) -> Iterator[Statement]:
    """Yield what was done; with other acts beside it, "we present X, a Y, and report" is no "X is a Y"."""
    if instead := act_instead(f"{verb}{rest}"):
        verb, rest = instead
        kind = kind_of(verb)
        kind = "makes" if kind == "details" else kind  # what the rest is for was named in its place
    rest = _impersonal(rest, name)
    apposition = _APPOSITION.match(rest) if alone and kind in {"introduces", "makes"} else None
    if (
        apposition
        and _is_one(apposition["name"], name)
        and not _MORE_THAN_APPOSITION.search(apposition["what"])
    ):
        article = "The " if apposition["article"] and " " in apposition["name"] else ""
        subject = f"{article}{apposition['name']} is"
        yield Statement(f"{subject} {apposition['what']}", kind, len(subject))
        yield Statement(capital(f"{verb}{rest}"), kind, len(verb), acts=True, is_half=True)
        return
    acted = f"{verb}{rest}"
    if second := _AND_INTRODUCES.search(acted):
        kind = "introduces"
        last = acted[second.start("verb") :]
        yield Statement(capital(last), kind, len(second["verb"]), last, acts=True)
    yield Statement(capital(acted), kind, len(verb), acted, acts=True)


def _behind_our_work(text: str, name: str) -> int:
    """Return where the predicate of the authors' own work begins, 0 where the subject is another thing."""
    if name and (place := place_of(name, text)) in {0, len("The ")} and text.startswith(("The ", name)):
        return place + len(name) + 1
    ours = _OUR_WORK.match(text)
    return ours.end() if ours and ours["called"] in {None, name} else 0


def _is_one(called: str, name: str) -> bool:
    """Tell whether what is called so is surely one thing, of which "is" can be said."""
    return called == name or not re.search(r"[a-z]s(?: \(|$)", called)


def _claim(text: str, name: str, kind: Kind) -> Statement:
    if named := _OUR_NAMED_WORK.match(text):
        text = f"{named['name']} {text[named.end() :]}"
    text = _PROPOSED_NAME.sub("", text)
    if (ours := _OUR_WORK.match(text)) and name and ours["called"] not in {None, name}:
        ours = None  # a part of the work, which has a name of its own
    if it := not ours and _IT.match(text):
        what = f"this {it['noun']}" if it["noun"] else "it"
        return Statement(text, kind, addition=f"{what} {_impersonal(text[it.end() :], name)}")
    rest = _impersonal(text[ours.end() :] if ours else text, name)
    if ours:
        subject = name or f"The {ours['noun']}"
        return Statement(f"{subject} {rest}", kind, len(subject), f"the {ours['noun']} {rest}")
    if name and rest.startswith(f"{name} "):
        return Statement(rest, kind, len(name), rest)
    if kind == "claims" and (
        _OWN_SUBJECT.match(rest) or (name and re.match(rf"the (?:[\w-]+ )?{re.escape(name)} ", rest))
    ):
        return Statement(capital(rest), kind, addition=rest)
    return Statement(capital(rest), kind)


def _impersonal(text: str, name: str) -> str:
    """Replace "our" by "the", and "our Zebu" by "Zebu"."""
    if name and name in text:
        text = _OURS.sub(lambda ours: "" if _is_named_at(name, text, ours.end()) else ours[0], text)
    return _OUR.sub("the", text)


def _is_named_at(name: str, text: str, place: int) -> bool:
    """Tell whether the name stands there alone: not "Zebu-2", nor "the Zebu filter", which needs "the"."""
    return text.startswith(name, place) and not _GOES_ON.match(text, place + len(name))


_AND_INTRODUCES = re.compile(r" and (?:then |[a-z]+ly )?(?P<verb>proposes|introduces|presents|develops) ")
