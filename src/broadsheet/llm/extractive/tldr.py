"""Chooses a paper's TL;DR from the sentences of its abstract, without a model.

A whole sentence of the authors beats a clever splice: sentences are rewritten only so far that they stand
alone (`rewriting`), cut only where a clause surely ends, and joined only by a semicolon. The best within the
length limits wins; a good one introduces the work, covers what the title covers, and gives the main result.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from broadsheet.annotation import MAX_TLDR_CHARACTERS, MAX_TLDR_WORDS, MIN_TLDR_WORDS
from broadsheet.llm.extractive.naming import own_name
from broadsheet.llm.extractive.rewriting import AND_ACTS, Statement, capital, statements
from broadsheet.markup import plain
from broadsheet.quantities import numbers_in
from broadsheet.text import sentences, stems, word_count
from broadsheet.urls import find_urls

_MAX_SENTENCES = 40
_MAX_SENTENCE_CHARACTERS = 700
_IDEAL_WORDS = 26
_FEWEST_WORDS = 5

_PARENTHESIS = re.compile(r" \((?!i+\)|[a-d0-9]\))[^()]{1,120}\)")
_ENUMERATOR = re.compile(r"\((?:i{1,3}|iv|[a-d1-9])\)|\b[1-9]\) ")
# Where a sentence may end early: before a clause that adds to it, but is no condition and no contrast.
_CLAUSE = re.compile(
    r"; | [–—] |, (?:which|where|whereas|while|thereby|thus|hence|resulting in|leading to|such as"
    r"|including|e\.g\.|i\.e\.|as well as|and (?:it|they|thus|then|therefore|thereby)"
    r"|(?:accelerat|achiev|allow|boost|demonstrat|enabl|enhanc|ensur|facilitat|highlight|improv|mak|offer"
    r"|outperform|provid|reduc|show|surpass|yield)ing) "
)
# The same where something is introduced: before what tells how it is made.
_ADJUNCT = re.compile(
    r",? (?:(?:while|by|without) [a-z]+ing|using|leveraging|via|through|in order to|compared (?:to|with)"
    r"|so that|(?:that|which) (?:consists of|comprises|includes|contains)|consisting of|comprising) "
)
_SERIAL = re.compile(r", (?:then )?[a-z]+s ")  # "finds X, counts Y" cannot lose "and shows Z"
_PASSIVE_END = re.compile(r"\b(?:is|are|was|be|been) [a-z]+ed$")
_LIST = re.compile(r"^[^,]{0,40}, (?:and|or) ")
_VERB = re.compile(
    r" (?:is|are|was|were|can|has|have|do|does|will|may|(?:achieve|enable|exhibit|fail|improve|lead|offer"
    r"|outperform|perform|provide|reduce|remain|require|struggle|yield)s?) "
)
_CANNOT_STAND = re.compile(
    r"\b(?:[Ww]e|us|[Oo]urs?|I|my|[Tt]his (?:paper|work|study))\b|[\\${}^_=<>∈→]|\b(?:mathcal|mathbb)"
    r"|^(?:It|They|These|Those|Its|Their|That|There|Here|What|He|One|Another|Both|Such|While|Since|Although"
    r"|Though|And|But|So)\b|^[A-Z][a-z]+s (?:to [a-z]+ )?(?:it|this|them|these|their)\b"
    r"|^This (?![a-z]+ (?:survey|review))|: [Ff]irst\b"
    r"|(?:, (?:[a-z]+ly )?[a-z]+ed|\b(?:e\.g|i\.e|following|as follows|to [a-z]+ (?:it|them|this)"
    r"|is|are|the|of|that))$"
)
_POINTS_BACK = re.compile(
    r"\b(?:aforementioned|above-mentioned|the above|(?:this|these|those|such) (?:[a-z-]+ ){0,2}(?:approach"
    r"|assumption|challenge|end|finding|gap|goal|insight|issue|limitation|method|phenomenon|problem|question"
    r"|result|setting)s?)\b"
)
_HINTS_BACK = re.compile(
    r"\b(?:this|these|those|such(?! as)|the (?:two|three|first|second|former|latter|resulting|same|method)"
    r"|both|in turn|prior|they)\b"
)
_WEAK = re.compile(
    r"\b(?:effectiveness|extensive experiments|promising|superiority of|validate|code|step forward"
    r"|paves? the way|contributes? to|remains?|future|crucial|challenging"
    r"|(?:has|have) (?:become|been|achieved|attracted|shown|emerged))\b",
    re.IGNORECASE,
)
_RESULT = re.compile(
    r"\b(?:outperform|achiev|improv|surpass|reduc|state-of-the-art|faster|better|exceed|increas|boost)"
)
_OWN = re.compile(r"\b(?:[Ww]e|[Tt]his (?:paper|work|study|article|survey))\b")
_KIND = {"introduces": 5.0, "makes": 3.5, "claims": 3.5, "studies": 1.5, "details": 0.3, "states": 0.0}
_DATASET = re.compile(r"\b(?:benchmark|dataset|data set|corpus)\b")  # and no method that could "outperform"
_FIRST_HALF = {"introduces", "makes", "studies"}
_STOP = frozenset(
    """
        a an the of for and or in on with to by from is are be as at that this which we our its their it
        can via than into using based new novel method approach model
    """.split()  # noqa: SIM905 - easier to read than a list
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    text: str
    score: float


def summarise(title: str, abstract: str) -> str:
    """Return one plain sentence within the limits of a TL;DR, in the abstract's own words.

    It falls back on the title if no sentence of the abstract can stand alone.

    Raises:
        ValueError: Neither title nor abstract has a word.
    """
    title, abstract = plain(title), plain(abstract[: _MAX_SENTENCES * _MAX_SENTENCE_CHARACTERS])
    body = [sentence[:_MAX_SENTENCE_CHARACTERS] for sentence in sentences(abstract)[:_MAX_SENTENCES]]
    candidates = _candidates(title, [sentence for sentence in body if not find_urls(sentence)])
    best = max(candidates, key=lambda candidate: candidate.score, default=None)
    text = best.text if best else title if re.search(r"\w", title) else " ".join(body)
    if not text.strip(" ."):
        raise ValueError("A paper without a word in its title or abstract has no summary; skip it.")
    return _within_limits(text)


def _within_limits(text: str) -> str:
    """Return a text as a sentence, cut between words, or inside the first one, if it is too long."""
    words = text.rstrip(" .").split()[:MAX_TLDR_WORDS]
    while len(words) > 1 and not _fits(" ".join(words)):
        words.pop()
    longest = MAX_TLDR_CHARACTERS - 1 if _fits(words[0]) else MAX_TLDR_WORDS
    return " ".join(words)[:longest].rstrip(" .,;:") + "."


def _fits(text: str) -> bool:
    return word_count(text) <= MAX_TLDR_WORDS and len(text) < MAX_TLDR_CHARACTERS


def _candidates(title: str, body: Sequence[str]) -> Iterator[_Candidate]:
    name = own_name(title, " ".join(body))
    weigh = _Weights(title, body, name)
    forms = [(place, form) for place, sentence in enumerate(body) for form in statements(sentence, name)]
    additions = [
        (place, form.acts, text, weigh.addition(text, form))
        for place, form in forms
        if form.addition
        for text in _shortened(form.addition, form)
        if _stands(capital(text))
    ]
    for place, form in forms:
        for text in filter(_stands, _shortened(form.text, form)):
            score = weigh.statement(text, form, place)
            if _fits(text):
                yield _Candidate(text, score + weigh.length(text))
            if form.kind not in _FIRST_HALF or len(text.split()) < _FEWEST_WORDS:
                continue
            for later, acts, addition, worth in additions:
                misses = (acts and not form.acts) or (_DATASET.search(text) and addition.startswith("the "))
                if later > place and not misses and _fits(f"{text}; {addition}"):
                    joined = f"{text}; {_referring(addition, text, name)}"
                    yield _Candidate(joined, score + worth + weigh.length(joined))


def _referring(addition: str, text: str, name: str) -> str:
    """Say "it" for the name of what the first half introduces."""
    subject, _, rest = addition.partition(" ")
    if name and addition.startswith(f"{name} ") and name in text:
        return f"it {addition[len(name) + 1 :]}"
    return f"it {rest}" if text.lower().startswith(f"{subject} is ") else addition


def _stands(text: str) -> bool:
    listed = _ENUMERATOR.findall(text)
    unlisted = _ENUMERATOR.sub("", text)
    balanced = all(unlisted.count(opened) == unlisted.count(closed) for opened, closed in ("()", "[]", "“”"))
    # Of a list with one point, the others are cut off.
    return balanced and len(listed) != 1 and text.count('"') % 2 == 0 and not _CANNOT_STAND.search(text)


def _shortened(text: str, statement: Statement) -> Iterator[str]:
    """Yield a sentence whole, without parentheses, and cut before each clause that may go."""
    patterns = (_CLAUSE, AND_ACTS, *((_ADJUNCT,) if statement.kind in {"introduces", "makes"} else ()))
    yield text
    for form in dict.fromkeys((text, _PARENTHESIS.sub("", text))):
        if form != text:
            yield form
        verb = _VERB.search(form)
        start = statement.verb_end or (verb.end() if verb else len(form))
        colon = form.find(": ", start)
        stop = len(form) if colon < 0 else colon  # what follows a colon goes whole or not at all
        for pattern in patterns:
            for end in pattern.finditer(form, start, stop):
                kept = form[: end.start()].rstrip(" ,–—-")
                serial = pattern is AND_ACTS and _SERIAL.search(kept, start)
                if not (serial or _LIST.match(form[end.end() :]) or _PASSIVE_END.search(kept)):
                    yield kept


class _Weights:
    """Scores candidate summaries of one paper; the weights were tuned by eye and against ROUGE-L."""

    def __init__(self, title: str, body: Sequence[str], name: str) -> None:
        self.title = {stem for stem in stems(title) if stem not in _STOP}
        counts = Counter(stem for sentence in body for stem in set(stems(sentence)) if stem not in _STOP)
        self.central = {stem: count for stem, count in counts.items() if count >= 2}
        self.name = name
        own = (place for place, sentence in enumerate(body) if _OWN.search(sentence))
        self.introduced = next(own, 0)

    def statement(self, text: str, statement: Statement, place: int) -> float:
        words = {stem for stem in stems(text) if stem not in _STOP}
        score = _KIND[statement.kind]
        score += 2.3 * len(words & self.title) / max(1, len(self.title))
        score += 0.8 * sum(min(4, self.central.get(word, 0)) for word in words) / max(4, len(words))
        score += 1.5 if self.name and text.startswith(self.name) else 0.0
        score += 2.2 if numbers_in(text) else 0.0
        score -= 2.0 if statement.kind == "states" and not statement.verb_end else 0.0
        score -= 4.0 * len(_POINTS_BACK.findall(text)) + 0.8 * len(_HINTS_BACK.findall(text))
        score -= 1.8 * len(_WEAK.findall(text))
        # The first sentence about the paper's own work states the contribution; earlier ones are background.
        later = place - self.introduced
        return score + (0.5 if later == 0 else -0.5 * later if later > 0 else -3.5)

    def addition(self, text: str, statement: Statement) -> float:
        score = -0.9 if statement.acts else 0.5
        score += (3.0 if _RESULT.search(text) else 0.0) + (1.8 if numbers_in(text) else 0.0)
        score -= 1.8 * len(_WEAK.findall(text))
        return score - 4.0 * len(_POINTS_BACK.findall(text)) - 0.8 * len(_HINTS_BACK.findall(text))

    def length(self, text: str) -> float:
        words = len(text.split())
        return -0.08 * abs(words - _IDEAL_WORDS) - (
            6.0 + 0.3 * (MIN_TLDR_WORDS - words) if words < MIN_TLDR_WORDS else 0.0
        )
