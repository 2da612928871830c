"""Tells what is said of nearly every paper, and so tells little of this one."""

from __future__ import annotations

import re

from broadsheet.quantities import numbers_in

_HOW = r"(?:[a-z]+ly )?"
_EVERYWHERE = (
    r"(?: (?:across|in|on|over) (?:[a-z-]+ ){0,3}"
    r"(?:benchmarks?|data ?sets?|domains|metrics|scenarios|settings|tasks))?$"
)
_ACTED = re.compile(
    r"(?:aims to (?:foster|inspire|promote|provide)|bridges the|conducts|contributes to"
    r"|demonstrates (?:its|the)|describes|discusses|evaluates|extends|highlights|organizes|outlines|performs"
    r"|provides a (?:[a-z]+ )?contribution|releases|serves as|validates|verifies)\b"
)
_DOES = re.compile(
    rf"{_HOW}(?:addresses|aims|introduces|presents|proposes|represents|seeks|serves"
    r"|is (?:[a-z]+ )?(?:available|effective|evaluated|open-sourced|released|tested|validated)) "
    rf"|{_HOW}(?:achieves|attains|delivers|demonstrates|exhibits|obtains|reaches|shows|yields) "
    rf"(?:(?:an?|its|new|the) ){{0,2}}{_HOW}(?:best|better|competitive|effectiveness|excellent|good|improved"
    r"|outstanding|promising|remarkable|SOTA|SoTA|state-of-the-art(?: \(SOTA\))?|strong|superior)"
    rf"(?:(?: [a-z-]+){{0,3}} (?:accuracy|performance|results?))?{_EVERYWHERE}"
    r"|(?:demonstrate|indicate|reveal|show)s? (?:the |its )?(?:[a-z]+ ){0,2}(?:effectiveness|efficacy|gains"
    r"|improvements?|performance|potential|promise|robustness|superiority)\b"
    rf"|{_HOW}(?:outperforms|surpasses) (?:[a-z-]+ ){{1,6}}[a-z]+s{_EVERYWHERE}"
)


def acts_little(acted: str) -> bool:
    """Tell whether what authors did is what nearly all do: "evaluates the filter", "releases it"."""
    return _ACTED.match(acted) is not None


def tells_little(predicate: str) -> bool:
    """Tell whether what a thing does is what nearly all do: "achieves better results on many tasks"."""
    return _DOES.match(predicate) is not None and not numbers_in(predicate)
