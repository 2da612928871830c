"""Leaves out of a sentence what only points at other sentences, or at the paper itself.

"A filter that addresses these issues" becomes "a filter", and "a filter that bridges this gap by counting
stripes" becomes "a filter counting stripes".
"""

from __future__ import annotations

import re

from broadsheet.llm.extractive.verbs import INTRODUCING, MAKING, of_participle, third_person

_IN_THIS = r"(?:this|the present) (?:paper|letter|work|study|article|report|survey|thesis|review)"
_HERE_WE = re.compile(r"(?<=[a-z]), in this (?:(?:position|review|survey) )?(?:paper|study|work), (?=we )")
_IN_THIS_PAPER = re.compile(rf"(?<=[a-z)]),? in {_IN_THIS}\b(?=$|,? (?:an?|and|that|which|the|to|for)\b)")
# "a filter (see https://...)", "a filter at https://...": the filter is what is said
_LINK = re.compile(r"(?:,? \([^()]*https?:[^()]*\)|,? (?:in|at|on|via) https?:\S+?)(?=[,.;:]?(?:\s|$))")
_WHEREABOUTS = re.compile(
    r"\b(?:accessible|accessed|available|found|hosted|project page|released)\b", re.IGNORECASE
)
_BEFORE_WE = re.compile(
    r"^((?:[Ii]n|[Tt]hroughout) [a-z ]{3,30}|[Hh]ere|[Tt]hus|[Tt]herefore|[Hh]ence|So"
    rf"|(?:To|In order to) [a-z][^,;:]{{5,90}}(?= we (?:{'|'.join(sorted(INTRODUCING | MAKING))}))) (?=we )"
)
_THESE = r"(?:both|these|this|those|such|the (?:above|aforementioned|former)) (?:[a-z-]+ ){0,3}?"
_LACKS = (
    r"(?:aspect|barrier|bottleneck|challenge|complexit|concern|constraint|difficult|dilemma|drawback|failure|gap|hurdle"
    r"|inefficienc|issue|limitation|need|obstacle|pitfall|problem|question|shortcoming|task|trade-off|weakness)(?:s|es|y|ies)?"
)
_NO_PURPOSE = "".join(
    f"(?<! {word})"
    for word in """
        how aims aim able ability designed fail fails used helps seeks order way ways need attempts tries
        potential and attempt effort efforts methods algorithms techniques approaches solutions
    """.split()  # noqa: SIM905 - easier to read than a list
)
# "a filter that overcomes these limitations": they are the limitations of another sentence.
_FOR_THIS = re.compile(
    r"(?:,? (?:(?:specifically )?(?:designed|intended|aimed|tailored|developed)(?: specifically)? to [a-z]+"
    r"|(?:that|which) (?:(?:aims? to|can|effectively|directly|successfully|jointly|seamlessly) ){0,2}[a-z]+"
    r"|(?:for |aimed at |aiming at )?(?:address|overcom|tackl|solv|mitigat|resolv|bridg|fill)ing)"
    rf"|{_NO_PURPOSE},? to (?:[a-z]+ly )?(?:address|alleviate|answer|bridge|close|explore|fill|handle"
    rf"|investigate|meet|mitigate|overcome|remedy|resolve|solve|tackle))"
    rf" (?:{_THESE}{_LACKS}|the (?:challenge|gap|issue|limitation|problem)s?(?: above)?)"
    r"(?:(?=$|,| using | for )|(?P<by> by)(?= (?:[a-z]+ly )?[a-z]+ing )|(?P<with> (?:through|via|with))(?= ))"
)
_POINTERS = (
    *("both ", "such ", "these ", "this ", "those ", "the above", "the aforementioned", "the challenge"),
    *("the former", "the gap", "the issue", "the limitation", "the present", "the problem"),
)
_FOR_IT = re.compile(
    rf"{_NO_PURPOSE},? to (?:address|alleviate|bridge|do|handle|mitigate|overcome|remedy|resolve|solve"
    r"|tackle) (?:it|that|them|these|this)$"
)
_PRONOUNS = (" it", " that", " them", " these", " this")
# "the role of text in this task"
_IN_IT = re.compile(
    r" (?:in|for|on|within|under) (?:this|these|those) "
    r"(?:(?:important|challenging|crucial|emerging|rapidly evolving) )?"
    r"(?:area|case|context|direction|domain|field|regard|scenario|setting|space|task)s?"
    r"(?=$|,(?! (?:and|or) ))"
)
# "one of the first filters for this task" is none of the first filters
_OF_ITS_KIND = re.compile(r"\b(?:best|earliest|fastest|first|largest|most|only|smallest)\b")
# "models for such rare stripes" are models for rare stripes, but "for such stripes" says which ones elsewhere
_SUCH = re.compile(r"(?<!\bas )\bsuch (?!as\b|that\b|an?\b)(?=[a-z-]+ [a-z-]+s\b)")
# The headings of a structured abstract.
_HEADING = re.compile(
    r"^(?:(?:\(?[1a]\) |(?:Aims?|Approach|Background|Conclusions?|Design|Findings|Introduction|Methods?"
    r"|Methodology|Objectives?|Purpose|Results?|Summary|(?:Main|Key|Research|Study) [a-z]+): )(?!To )"
    r"|(?-i:[A-Z][a-z]+ (?=(?:The|We|This|Our|In) )))",
    re.IGNORECASE,
)
_KNOWLEDGE = re.compile(
    r"(?:,? \(?to (?:the best of )?(?:our|(?:the )?authors'?’?) (?:best )?knowledge\)?"
    r"(?:,|(?= ))(?! the first\b))|(?<=,) to (?:the best of )?(?:our|the authors'?) (?:best )?knowledge,?"
    r"(?= the first\b)"
)
# "To our knowledge, Zebu is the first filter": who claims to be the first says as far as they know
_OUR_KNOWLEDGE = r"[Tt]o (?:the best of )?(?:our|the authors'?’?) (?:best )?knowledge"
_HEDGE = "to the authors' knowledge"
_FIRST_IS_HEDGED = re.compile(rf"^{_OUR_KNOWLEDGE}, (?P<said>[^.;]{{3,120}}?),? the first\b")
_HEDGE_BEFORE_FIRST = re.compile(rf"{_OUR_KNOWLEDGE}(?=,?(?: (?:is|are|presents?))? the first\b)")
# "addresses these issues by introducing a filter"
_BY_DOING = re.compile(
    r"(?:[a-z]+ ){0,5}?(?:(?:address|alleviat|bridg|challeng|clos|confront|fill|meet|mitigat|overcom|remed"
    r"|resolv|solv|tackl)(?:e?s|ies|y|e)?|(?:offer|present|provide)s an? (?:[a-z-]+ ){0,3}solution to)"
    r" (?:some of )?(?:this|these|that|those|it|them|such"
    r"|the(?= (?:\w+ )?(?:challenge|gap|issue|limitation|problem|shortcoming)s?\b))(?: [\w-]+){0,4}? by "
    r"(?:[a-z]+ly )?(?P<verb>(?:adapt|analyz|apply|augment|build|combin|conduct|construct|creat|design"
    r"|develop|employ|evaluat|exploit|extend|formulat|incorporat|integrat|introduc|investigat|leverag"
    r"|present|propos|provid)ing) (?P<what>(?!.*\b(?:and|then) [a-z]+ing\b).+)",
    re.DOTALL,
)
_FIRST_TIME = re.compile(r"(?<=[a-z])(?:, for the first time[^,]{0,60}, | for the first time (?=an? ))")
_THE_FOLLOWING = re.compile(r",? (?:with|as|in|by|under|through|for|on|of) the following [a-z ]{0,40}$")


def without_links(sentence: str) -> str:
    """Leave out a link that stands in parentheses or says where a thing is."""
    return _LINK.sub("", sentence) if "http" in sentence and not _WHEREABOUTS.search(sentence) else sentence


def without_pointers(text: str) -> str:
    """Leave out what only points at other sentences and at the paper itself."""
    text = _HEADING.sub("", text, count=1)
    if "knowledge" in text:
        text = _hedged(text)
    if any(word in text for word in _POINTERS):
        text = _HERE_WE.sub(", ", _IN_THIS_PAPER.sub("", _FOR_THIS.sub(_rest_of, text)))
        text = _SUCH.sub("", text)
        text = text if _OF_ITS_KIND.search(text) else _IN_IT.sub("", text)
    if text.endswith(_PRONOUNS):
        text = _FOR_IT.sub("", text)
    if " for the first time" in text:
        text = _FIRST_TIME.sub(" ", text, count=1)
    if " following" in text:
        text = _THE_FOLLOWING.sub("", text)
    return text


def with_comma(text: str) -> str:
    """Set the comma behind what opens a sentence: "Here we propose" becomes "Here, we propose"."""
    return _BEFORE_WE.sub(r"\1, ", text)


def act_instead(acted: str) -> tuple[str, str] | None:
    """Return what was done, and to what, where it is said beside a pointer: "tackles these by counting bees".

    Args:
        acted: The sentence from its main verb on, in the third person.
    """
    by = _BY_DOING.match(acted)
    if not by:
        return None
    return third_person(of_participle(by["verb"])), f" {by['what']}"


def _hedged(text: str) -> str:
    """Leave out what only says that authors know no better, but for what is said to be the first."""
    first = _FIRST_IS_HEDGED.match(text)
    if first:
        said = first["said"] if first["said"].endswith((" is", " are")) else f"{first['said']} what is"
        return f"{said}, {_HEDGE}, the first{text[first.end() :]}"
    hedged = _HEDGE_BEFORE_FIRST.sub(_HEDGE, text)
    return hedged if hedged != text else _KNOWLEDGE.sub("", text)


def _rest_of(match: re.Match[str]) -> str:
    if match["by"] and match.string.endswith("alternative", 0, match.start()):
        return " by"  # "an alternative counting stripes" would be a way to count
    return " with" if match["with"] else ""
