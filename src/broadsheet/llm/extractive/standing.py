"""Tells whether a sentence stands alone: nothing in it is cut off, and nothing points at another sentence."""

from __future__ import annotations

import re
from itertools import takewhile

from broadsheet.text import stems

_ENUMERATOR = re.compile(r"(?<![\w)])\((?:i{1,3}|iv|[a-d1-9])\)|(?<![\w(])(?:[1-9]|i{1,3})\) ")
_OPENS_ELSEWHERE = re.compile(
    r"(?:Which|Whose|Where|Who|It|They|These|Those|Its|Their|That|There|Here|What|He|One|Another|Both|Such"
    r"|While|Since|Although|Though|And|But|So|Rather|Yet|Still|Afterwards?|Otherwise)\b"
    r"|[A-Z][a-z]+s (?:to [a-z]+ )?(?:its?|this|them|these|their)\b"
    r"|For (?:example|instance)\b|This (?![a-z]+ (?:survey|review))"
)
_CANNOT_STAND = re.compile(
    r"\b(?:[Ww]e|us|[Oo]urs?|I|me|my|[Tt]his (?:paper|work|study)|mathcal|mathbb)\b|[\\${}^=<>∈→]"
    r"|(?<![A-Za-z]{2})_|: (?:[Ff]irst|This|These|In this)\b"
)
_ENDS_OPEN = re.compile(
    r"(?:, (?:[a-z]+ly )?[a-z]+ed|\b(?:e\.g|i\.e|following|as follows|to [a-z]+ (?:it|them|this)"
    r"|is|are|the|of|that))$"
)
_LONGEST_END = 50
_PAIRS = (("(", ")"), ("[", "]"), ("“", "”"))
# A pointing word, and the words behind it among which its noun must be.
_POINTS = re.compile(
    r"\b(?:this|these"
    r"|those(?! (?:of|for|from|in|on|who|with|without|that|when|where|at|by|[a-z]+ed|[a-z]+ing)\b)"
    r"|such(?! as\b)|the (?:former|latter|above|old|remaining|same|resulting)|aforementioned|above-?mentioned"
    r"|said)"
    r"\b(?P<noun>(?: [\w-]+){0,4})",
    re.IGNORECASE,
)
_LITTLE = frozenset(
    """
    a an and are can is in it of on or that the to was with for by as from at has have
    """.split()  # noqa: SIM905 - easier to read than a list
)
_UNRESOLVED_END = frozenset(
    ["above", "both", "do", "does", "it", "others", "other", "so", "them", "these", "this", "those"]
)
# "A filter that removes them": what they are is said elsewhere, unless the sentence is long enough to say it.
_SOON = 13
# "two cameras that see the same herd"
_SEVERAL = re.compile(r"\b(?:all|as|both|compar\w+|different|each|multiple|several|two)\b", re.IGNORECASE)
# "both images": which two?
_BOTH = re.compile(
    r"\b[Bb]oth\b(?!$)(?![^;]* and\b)"
    r"|\b[Bb]oth (?:of )?(?:the )?(?:(?!and )[a-z-]+ ){0,2}?[a-z-]+[a-hj-rtv-z]s\b(?! and\b)"
)
# One of these stands in whatever the patterns that point find; looking for them first is much faster.
_POINTERS = (
    *"above aforementioned both former latter prior resulting said same such these they this those".split(),  # noqa: SIM905
    *("in turn", "the first", "the method", "the old", "the remaining", "the second", "the three", "the two"),
)
_HINTS_BACK = re.compile(
    r"\b(?:this|these|those|such(?! as)|the (?:two|three|first|second|former|latter|resulting|same|method)"
    r"|both|in turn|prior|they)\b"
)


def stands(text: str) -> bool:
    """Tell whether a sentence has both halves of its brackets and speaks neither as "we" nor in formulas."""
    if _OPENS_ELSEWHERE.match(text) or _ENDS_OPEN.search(text[-_LONGEST_END:]) or text.count('"') % 2:
        return False
    if ")" in text or "]" in text or "(" in text or "[" in text or "“" in text or "”" in text:
        listed = _ENUMERATOR.findall(text)
        unlisted = _ENUMERATOR.sub("", text)
        # Of a list with one point, the others are cut off.
        if len(listed) == 1 or any(
            unlisted.count(opened) != unlisted.count(closed) for opened, closed in _PAIRS
        ):
            return False
    return not _CANNOT_STAND.search(text)


def dangling(text: str) -> int:
    """Return how many words point at something that the sentence does not name before them.

    "Counts stripes and plots these stripes" has none, "a filter for these stripes" has one.
    """
    last = text.rpartition(" ")[2]
    count = int(last in _UNRESOLVED_END and (last not in {"it", "them"} or text.count(" ") < _SOON))
    count -= last in {"do", "does"} and " than " in text
    if not _may_point(text):
        return count
    count += len(_BOTH.findall(text))
    for match in _POINTS.finditer(text):
        named = set(stems(text[: match.start()]))
        if match[0].startswith("the same") and _SEVERAL.search(text):
            continue
        nouns = [*takewhile(lambda stem: stem not in _LITTLE, stems(match["noun"]))]
        *qualifying, noun = nouns or [""]
        count += noun not in named and not (qualifying and named.issuperset(qualifying))
    return count


def hints_back(text: str) -> int:
    """Return how many words may point at another sentence, whether or not they do."""
    return len(_HINTS_BACK.findall(text)) if _may_point(text) else 0


def _may_point(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in _POINTERS)
