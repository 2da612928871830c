"""Finds references to earlier text, such as "this problem", with which a sentence cannot stand alone."""

from __future__ import annotations

import re

_REFERENCE = re.compile(
    r"^(?:It|They|This|These|Those|Such|Its|Their|That|He|Doing|Both|The (?:former|latter|above|first"
    r"|second|third)|Another|Other|One|There|Here|What|Since|While|Although|Though|When|Because|If|As"
    r"|Unlike|Despite|Which)\b"
    r"|\b(?:[Ww]e|[Oo]urs?|us|aforementioned|above-mentioned|the above|[Tt]his (?:paper|work|issue"
    r"|problem|gap|limitation|challenge|end|goal|question|setting|phenomenon|assumption)"
    r"|these (?:issues|problems|challenges|limitations|two|findings|insights|results|methods|models))\b"
)
_POSSIBLE_REFERENCE = re.compile(
    r"\b(?:this|these|those|such(?! as)|the (?:two|three|first|second|former|latter|resulting|above"
    r"|proposed|obtained|same)|both|their existing|in turn"
    r"|prior|it also|they|he)\b"
)


def points_back(text: str) -> bool:
    """Tell whether `text` refers to something said before it, or speaks in the authors' voice ("we")."""
    return bool(_REFERENCE.search(text))


def hints_back(text: str) -> int:
    """Count the words in `text` that may refer to something said before it."""
    return len(_POSSIBLE_REFERENCE.findall(text))
