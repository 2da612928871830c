"""Puts the verbs of the authors into the third person: "we count stripes and plot them" counts and plots."""

from __future__ import annotations

import re

from broadsheet.llm.extractive.verbs import ACTS, KNOWN_ACTS, PAST, third_person

ADVERBS = (
    r"(?:(?:also|then|first|further|thus|hence|therefore|here|next|finally|instead|now|already"
    r"|(?!(?:app|comp|imp|multip|re|supp)ly )[a-z]{3,20}ly) ){0,3}"
)
_AND_WE = re.compile(
    rf"(?P<before>,? and {ADVERBS})(?:in addition,? |then )?we (?P<also>{ADVERBS})"
    rf"(?P<verb>{'|'.join(ACTS)})(?= )"
)
# "developed and validated a filter", "counted stripes and plotted the years"
_AND_PAST = re.compile(
    rf"(?P<before>,? and {ADVERBS})(?P<verb>{'|'.join(PAST)})"
    r"(?= (?:an?|the|its|their|them|that|how|two|three)\b)"
)
_AND_DID = re.compile(
    rf"(?: and|, then) {ADVERBS}[a-z]+ed (?!by\b|in\b|on\b|with\b|from\b|at\b|to\b)"
    r"|, [a-z]+ed (?:an?|the|its) "
)
# "and show that": a verb of the authors after "and", unless an infinitive or a relative clause may govern it.
_OBJECT = (
    r"(?= (?:all|an?(?! (?:and|at|by|for|from|in|of|on|or|to|with)\b)|each"
    r"|the|its|their|them|it|how|whether|on|forward|two|three|four|five|six|seven|eight"
    r"|nine)\b)"
)
_COORDINATED = re.compile(
    rf"(?P<before>(?P<comma>,)? and {ADVERBS}|(?P<serial>, ))"
    rf"(?P<verb>(?:re-|pre-)*(?:{'|'.join(ACTS)}|(?<=-)train|point(?= out\b))|[a-z]+i[sz]e{_OBJECT}"
    r"|(?!also|both|even|for|from|into|not|only|over|that|then|thus|under|via|when|where|while|with)"
    rf"(?(serial)(?!)|[a-z-]{{3,}})(?<![sgy])(?<!ed){_OBJECT})\b(?P<that> that)?"
)
_AND_PROPOSE = re.compile(rf"((?:[ –—-]and|,) {ADVERBS})(demonstrate|introduce|present|propose|show)(?= )")
_AT_ONCE = re.compile(rf"^(?P<before> (?:and|or) {ADVERBS})(?P<verb>[a-z-]+(?<!s)(?<!ly))(?= )")
_IN_LIST = re.compile(r"(?:,|\bto) [a-z]+(?<![^s]s)$")
_GOVERNS = re.compile(
    r"\b(?:to (?!(?:an?|all|both|each|other|the|its|their|[a-z]+(?:ing|al|ed|ous|ic|ive|ion|s)) )[a-z]+"
    r"|that|which|who|can|could|will|may|must|how)\b"
)
# "a filter that counts stripes and plot them": what is no third person is not governed by "that"
_RELATIVE = re.compile(
    r"\b(?:that|which) (?:[a-z]+ly )?[a-z]+[^s\W]s (?!.*\b(?:to|can|could|may|might|must|should|will|would) )"
)
_INFINITIVE = re.compile(rf"\bto (?:[a-z]+ly )?(?:{'|'.join(ACTS)})\b")
_FURTHER = re.compile(r"\b(?:finally|further)\b")
_OF_AUTHORS = {"argue", "conclude", "discuss", "outline", "release", "report"}
"""What no method is made to do: "applies filters to deep networks and discuss their use"."""
AND_ACTS = re.compile(rf"(?<![sy]),? and {ADVERBS}(?:{'|'.join(map(third_person, ACTS))}) ")
"""A verb coordinated with an earlier one, after which a sentence may end."""


def in_third_person(rest: str, *, in_past: bool) -> str:
    """Return what follows the main verb, its coordinated verbs changed, or nothing if one stays in the past.

    Args:
        rest: The sentence behind its main verb, with the space before it.
        in_past: Whether that verb is in the past tense.
    """
    if in_past:
        rest = _AND_PAST.sub(lambda also: f"{also['before']}{third_person(also['verb'])}", rest)
        if _AND_DID.search(rest):
            return ""
    rest = _AND_WE.sub(lambda we: f"{we['before']}{we['also']}{third_person(we['verb'])}", rest)
    return _AT_ONCE.sub(lambda at: f"{at['before']}{third_person(at['verb'])}", _conjugated(rest))


def _conjugated(rest: str) -> str:
    """Put the verbs that are coordinated with the main verb into the third person too."""
    in_series = False

    def conjugate(match: re.Match[str]) -> str:
        nonlocal in_series
        before = rest[: match.start()]
        governed = max((found.end() for found in _GOVERNS.finditer(before)), default=0)
        last = match["comma"] and in_series  # of "counts stripes, plots the years from birth to death, and"
        # "to sort data, analyze the logs, and plot the years": the series belongs to what governs it
        free = match["comma"] and match["verb"] in KNOWN_ACTS and "," not in before[governed:]
        ungoverned = match["verb"] in _OF_AUTHORS and not _INFINITIVE.search(before)
        ungoverned |= match["verb"] in KNOWN_ACTS and bool(_RELATIVE.search(before))
        ungoverned |= _FURTHER.search(match["before"]) is not None
        sure = match["that"] or free or not governed or ungoverned
        # "to prove and demonstrate that", "to collect, count and plot"
        sure = sure and before.rpartition(" ")[2] not in ACTS and not _IN_LIST.search(before)
        sure = sure or last
        verb = third_person(match["verb"]) if sure else match["verb"]
        in_series = bool(sure and match["serial"])
        return f"{match['before']}{verb}{match['that'] or ''}"

    def propose(match: re.Match[str]) -> str:
        beside = rest[: match.start()].rpartition(" ")[2]  # "to prove and show"
        return f"{match[1]}{match[2] if beside in KNOWN_ACTS else third_person(match[2])}"

    rest = _AND_PROPOSE.sub(propose, rest)
    return _COORDINATED.sub(conjugate, rest)
