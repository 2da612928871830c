"""Leaves out what opens a sentence and only ties it to others: "In this paper, we count" counts."""

from __future__ import annotations

import re

from broadsheet.llm.extractive.conjugation import ADVERBS
from broadsheet.llm.extractive.pointers import with_comma
from broadsheet.llm.extractive.verbs import INTRODUCING, MAKING

WE = (
    r"(?:we|i|this (?:(?:survey|review|research) (?:paper|article|work|study)|paper|work|study|article|survey"
    r"|report|thesis|research|project|letter|response|chapter|document|tutorial"
    r"|dissertation|note|essay|manuscript|technical report|position paper|review)"
    r"|the (?:present )?(?:paper|article|authors?|study)|(?:our|the proposed) (?:work|paper|study))"
)
"""By what authors call themselves or the paper; in any case of letters."""
_CONNECTIVE = re.compile(
    r"^(?:(?:[A-Z]|More [a-z])[a-z]+ly|However|Moreover|Furthermore|In addition|Besides|Also|Then|Thus|Hence"
    r"|Therefore"
    r"|In particular|Overall|In summary|In short|In conclusion|As a result|In contrast|By contrast|Instead"
    r"|Meanwhile|First|Second|Third|Next|Here|Indeed|In fact|Nevertheless|Nonetheless|Further|To this end"
    r"|At the same time|On the other hand|In response|So"
    r"|(?:In|Throughout) (?:this|the present|our) (?:[a-z]+ )?[a-z]+|Building on [^,]{3,100}"
    r"|(?:Motivated|Inspired) by [^,]{3,120}"
    r"|(?:In order to|To|For|With|Given|Based on|From|Through) (?:(?!we\b)[^,]){0,60}\b(?:this|these|that"
    r"|those|such|it|them|the (?:above|aforementioned))\b(?:(?! we\b)[^,]){0,80}), "
)
# An adjunct before "we" may go, but a condition only before "we propose".
_FRONTED = re.compile(
    r"^(?:(?!If|When|Unless|Under|For (?!the first)|Given|Assuming|In |On |As |Even)[A-Z][^,]{3,120}"
    rf"|[A-Z].{{3,240}}?(?=, {WE} {ADVERBS}(?:ha(?:ve|s) )?"
    rf"(?:{'|'.join(sorted(INTRODUCING | MAKING))})(?:s|d|ed)?\b)), (?={WE} )"
)
# "The goal of this study is to count stripes"
_GOAL = re.compile(
    r"^(?:The|Our) (?:[a-z]+ )?(?:aim|goal|objective|purpose) of (?:this|the present|our) (?:[a-z]+ ){0,2}"
    r"(?:article|paper|research|study|survey|work) (?:is|was) (?:therefore |thus )?to (?=[a-z]+ )"
)


def without_opening(text: str) -> str:
    """Return a sentence from its subject on, but for adjuncts that say under which condition it holds."""
    for _ in range(3):
        text = with_comma(text)
        connective = _CONNECTIVE.match(text)
        if not connective:
            break
        text = capital(text[connective.end() :])
    return _GOAL.sub("We ", capital(_FRONTED.sub("", capital(text), count=1)))


def capital(text: str) -> str:
    """Capitalize the first letter, unless the first word is a name such as iCaRL or f-DP."""
    first = text.split(" ", 1)[0]
    named = any(character.isupper() for character in first) or first[1:2] == "-"
    return text if named else text[:1].upper() + text[1:]
