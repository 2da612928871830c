"""Shortens a sentence where a clause surely ends; the less a cut is sure of, the more it costs.

A sentence of the authors is whole as a rule. A parenthesis can always go, a clause behind a comma nearly
always; what tells how a thing is made goes only where the sentence is too long with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from broadsheet.english import breaks_off
from broadsheet.llm.extractive.conjugation import AND_ACTS
from broadsheet.llm.extractive.naming import NOUN
from broadsheet.llm.extractive.rewriting import Statement

_PARENTHESIS = re.compile(r" \((?!i+\)|[a-d0-9]\)|\d+ ?[x×])[^()]{1,120}\)(?![\w-])")
# Before a clause that adds to the sentence, but is no condition and no contrast.
_CLAUSE = re.compile(
    r"; | [–—] |, (?:which|where(?! [b-zB-Z] )|whereas|while(?= [a-z]+ing )|thereby|thus|hence"
    r"|resulting in|leading to|such as|including|e\.g\.|i\.e\.|as well as|(?:combined|coupled|together) with"
    r"|with (?=(?:an?|over|more|up) )"
    r"|and (?:it|they|thus|then|therefore|thereby)"
    r"|especially|instead|particularly"
    r"|(?:accelerat|achiev|advanc|aim|allow|boost|demonstrat|eliminat|enabl|enhanc|ensur|facilitat|help|highlight"
    r"|improv|mak|offer|outperform|provid|reduc|show|support|surpass|yield)ing),? "
    r"|, (?!following|including|using|leveraging|depending|considering)(?:[a-z]+ly )?[a-z]{3,}ing"
    r"(?= (?:an?|the|its|their|that|both|up)\b)"
)
# The same where something is introduced: before what tells how it is made.
_ADJUNCT = re.compile(
    r",? (?:(?:while|by|without) [a-z]+ing|using|leveraging|via|through|in order to|compared (?:to|with)"
    r"|so that|(?:that|which) (?:consists of|comprises|includes|contains)|composed of|consisting of"
    r"|comprising|(?:featuring|with) (?:two|three|four|five|several)\b) "
)
# Before what tells what a thing is for or does, where the thing says what it is: "a counter of stripes".
_PURPOSE = re.compile(
    r"(?<=[a-z)]),? (?:to (?:[a-z]+ly )?(?!an?\b|the\b)[a-z-]+|(?:that|which) (?:[a-z]+ly )?[a-z-]+"
    r"|for [a-z]+ing|designed) "
)
_IS_A_THING = re.compile(
    rf"(?:{NOUN}|dataset|benchmark|corpus|task|metric|library|platform)s?(?: \([\w +-]+\))?$"
)
# Before a second thing that is introduced, where the first has no list in it.
_SECOND = re.compile(r", (?:and|along with|together with|as well as) (?:an?|the|two|three|its|another) ")
_SERIAL = re.compile(r", (?:then |[a-z]+ly )?[a-z]+s ")  # "finds X, counts Y" cannot lose "and shows Z"
_LIST = re.compile(r"^[^,]{0,40}, (?:and|or) ")
# "uses towers, such as lamps, to count" goes on behind its examples.
_EXAMPLES = re.compile(r", (?:e\.g\.|i\.e\.|including|such as)")
_GOES_ON = re.compile(r"[^;]*, (?:can|for|is|are|to) ")
_VERB = re.compile(
    r" (?:is|are|was|were|can|has|have|do|does|will|may|(?:achieve|enable|exhibit|fail|improve|lead|offer"
    r"|outperform|perform|provide|reduce|remain|require|struggle|yield)s?) "
)
_LOOSE_END = re.compile(r"(?:[ ,;–—-]+|[,;]? \b(?:e\.g|i\.e|hence|thus|therefore)\b\.?)+$")
# What joins two things needs both: "combines A, which is fast, with B".
_JOINS = re.compile(
    r"\b(?!(?:aligned|balanced|connected|integrated|unified) )"
    r"(?:combin|integrat|merg|coupl|unif|bridg|balanc|connect|align|compar)[a-z]* (?P<things>.*)$"
)
_OPENED = re.compile(r"\bthat (?P<clause>[^,;]*)$")
_FINITE = re.compile(r"\b(?:are|can|could|do|have|may|might|must|should|were|will|would|[a-z]+(?:s|ed))\b")
_SECOND_THING = re.compile(r"\b(?:and|with|into|to|across|between|through)\b")
_PASSIVE_END = re.compile(r"\b(?:is|are|was|be|been) [a-z]+ed$")
# "ZebuNet, a framework" says nothing without what it consists of.
_BARE_END = re.compile(r", an? [\w-]+$")
# "objects identified through X" says nothing as "objects identified".
_PARTICIPLE_END = re.compile(r"\b(?:[a-z-]{2,}ed|built|done|driven|found|given|known|made|seen|shown|taken)$")

_PARENTHESIS_COST, _CLAUSE_COST, _ADJUNCT_COST, _PURPOSE_COST = 0.3, 0.7, 2.0, 3.0
SURE = _PARENTHESIS_COST + _CLAUSE_COST
"""What cuts cost at most that leave a sentence's own statement whole."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A sentence, or what is left of it.

    Attributes:
        text: The words, without a full stop.
        cost: 0 for the whole sentence; more, the more was cut and the less surely.
    """

    text: str
    cost: float = 0.0


def shortened(text: str, statement: Statement) -> Iterator[Cut]:
    """Yield a sentence whole, without parentheses, and cut before each clause that may go."""
    yield Cut(text)
    patterns = [(_CLAUSE, _CLAUSE_COST), (AND_ACTS, _CLAUSE_COST)]
    if statement.kind in {"introduces", "makes"}:
        patterns += [(_ADJUNCT, _ADJUNCT_COST), (_SECOND, _ADJUNCT_COST), (_PURPOSE, _PURPOSE_COST)]
    for form, spent in dict.fromkeys(((text, 0.0), (_PARENTHESIS.sub("", text), _PARENTHESIS_COST))):
        if spent and form != text:
            yield Cut(form, spent)
        if spent and form == text:
            break
        verb = _VERB.search(form)
        start = statement.verb_end or (verb.end() if verb else len(form))
        colon = form.find(": ", start)
        stop = len(form) if colon < 0 else colon  # what follows a colon goes whole or not at all
        for pattern, cost in patterns:
            for end in pattern.finditer(form, start, stop):
                kept = _LOOSE_END.sub("", form[: end.start()])
                if not _must_stay(form, kept, end, pattern, start):
                    yield Cut(kept, spent + cost)


def _must_stay(form: str, kept: str, end: re.Match[str], pattern: re.Pattern[str], start: int) -> bool:
    """Tell whether grammar holds what follows to what is kept."""
    is_point = end[0] == "; " and form.count("; ") > 1  # of a list all points stay or none
    if is_point or (_EXAMPLES.match(end[0]) and _GOES_ON.match(form, end.end())):
        return True
    if pattern is AND_ACTS and _SERIAL.search(kept, start):
        return True
    if pattern is _SECOND and ", " in kept[start:]:
        return True
    if pattern is _PURPOSE and (" and " in kept or not _IS_A_THING.search(kept)):
        return True
    if pattern is _ADJUNCT and (_PARTICIPLE_END.search(kept) or _BARE_END.search(kept)):
        return True
    return bool(_LIST.match(form[end.end() :])) or _ends_open(form, kept, end.end())


def _ends_open(form: str, kept: str, end: int) -> bool:
    """Tell whether what is kept lacks what stands behind the cut: the second of two things, or a verb."""
    opened = _OPENED.search(kept)
    if opened and not _FINITE.search(opened["clause"]):
        return True
    joins = _JOINS.search(kept)
    if joins and not _SECOND_THING.search(joins["things"]) and _SECOND_THING.search(form, end):
        return True
    return bool(_PASSIVE_END.search(kept) or breaks_off(kept))
