"""Chooses a paper's TL;DR from the sentences of its abstract, without a model.

A whole sentence of the authors beats a clever splice: sentences are rewritten only so far that they stand
alone (`rewriting`), cut only where a clause surely ends, and joined only by a semicolon (`joining`). The best
within the length limits wins; a good one introduces the work, says what the title does not, and gives the
main result.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from broadsheet.annotation import MAX_TLDR_CHARACTERS, MAX_TLDR_WORDS, MIN_TLDR_WORDS
from broadsheet.llm.extractive.doubts import abbreviations, doubts, uninflected
from broadsheet.llm.extractive.joining import RESULT, Addition, Half, joined, may_be_followed
from broadsheet.llm.extractive.naming import own_name, place_of
from broadsheet.llm.extractive.openings import capital
from broadsheet.llm.extractive.pointers import without_links
from broadsheet.llm.extractive.rewriting import Statement, is_past, statements
from broadsheet.llm.extractive.standing import stands
from broadsheet.llm.extractive.trimming import SURE, Cut, shortened
from broadsheet.llm.extractive.verbs import TELLS_THE_WORK, Kind
from broadsheet.markup import plain
from broadsheet.quantities import numbers_in
from broadsheet.text import sentences, stems, word_count
from broadsheet.urls import find_urls

_MAX_SENTENCES = 40
_MAX_SENTENCE_CHARACTERS = 700
_IDEAL_WORDS = 26
_FEWEST_WORDS = 5
_STOP_IN_QUOTES = re.compile(r"[.,]([\"”’])$")
_SHORT_TITLE = 3
_ACRONYM = re.compile(r"[A-Z][\w+-]*[A-Z0-9+]")
_INDEFINITE = re.compile(r"\b[Aa]n?(?: [a-z-]+){0,3} $")  # "a novel stripe filter (SF)" is no "novel SF"
_TITLE_SCORE = 0.0
"""A title tells what a paper is about, and is read already; what is doubtful tells less."""
# A space is lost before a parenthesis, behind a comma, or between two sentences, or a comment of TeX is left.
_UNSPACED = re.compile(
    r"(?<=[a-z]{3})(?=\([A-Z][\w-]+\))|(?<=[a-z]{2},)(?=[a-z]{2})|(?<=[a-z)]{2}\.)(?=[A-Z][a-z]+,? [a-z])"
    r"|(?<=[a-z)]\.)% ?(?=[A-Z])|(?<=[a-z]) %(?=[a-z])"
)

_OWN = re.compile(
    r"\b(?:[Ww]e(?! (?:also|further)\b)|[Tt]h(?:is|e present) (?:paper|work|study|article|survey|letter"
    r"|project|report|research|review|thesis)|[Tt]he article"
    r"|(?:[Oo]ur|[Tt]he proposed) (?:(?:new|novel|proposed) )?(?:algorithm|analysis|approach"
    r"|experiments|findings|framework|method|model|results|study|system|work)"
    r"|^(?:An?|In this|New|Novel|Our|The|This|Three|Two)\b.* (?:is|are) (?:proposed|introduced|presented))\b"
)
_KIND = {"introduces": 8.0, "makes": 7.3, "claims": 3.5, "studies": 4.5, "details": 0.3, "states": 0.0}
_DEFINITE = re.compile(r"(?:The|Both|All|Each|Experiments|Results|Extensive) (?!first )")
_FURTHER = re.compile(
    r"^(?:first|one)\b|\b(?:also|additionally|further|furthermore|moreover|besides|in addition|finally|lastly"
    r"|second(?:ly)?)\b",
)
_DOUBTED = 1.5
"""What a doubt weighs beside what a line says."""
_NEWS, _MOST_NEWS = 1.5, 14
"""What a word is worth that the title does not have, and how many such words are enough."""
_UNKNOWN = 3.0
"""What it costs that a line speaks of a thing by a name that neither the title nor the line explains."""
_OTHERS = 8.0
"""What it costs that a statement speaks neither of the authors nor of what they made."""
_BACKGROUND = -40.0
"""What stands before the work is spoken of tells less of it than its title does."""
_SECOND = 1.0
"""What a second half is worth beside its words: half of a line said of another thing tells more."""
_SKIPPED = 0.25
"""What each sentence costs that stands between what was done and what was done besides."""
_ADJUNCT_CUT = 1.5
"""What it costs that what is said before the subject is left out: "Using two cameras, Zebu counts"."""
_OPENING = 70
_FIRST = re.compile(r"(?:First|Firstly|One|Initially|Step)\b|(?:We|I) (?:first|start|begin)\b")
_IT = re.compile(r"^(?:It|This(?= [a-z]+ )|While)(?= )")
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
    title = plain(title)
    abstract = _UNSPACED.sub(" ", plain(abstract[: _MAX_SENTENCES * _MAX_SENTENCE_CHARACTERS]))
    body = [sentence[:_MAX_SENTENCE_CHARACTERS] for sentence in sentences(abstract)[:_MAX_SENTENCES]]
    body = [_without_title(without_links(sentence), title) for sentence in body]
    candidates = _candidates(title, [sentence for sentence in body if not find_urls(sentence)])
    best = _surest(candidates, title, abbreviations(abstract, title))
    text = best or (title if re.search(r"\w", title) else " ".join(body))
    if not text.strip(" ."):
        raise ValueError("A paper without a word in its title or abstract has no summary; skip it.")
    return _within_limits(text)


def _surest(candidates: Iterable[_Candidate], title: str, abbreviated: Set[str]) -> str:
    """Return the best candidate's text, doubts weighed in, or nothing if the title is the better line."""
    tells = len(title.split()) > _SHORT_TITLE + 1 and title[-1].isalnum() and stands(title)
    best, text = _TITLE_SCORE if tells else -math.inf, ""
    titled = {*stems(title)}
    for candidate in sorted(candidates, key=lambda candidate: -candidate.score):
        if candidate.score <= best:
            break  # doubts only take away
        score = candidate.score - _DOUBTED * doubts(candidate.text, titled, abbreviated)
        if score > best:
            best, text = score, candidate.text
    return text


def _without_title(sentence: str, title: str) -> str:
    """Leave a name without the whole title that stands beside it."""
    name, colon, rest = (part.strip() for part in title.partition(":"))
    full = rest or name
    described = full.lower().startswith(("a ", "an "))  # "Zebu, a filter of stripes": not what it is called
    if described or len(full.split()) <= _SHORT_TITLE or full.lower() not in sentence.lower():
        return sentence
    spelt = re.escape(full)
    acronym = re.escape(name) if colon else rf"(?-i:{re.escape(full[0].upper())}[\w+-]*[A-Z0-9+])"
    if colon and rest:
        named = rf"(?i)(?<!\w)({re.escape(name)})(?:: {spelt}| \({spelt}\))(?!\w)(?: \([\w+-]+\))?"
        shorter = re.sub(named, r"\1", sentence)
        sentence = shorter if len(shorter.split()) > _FEWEST_WORDS + 1 else sentence
    found = re.search(rf"(?i)(?<!\w){spelt},? \(({acronym})\)", sentence)
    if not found or not _ACRONYM.fullmatch(found[1]) or _INDEFINITE.search(sentence[: found.start()]):
        return sentence
    return f"{sentence[: found.start()]}{found[1]}{sentence[found.end() :]}"


def _within_limits(text: str) -> str:
    """Return a text as a sentence, cut between words, or inside the first one, if it is too long."""
    words = text.rstrip(" .").split()[:MAX_TLDR_WORDS]
    while len(words) > 1 and not _fits(" ".join(words)):
        words.pop()
    longest = MAX_TLDR_CHARACTERS - 1 if _fits(words[0]) else MAX_TLDR_WORDS
    line = " ".join(words)[:longest].rstrip(" .,;:")
    return _STOP_IN_QUOTES.sub(r"\1", line) + "."


def _fits(text: str) -> bool:
    return word_count(text) <= MAX_TLDR_WORDS and len(text) < MAX_TLDR_CHARACTERS


def _candidates(title: str, body: Sequence[str]) -> Iterator[_Candidate]:
    name = own_name(title, " ".join(body))
    weigh = _Weights(title, body, name)
    forms = [(place, form) for place, sentence in enumerate(body) for form in statements(sentence, name)]
    additions = list(_additions(forms, weigh))
    for place, form in forms:
        for cut in shortened(form.text, form):
            if not stands(cut.text):
                continue
            score = weigh.statement(cut, form, place)
            if _fits(cut.text) and not form.is_half:
                yield _Candidate(cut.text, score + weigh.length(cut.text))
            half = Half(cut, form, place)
            if may_be_followed(half):
                for addition in additions:
                    both = joined(half, addition, name, title)
                    if both and _fits(both):
                        worth = weigh.worth(addition, half)
                        yield _Candidate(both, score + worth + weigh.length(both))


def _additions(forms: Iterable[tuple[int, Statement]], weigh: _Weights) -> Iterator[Addition]:
    """Yield what may follow a sentence: said of something that it named, and surely grammatical."""
    for place, form in forms:
        for cut in shortened(form.addition, form) if form.addition else ():
            alone = _IT.sub("Zebu", capital(cut.text))
            if cut.cost <= SURE and stands(alone) and not uninflected(alone):
                is_step = _FIRST.match(weigh.body[place]) is not None
                worth = weigh.addition(cut, form)
                yield Addition(place, form.kind, cut.text, worth, form.acts, is_step=is_step)


class _Weights:
    """Scores candidate summaries of one paper; the weights were tuned by eye and against ROUGE-L."""

    def __init__(self, title: str, body: Sequence[str], name: str) -> None:
        self.body = body
        self.title = {stem for stem in stems(title) if stem not in _STOP}
        counts = Counter(stem for sentence in body for stem in set(stems(sentence)) if stem not in _STOP)
        self.central = {stem: count for stem, count in counts.items() if count >= 2}
        self.name = name
        self.is_titled = place_of(name, title) >= 0 if name else False
        own = [
            place for place, sentence in enumerate(body) if _OWN.search(sentence) and not is_past(sentence)
        ]
        named = {place: place_of(name, sentence) for place, sentence in enumerate(body)} if name else {}
        opened = [place for place, start in named.items() if start == 0]
        self.introduced = min([*own[:1], *opened[:1]], default=0)
        self.own = {*own, *(place for place, start in named.items() if start >= 0)}

    def statement(self, cut: Cut, statement: Statement, place: int) -> float:
        text = cut.text
        words = {stem for stem in stems(text) if stem not in _STOP}
        score = _KIND[statement.kind] - cut.cost
        score -= _OTHERS if statement.kind == "states" and self.own and place not in self.own else 0.0
        score += 2.3 * len(words & self.title) / max(1, len(self.title))
        score += 0.8 * sum(min(4, self.central.get(word, 0)) for word in words) / max(4, len(words))
        if self.name and (start := place_of(self.name, text)) >= 0:
            score += 1.5 if start <= len("The ") else 1.0
            score -= 0.0 if self.is_titled or statement.kind in TELLS_THE_WORK else _UNKNOWN
        score += 2.2 if numbers_in(text) else 0.0
        score -= 2.0 if statement.kind == "states" and not statement.verb_end else 0.0
        score -= 1.5 if statement.kind == "claims" and statement.verb_end else 0.0  # says not what it is
        named = bool(self.name) and text.startswith(f"The {self.name}")
        unnamed = _DEFINITE.match(text) and not named and statement.kind not in TELLS_THE_WORK
        score -= 4.0 if unnamed else 0.0
        score -= 1.5 if _FURTHER.search(self.body[place][:_OPENING].lower()) else 0.0
        return score + self._place(place, statement.kind)

    def _place(self, place: int, kind: Kind) -> float:
        """Weigh where it stands: the first sentence on the own work says what is new, not those before."""
        later = place - self.introduced
        if later < 0:
            return _BACKGROUND if kind == "states" else -3.5
        return -min(0.8 * later, 4.0) if later else 0.5

    def addition(self, cut: Cut, statement: Statement) -> float:
        score = _SECOND + (1.5 if RESULT.search(cut.text) else 0.0) + (1.8 if numbers_in(cut.text) else 0.0)
        return score - cut.cost - (0.0 if statement.text else _ADJUNCT_CUT)

    def worth(self, addition: Addition, half: Half) -> float:
        """Weigh a second half where it stands: what was done besides is worth less, the further it is."""
        return addition.worth - _SKIPPED * (addition.place - half.place - 1) * addition.acts

    def length(self, text: str) -> float:
        words = len(text.split())
        missing = max(0, MIN_TLDR_WORDS - words)
        news = len({*stems(text)} - self.title - _STOP)
        return (
            _NEWS * min(news, _MOST_NEWS)
            - 0.08 * abs(words - _IDEAL_WORDS)
            - 0.5 * missing
            - (1.0 if missing else 0.0)
            - 1.2 * max(0, missing - 5)
        )
