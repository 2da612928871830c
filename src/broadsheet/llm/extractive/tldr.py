"""Writes a paper's TL;DR from the words of its abstract, without a model.

Each sentence of the abstract is rewritten to stand alone (`rewriting`) and shortened at clause boundaries
(`trimming`). Sentences that introduce the work are combined with sentences that give its results. The best
candidate within the length limits wins; a good one names the work, covers what the title covers, and gives
the main result.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from broadsheet.annotation import MAX_TLDR_CHARACTERS, MAX_TLDR_WORDS, MIN_TLDR_WORDS
from broadsheet.llm.extractive.anaphora import hints_back, points_back
from broadsheet.llm.extractive.naming import own_name
from broadsheet.llm.extractive.rewriting import Statement, statements
from broadsheet.llm.extractive.trimming import complete, cut, shortened
from broadsheet.markup import plain
from broadsheet.quantities import numbers_in
from broadsheet.text import sentences, stems
from broadsheet.urls import find_urls

_MAX_SENTENCES = 40
_MAX_SENTENCE_CHARACTERS = 700
_IDEAL_WORDS = 26

_REMNANT = re.compile(r"[\\${}^_]|[=<>∈→]|\b(?:mathcal|mathbb|Phi|Psi|varphi|varepsilon)")
_SECONDARY = re.compile(
    r"(?:Moreover|Furthermore|Additionally|In addition|Besides|Also|Finally|Lastly|Then|Second|We (?:also"
    r"|further|then))\b"
)
# Dropping "novel" from "a novel approach" leaves "a approach".
_ARTICLE = re.compile(r"\b([Aa]) (?=(?:[aeio](?!ne\b)|u[nmp](?!i))[a-z])")
_OWN_WORK = re.compile(
    r"\b(?:[Ww]e|[Tt]his (?:paper|work|study)|[Oo]ur)\b.{0,40}\b(?:propos|present|introduc|develop|stud|show"
    r"|prov|investigat|analy|explor|demonstrat|descri|devis|design|establish|revisit|argue|find|formul|examin|deriv"
    r"|build|creat|address|consider|tackl|extend|construct|evaluat|characteri)"
)
_LEFT_HANGING = re.compile(
    r"\bin this (?:more|setting|scenario|case)\b|^\w+ing (?:or|and) (?:is|are)\b"
    r"|ing that by [^,]*$|\ba \w+ and \w+(?:point|ment)$"
)
_CANNOT_STAND = re.compile(
    r"\b(?:[Ww]e|us|[Oo]urs?)\b|^(?:It|They|This|These|Those|To)\b|, and that |^\w+s (?:it|them|this|these)\b"
)
_ENUMERATOR = re.compile(r" ?\((?:i{1,3}|iv|v|\d|[a-d])\)| \d\)(?= )")
_WEAK = re.compile(
    r"\b(?:effectiveness|extensive experiments|promising|superiority of|validate|code|demonstrates? the"
    r"|comprehensive|open problem|remain|future"
    r"|has (?:become|been|achieved|attracted|shown)|have (?:become|been|achieved|attracted|shown))\b",
    re.IGNORECASE,
)
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
    """Return a plain sentence of 15 to 30 words, at most 220 characters, made of the abstract's own words.

    It is shorter if the text has too little content, and falls back on the title.

    Raises:
        ValueError: Neither title nor abstract has a word.
    """
    title, abstract = plain(title), plain(abstract[: _MAX_SENTENCES * _MAX_SENTENCE_CHARACTERS])
    name = own_name(title, abstract)
    body = [sentence[:_MAX_SENTENCE_CHARACTERS] for sentence in sentences(abstract)[:_MAX_SENTENCES]]
    body = [sentence for sentence in body if not find_urls(sentence)]
    # An "an" for an "a" is a letter more than was measured while the candidate was trimmed.
    fitting = (
        each for each in _candidates(title, body, name) if len(_finished(each.text)) <= MAX_TLDR_CHARACTERS
    )
    best = max(fitting, key=lambda candidate: candidate.score, default=None)
    return _finished(best.text if best else _from_title(title, body))


def _finished(text: str) -> str:
    if len(_ENUMERATOR.findall(text)) == 1:  # the other points of the enumeration were cut off
        text = _ENUMERATOR.sub("", text)
    return _ARTICLE.sub(r"\1n ", text).rstrip(".") + "."


def _candidates(title: str, body: Sequence[str], name: str) -> Iterator[_Candidate]:
    weigh = _Weights(title, body, name)
    secondary = {place for place, sentence in enumerate(body) if _SECONDARY.match(sentence)}
    forms = [
        (place, statement)
        for place, sentence in enumerate(body)
        for statement in statements(sentence, name)
        if not _REMNANT.search(statement.text)
    ]
    tails = [
        (place, tuple(shortened(statement.tail, MAX_TLDR_WORDS, MAX_TLDR_CHARACTERS)))
        for place, statement in forms
        if statement.tail
    ]
    for place, statement in forms:
        for text in itertools.islice(shortened(statement.text, MAX_TLDR_WORDS, MAX_TLDR_CHARACTERS), 12):
            if _CANNOT_STAND.search(text) or not complete(text):
                continue
            score = weigh.statement(text, statement, place) - (place in secondary)
            if len(text.split()) >= MIN_TLDR_WORDS:
                yield _Candidate(text, score + weigh.length(text))
            elif title and MIN_TLDR_WORDS <= len(f"{title} {text}".split()) <= MAX_TLDR_WORDS:
                # Too short on its own; prepend the title, as a last resort.
                entitled = f"{title.rstrip('.')}: {text}"
                if len(entitled) < MAX_TLDR_CHARACTERS:
                    yield _Candidate(entitled, score - 8.0)
            if statement.own or statement.kind != "states":
                for ending in _endings(text, [ends for later, ends in tails if later > place]):
                    if _CANNOT_STAND.search(ending) or _LEFT_HANGING.search(ending):
                        continue
                    if not complete(f"It is {ending}"):
                        continue
                    joined = f"{text}, {ending}"
                    yield _Candidate(joined, score + weigh.result(ending) + weigh.length(joined))


def _endings(text: str, tails: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield, for each result, its longest form that fits after `text`."""
    words, characters = len(text.split()), len(text)
    for forms in tails:
        for ending in forms:
            total = words + len(ending.split())
            if (
                MIN_TLDR_WORDS <= total <= MAX_TLDR_WORDS
                and characters + len(ending) + 3 <= MAX_TLDR_CHARACTERS
            ):
                if len(ending.split()) >= 4:
                    yield ending
                break


def _from_title(title: str, body: Sequence[str]) -> str:
    """Return a summary made from the title and the start of the abstract, as no sentence stands alone.

    Raises:
        ValueError: Neither title nor abstract has a word.
    """
    text = " ".join(
        word
        for word in " ".join([f"{title}:" if title and body else title, *body]).split()
        if len(word) <= 60
    )
    if not (text.strip(" :.") or title or body):
        raise ValueError("A paper without a word in its title or abstract has no summary; skip it.")
    text = _ARTICLE.sub(r"\1n ", text.rstrip(" .:") or (title or body[0])[:80])
    return cut(text, MAX_TLDR_WORDS, MAX_TLDR_CHARACTERS).rstrip(".")


class _Weights:
    """Scores candidate summaries of one paper; the weights were tuned by eye and against ROUGE-L."""

    def __init__(self, title: str, body: Sequence[str], name: str) -> None:
        self.title = {stem for stem in stems(title) if stem not in _STOP}
        counts = Counter(stem for sentence in body for stem in set(stems(sentence)) if stem not in _STOP)
        self.central = {stem: count for stem, count in counts.items() if count >= 2}
        self.name = name
        own = (place for place, sentence in enumerate(body) if _is_own(sentence, name))
        self.introduced = next(own, None)
        self.sentences = max(1, len(body))

    def statement(self, text: str, statement: Statement, place: int) -> float:
        words = {stem for stem in stems(text) if stem not in _STOP}
        score = {"introduces": 3.0, "claims": 1.5, "states": 0.0}[statement.kind]
        score += 2.5 * len(words & self.title) / max(1, len(self.title))
        score += 0.3 * sum(min(4, self.central.get(word, 0)) for word in words) / max(4, len(words)) * 4
        score += 2.0 if self.name and text.startswith(self.name) else 0.0
        score += 0.7 if numbers_in(text) else 0.0
        score -= 5.0 * points_back(text) + 0.8 * hints_back(text)
        score -= 1.0 * len(_WEAK.findall(text))
        if self.introduced is not None:
            # The first sentence about the paper's own work states the contribution; earlier ones are
            # background, later ones detail.
            later = place - self.introduced
            score += 1.5 if later == 0 else -0.3 * later if later > 0 else -3.0
        if statement.kind == "states" and not statement.own:
            score -= 2.0 * (1 - place / self.sentences)  # abstracts open with common knowledge
        return score

    def result(self, ending: str) -> float:
        score = 1.6 + (1.5 if numbers_in(ending) else 0.0) - 1.0 * len(_WEAK.findall(ending))
        return score - 5.0 * points_back(ending[:1].upper() + ending[1:]) - 0.8 * hints_back(ending)

    def length(self, text: str) -> float:
        return -0.1 * abs(len(text.split()) - _IDEAL_WORDS)


def _is_own(sentence: str, name: str) -> bool:
    return bool(_OWN_WORK.search(sentence)) or bool(name and sentence.startswith(name))
