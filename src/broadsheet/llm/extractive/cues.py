"""Finds the tags' cue phrases in a paper, and says where each one stands.

The cues of a tag are strings of the grammar ``phrase {"," phrase} ["^" weight]``:

- ``"machine translation, question answering"``: phrases that speak for the tag with full weight, 1.
- ``"bleu, corpus ^0.4"``: phrases that only hint at it.
- ``"scene text ^0"``: not the tag's, although it contains ``text``, which is. Of one tag's phrases the
  longest that stands at a place is the one that counts, so such a phrase hides the shorter ones in it.
- ``"distribution shift ^-0.1"``: speaks against the tag.
- ``"crowdsourc*"``: a single word may end in a star, for every word that begins so.

Letter case, hyphens, plurals and British or American spelling make no difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from broadsheet.errors import ConfigError
from broadsheet.taxonomy import Tag

TITLE, OWN, FIRST, LAST, BODY = ZONES = range(5)
"""Where words stand: the title; a sentence on what the paper does; the abstract's first; its last; others."""

MAX_CHARACTERS = 20_000
"""No more of an abstract is read: the longest real ones are a tenth of this."""

_WORD = re.compile(r"[^\W_]+|\?")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9])")
_OWN = re.compile(
    r"\b(?:we|our)\b.{0,40}\b(?:propos|introduc|present|develop|study|show|prove|design|investigat|explor|provid|"
    r"analy[sz]e|establish|deriv|demonstrat|describ)|"
    r"\bthis (?:paper|work|article)\b|\b(?:called|named|dubbed|termed)\b",
    re.IGNORECASE,
)
_SPELLINGS = (
    ("isation", "ization"),
    ("ised", "ized"),
    ("ising", "izing"),
    ("iser", "izer"),
    ("ise", "ize"),
    ("our", "or"),
)


_Phrase = tuple[tuple[str, ...], tuple[str, ...], Mapping[int, float]]
"""The words to find, the phrase as the cue has it, and its weight for each tag."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A cue phrase that stands in a paper.

    Attributes:
        weight: What the phrase says of the tag; negative where it speaks against it.
        counts: How often it stands in each zone, in the order of ``ZONES``.
    """

    weight: float
    counts: list[int] = field(default_factory=lambda: [0] * len(ZONES))


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """The singular, American form of a lower-case English word, as far as its ending tells.

    The form need be no word (``supervised`` becomes ``supervized``): papers and cues meet in it alone.
    """
    if len(word) > 3:
        if word.endswith("ies") and len(word) > 4:
            word = word[:-3] + "y"
        elif word.endswith(("sses", "xes", "ches", "shes")):
            word = word[:-2]
        elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
            word = word[:-1]
    if len(word) > 6:
        for british, american in _SPELLINGS:
            if word.endswith(british):
                return word[: -len(british)] + american
    return word


def words(text: str) -> list[str]:
    """The words of a text as cues are compared with them; a question mark is a word of its own."""
    return [stem(word) for word in _WORD.findall(text.lower().replace("'s", ""))]


def parse_cue(cue: str) -> Iterator[tuple[tuple[str, ...], float]]:
    """Yield the phrases of a cue and their weight; a prefix keeps its star.

    Raises:
        ConfigError: The weight is no number, or a star stands anywhere but at the end of a single word.
    """
    phrases, caret, weight = cue.partition("^")
    try:
        value = float(weight) if caret else 1.0
    except ValueError:
        raise ConfigError(
            f"The taxonomy's cue {cue[-40:]!r} ends in no weight; write a number after ^, such as ^0.4."
        ) from None
    for phrase in phrases.split(","):
        found = tuple(words(phrase))
        if "*" in phrase:
            if len(found) != 1 or not phrase.rstrip().endswith("*"):
                raise ConfigError(
                    f"The taxonomy's cue {phrase.strip()!r} may have a star only at the end of a single word."
                )
            found = (f"{found[0]}*",)
        if found:
            yield found, value


class CueIndex:
    """The cues of several tags, ready to be found in text."""

    def __init__(self, cues: Sequence[Sequence[str]]) -> None:
        """Index the cues of each tag.

        Raises:
            ConfigError: A cue is malformed.
        """
        self._tags = len(cues)
        phrases: dict[tuple[str, ...], dict[int, float]] = {}
        self._prefixes: dict[str, dict[int, float]] = {}
        self._beginning: dict[str, list[_Phrase]] = {}
        self._begun_by = lru_cache(maxsize=1 << 14)(self._phrases_begun_by)
        for tag, own in enumerate(cues):
            for cue in own:
                for phrase, weight in parse_cue(cue):
                    if phrase[0].endswith("*"):
                        self._prefixes.setdefault(phrase[0][:-1], {})[tag] = weight
                    else:
                        phrases.setdefault(phrase, {})[tag] = weight
        for phrase in sorted(phrases, key=len, reverse=True):
            self._beginning.setdefault(phrase[0], []).append((phrase, phrase, phrases[phrase]))

    def hits(self, title: str, abstract: str) -> list[list[Hit]]:
        """The phrases of each tag that stand in a paper, in the order of the tags."""
        found: list[dict[tuple[str, ...], Hit]] = [{} for _ in range(self._tags)]
        for zone, text in _words_by_zone(title, abstract):
            for tag, phrase, weight in self._find(text):
                hit = found[tag].get(phrase)
                if hit is None:
                    hit = found[tag][phrase] = Hit(weight)
                hit.counts[zone] += 1
        return [list(hits.values()) for hits in found]

    def _find(self, text: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...], float]]:
        ends = [0] * self._tags
        for start, first in enumerate(text):
            for phrase, shown, tags in self._begun_by(first):
                end = start + len(phrase)
                if text[start:end] == phrase:
                    for tag, weight in tags.items():
                        if ends[tag] < end:
                            ends[tag] = end
                            yield tag, shown, weight

    def _phrases_begun_by(self, word: str) -> tuple[_Phrase, ...]:
        """Return the phrases that may begin with a word, the longest first, and the prefixes that it has."""
        prefixes = (prefix for prefix in self._prefixes if word.startswith(prefix))
        starred = (((word,), (f"{prefix}*",), self._prefixes[prefix]) for prefix in prefixes)
        return (*self._beginning.get(word, ()), *starred)


@lru_cache(maxsize=4)
def _words_by_zone(title: str, abstract: str) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """Return the words of a paper by zone; kept, because the cues of each facet are looked for in turn."""
    return tuple((zone, tuple(words(text))) for zone, text in _zones(title, abstract))


def _zones(title: str, abstract: str) -> Iterator[tuple[int, str]]:
    yield TITLE, title[:MAX_CHARACTERS]
    sentences = _SENTENCE_END.split(abstract[:MAX_CHARACTERS].strip())
    for place, sentence in enumerate(sentences):
        if place == 0:
            yield FIRST, sentence
        elif _OWN.search(sentence):
            yield OWN, sentence
        else:
            yield (LAST if place == len(sentences) - 1 else BODY), sentence


@lru_cache(maxsize=8)
def index_of(cues: tuple[tuple[str, ...], ...]) -> CueIndex:
    """The index of some tags' cues, built once.

    Raises:
        ConfigError: A cue is malformed.
    """
    return CueIndex(cues)


def cues_with_definition(tag: Tag, cues: Sequence[str]) -> tuple[str, ...]:
    """A tag's cues, and hints from its id and definition: what there is to go by for a tag never fitted."""
    definition = re.sub(r"[;:.()^*]|\b(?:and|or)\b", ",", tag.definition)
    return (f"{definition} ^0.4", tag.id.replace("-", " "), *cues)
