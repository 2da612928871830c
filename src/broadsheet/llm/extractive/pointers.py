"""Leaves out of a sentence what only points at other sentences, or at the paper itself.

"A filter that addresses these issues" becomes "a filter", and "a filter that bridges this gap by counting
stripes" becomes "a filter counting stripes".
"""

from __future__ import annotations

import re

_IN_THIS = r"(?:this|the present) (?:paper|letter|work|study|article|report|survey|thesis|review)"
_IN_THIS_PAPER = re.compile(rf"(?<=[a-z)]),? in {_IN_THIS}\b(?=$|,? (?:and|that|which|to|for)\b)")
_BEFORE_WE = re.compile(
    r"^((?:[Ii]n|[Tt]hroughout) [a-z ]{3,30}|[Hh]ere|[Tt]hus|[Tt]herefore|[Hh]ence) (?=we )"
)
_THESE = r"(?:these|this|those|such|the (?:above|aforementioned|former)) (?:[a-z-]+ ){0,3}?"
_LACKS = (
    r"(?:bottleneck|challenge|complexit|concern|difficult|drawback|gap|issue|limitation|need|obstacle|problem"
    r"|question|shortcoming|weakness)(?:s|es|y|ies)?"
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
    r"|(?:for )?(?:address|overcom|tackl|solv|mitigat|resolv|bridg|fill)ing)"
    rf"|{_NO_PURPOSE},? to (?:[a-z]+ly )?(?:address|alleviate|answer|bridge|close|explore|fill|handle"
    rf"|investigate|meet|mitigate|overcome|remedy|resolve|solve|tackle)) {_THESE}{_LACKS}"
    r"(?:(?=$|,| using | for )|(?P<by> by)(?= (?:[a-z]+ly )?[a-z]+ing )|(?P<with> (?:through|via|with))(?= ))"
)
_POINTERS = (
    "this ",
    "these ",
    "those ",
    "such ",
    "the above",
    "the aforementioned",
    "the former",
    "the present",
)
_THE_FOLLOWING = re.compile(r",? (?:with|as|in|by|under|through|for|on|of) the following [a-z ]{0,40}$")


def without_pointers(text: str) -> str:
    """Leave out what only points at other sentences and at the paper itself."""
    if any(word in text for word in _POINTERS):
        text = _IN_THIS_PAPER.sub("", _FOR_THIS.sub(_rest_of, text))
    if " following" in text:
        text = _THE_FOLLOWING.sub("", text)
    return _BEFORE_WE.sub(r"\1, ", text)


def _rest_of(match: re.Match[str]) -> str:
    return " with" if match["with"] else ""
