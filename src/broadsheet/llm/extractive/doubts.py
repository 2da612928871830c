"""Weighs what makes it doubtful that a line reads well by itself: its grammar, and what it leaves open.

A doubt is no proof. It moves a line behind the others of its paper, the further the graver it is, so that a
plainer sentence of the authors is taken where there is one. The rules are in ``doubts.toml``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

from broadsheet.llm.extractive.standing import dangling, hints_back
from broadsheet.llm.extractive.verbs import ACTS, KNOWN_ACTS, PAST, third_person
from broadsheet.text import singular, stems

GRAVE = 20.0
"""A grave doubt outweighs all else: the paper's title is the better line then."""
_LIKELY, _SLIGHT, _FAINT = 10.0, 4.0, 1.5
_WEIGHTS = {"grave": GRAVE, "likely": _LIKELY, "slight": _SLIGHT, "faint": _FAINT}
_RULES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_ACT, _ACTS = "|".join(ACTS), "|".join(map(third_person, ACTS))


def _spelt_out(pattern: str, lists: Mapping[str, str]) -> str:
    """Return a rule's pattern with its lists in it and without its line breaks."""
    words = {name: "|".join(text.split()) for name, text in lists.items()}
    words |= {"act": _ACT, "acts": _ACTS, "finite": f"{words['finite']}|{_ACTS}"}
    for name, choice in words.items():
        pattern = pattern.replace(f"<{name}>", f"(?:{choice})")
    return re.sub(r"\n\s*", "", pattern).replace(r"\ ", " ")


_DOUBTS = tuple(
    (_WEIGHTS[rule["weight"]], re.compile(_spelt_out(rule["pattern"], _RULES["lists"])))
    for rule in _RULES["doubt"]
)
_KNOWN = frozenset(_RULES["lists"]["known"].split())
_ABBREVIATED = re.compile(r" \(([A-Z][\w-]{0,20}[A-Z0-9²³])s?[),]")
_WORD = re.compile(r"[^\W_]+")
_LONGEST_SPELT_OUT = 120
_ABBREVIATION = re.compile(r"(?<![\w(-])[A-Z][\w-]*?[A-Z0-9²³](?=s?\b(?!-\w))")
# "ZF counts stripes", of what was never said what it is; but not "ZF is a counter"
_NAMED_SUBJECT = re.compile(
    r"(?:^|; )(?:[Tt]he )?(?P<name>(?=\w*[A-Z²³]\w*[A-Z²³\d]|[A-Z]?[a-z]+[A-Z])[\w-]+)(?: \([^()]*\))?"
    r"(?! is an? |, an? |: | – | - |\w)"
)
_THEY = re.compile(r"(?: \w+)? (?:they|them|their)\b")
_PLURAL = re.compile(r"\w[\w-]*s\b|\b(?:and|children|criteria|data|media|people)\b")
_ACTED = re.compile(r"[A-Z][a-z-]+s ")
_AND = r"(?:[ –—-]and|,)(?: then)? (?:also |further |[a-z]+ly )?"
_AND_ACT = re.compile(
    rf"{_AND}(?:{_ACT}) "
    r"(?=(?:an?|into|the|its|their|it|them|that|how|two|three|four|five|six|several|various) |[A-Z])"
)
_AND_ATE = re.compile(
    rf"{_AND}(?!(?:in)?a(?:ccurate|dequate|ppropriate) |(?:alternate|candidate|certificate|climate|date"
    r"|delicate|immediate|intermediate|moderate|multivariate|private|rate|separate|state|template|ultimate) )"
    r"[a-z]{3,}(?:ate|ify|ize) [a-z]"
)
_AND_NOUN_OR_ACT = re.compile(
    r", and (?:benchmark|design|focus|measure|model|plan|rank|report|review|target|test|train) [a-z]"
)
_AFTER_THIRD = re.compile(
    rf"\b(?:that|which) (?:[a-z]+ly )?[a-z]+s [^,;]*,? and(?: then)? (?:{_ACT}) (?:the|an?|it|them) "
)
_AND_DID = re.compile(rf"\band (?:[a-z]+ly )?(?:{'|'.join(PAST)}) (?:an?|how|its|that|the|their) ")
_THEN_ACT = re.compile(r", then [a-z]{3,}(?<![sd]) (?:an?|it|the|them)\b")
_BUT_ACT = re.compile(
    rf" but (?:[a-z]+ly )?(?:{_ACT}|decrease|increase|keep|maintain|reduce|require|retain) "
)
_NEAR = 6
_GOVERNOR = re.compile(
    r"\bto (?:[a-z]+ly )?(?P<verb>[a-z]+)|\b(?:that|which|who|can|could|will|may|must|how|where)\b"
)
_DEFINITE = re.compile(r"(?<!; )\b[Tt]he (?!authors' knowledge\b)(?=(?P<rest>[^,;:.()]{2,90}))")
_LONGEST_PHRASE = 5
_EARLY = 8
_AND_OF = re.compile(r"^(?:[\w-]+ ){1,3}and (?:[\w-]+ )?[\w-]+ (?:of|for|in)\b")
_ONLY_ONE = re.compile(r"(?:first|most|best|least|only|[a-z]+est)$")
_VAGUE, _WORKS, _SAYS_NOT_WHICH, _ENDS_PHRASE, _TELLS_WHICH, _FINITE_WORDS, _ONE_OF_ITS_KIND = (
    frozenset(_RULES["definite"][name].split())
    for name in ("vague", "works", "says_not_which", "ends", "tells_which", "finite", "one_of_its_kind")
)


def abbreviations(abstract: str, title: str) -> frozenset[str]:
    """Return what an abstract abbreviates, but for what is known to all or told by the title."""
    titled, initials = {*stems(title)}, "".join(word[0] for word in _WORD.findall(title)).upper()
    found = (
        (match[1], stems(abstract[max(0, match.start() - _LONGEST_SPELT_OUT) : match.start()]))
        for match in _ABBREVIATED.finditer(abstract)
    )
    return frozenset(
        short
        for short, before in found
        if short not in _KNOWN
        and short.lower() not in titled
        and "".join(filter(str.isupper, short)) not in initials
        and not {*before[-len(short) :]} <= titled
    )


def doubts(text: str, titled: Set[str], abbreviated: Set[str] = frozenset()) -> float:
    """Return how doubtful it is that a line reads well by itself, 0 where nothing speaks against it.

    Args:
        text: The line, without its full stop.
        titled: The stems of the paper's title, which is read above the line.
        abbreviated: The abbreviations that a sentence of the abstract spells out.
    """
    found = sum(weight * len(pattern.findall(text)) for weight, pattern in _DOUBTS)
    if abbreviated:
        found += _SLIGHT * len(abbreviated & {*_ABBREVIATION.findall(text)})
    names = [match["name"] for match in _NAMED_SUBJECT.finditer(text)]
    found += _LIKELY * sum(name not in _KNOWN and not {*stems(name)} <= titled for name in names)
    found += GRAVE * (dangling(text) + _lacks_plural(text)) + 0.8 * hints_back(text)
    return found + sum(_unexplained(text, titled)) + uninflected(text)


def _lacks_plural(text: str) -> bool:
    """Tell whether "they", "them" or "their" stands where nothing was named that is more than one."""
    found = _THEY.search(text)
    return found is not None and not _PLURAL.search(text[: found.start()].partition(" ")[2])


def uninflected(text: str) -> float:
    """Return the doubt that a verb was not put into the third person: "Counts stripes and plot them"."""
    if _ACTED.match(text):
        if any(pattern.search(text) for pattern in (_AFTER_THIRD, _AND_DID, _BUT_ACT, _THEN_ACT)):
            return GRAVE
        for pattern in (_AND_ACT, _AND_ATE):
            for verb in pattern.finditer(text):
                governors = [*_GOVERNOR.finditer(text, 0, verb.start())]
                infinitive = governors[-1]["verb"] if governors else ""
                if not governors:
                    return GRAVE
                far = text.count(" ", governors[-1].end(), verb.start()) > _NEAR
                if far or (infinitive and infinitive not in KNOWN_ACTS and pattern is _AND_ACT):
                    return _SLIGHT  # what governs it is too far to be sure of, or no infinitive: "to the"
    return _LIKELY if _AND_NOUN_OR_ACT.search(text) else 0.0


def _unexplained(text: str, titled: Set[str]) -> Iterator[float]:
    """Yield a doubt for each thing that the line calls "the" so-and-so and says nothing else of."""
    for definite in _DEFINITE.finditer(text):
        words, after = _phrase(definite["rest"])
        told_how = after == "by" and words and words[-1].endswith("ed")
        if not words or told_how or _ONLY_ONE.match(words[0]):
            continue
        # "the LLM" tells as little as "the model", but "the Zebu model" which one it is
        if words[0].rstrip("s") not in _KNOWN and not all(map(str.islower, words[:2])):
            continue
        if after == "and" and _AND_OF.search(definite["rest"]):
            continue  # "the speed and range of stripes"
        before = text[: definite.start()]
        opens = not before or before.endswith((", ", "that "))
        stressed = opens or after in _FINITE_WORDS or (before.count(" ") == 1 and after != "and")
        acts = len(words) > 1 and words[1][-1] in "sd"
        known = _VAGUE | _WORKS if stressed else _VAGUE if acts else ()
        if len(words) > 1 and singular(words[0]) in known:
            words, after = words[:1], words[1]
        named = [word for word in stems(" ".join(words)) if word not in _SAYS_NOT_WHICH]
        said = {*stems(before)}
        unique = _ONE_OF_ITS_KIND.issuperset(named[-1:])
        if after not in _TELLS_WHICH and not unique and not any(word in said for word in named):
            early = before.rpartition("; ")[2].count(" ") < _EARLY
            yield (2.5 if early else 1.0) * _weight(named, after, titled, opens=opens, stressed=stressed)


def _phrase(rest: str) -> tuple[list[str], str]:
    """Return the words of a noun phrase, as far as its little words tell, and the word behind it."""
    words: list[str] = []
    for word in rest.split():
        if word in _ENDS_PHRASE or len(words) == _LONGEST_PHRASE or (words and word.endswith("ly")):
            return words, word
        words.append(word)
    return words, ""


def _weight(named: list[str], after: str, titled: Set[str], *, opens: bool, stressed: bool) -> float:
    vague = sum(word in _VAGUE for word in named)
    if not titled.isdisjoint({*named} - _VAGUE - _WORKS):
        return _FAINT * bool(vague)
    if named and named[-1] in titled:
        return _FAINT
    if vague:
        return GRAVE if len(named) == 1 and after != "and" else _SLIGHT
    if stressed and named and named[0] in _WORKS:
        return GRAVE
    return _LIKELY if opens else _SLIGHT
