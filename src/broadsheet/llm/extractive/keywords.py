"""Picks keyphrases from a paper's title and abstract that a reader would search for.

The text is split into noun phrases at stop words and punctuation. A phrase's weight grows with its frequency;
it is higher in the title or with an acronym, and lower if it starts or ends with a word common to all papers.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from broadsheet.markup import plain
from broadsheet.text import singular, stands_in
from broadsheet.urls import find_urls

_MAX_CHARACTERS = 8000
_MAX_WORDS = 4
_MAX_PHRASE_CHARACTERS = 60

_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_STOP, _INSIDE = frozenset(_WORDS["stop"].split()), frozenset(_WORDS["inside"].split())
_TOKEN = re.compile(r"[A-Za-z0-9α-ωΑ-Ω][\w+*]*(?:[-–/'’.][A-Za-z0-9][\w+*]*)*|[^\w\s]")
_ACRONYM = re.compile(r"\(([A-Z][\w-]{1,12})s?\)")
_NAME_SHAPED = re.compile(r"[A-Z].*[A-Z0-9]|[a-z].*[A-Z]|\w+-\w+")
_BARE_NUMBER = re.compile(r"[\d.,%x×]+")


def keyphrases(title: str, abstract: str, n: int = 6) -> tuple[str, ...]:
    """Return up to `n` lower-case phrases of 1 to 4 words, highest weight first.

    The result is empty only if neither title nor abstract has a word.
    """
    title, body = plain(title[:_MAX_CHARACTERS]), _without_urls(plain(abstract[:_MAX_CHARACTERS]))
    weights = _weights(title, body)
    chosen: list[str] = []
    for phrase in sorted(weights, key=lambda phrase: (-weights[phrase], phrase)):
        if len(chosen) == n:
            break
        if not any(_overlaps(phrase, other) for other in chosen) and stands_in(phrase, f"{title}\n{body}"):
            chosen.append(phrase)
    return tuple(chosen) or _any_words(title, body, n)


def _without_urls(text: str) -> str:
    for url in reversed(find_urls(text)):
        text = text[: url.start] + " . " + text[url.end :]
    return text


def _weights(title: str, body: str) -> dict[str, float]:
    counts: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    shown: dict[str, str] = {}
    named: set[str] = set()
    in_title = set()
    for text in (title, body):
        for chunk in _chunks(text):
            for length in range(1, min(_MAX_WORDS, len(chunk)) + 1):
                for first in range(len(chunk) - length + 1):
                    words = chunk[first : first + length]
                    if not _can_stand(words):
                        continue
                    phrase = " ".join(words)
                    key = " ".join(singular(word.lower()) for word in words)
                    counts[key] += 1
                    whole[key] += length == len(chunk)
                    shown.setdefault(key, phrase.lower())
                    if text is title:
                        in_title.add(key)
                    if length == 1 and _NAME_SHAPED.match(phrase):
                        named.add(key)
    # "causal isotonic", if it occurs only in "causal isotonic calibration", is a fragment.
    pieces = {
        " ".join(piece)
        for key, count in counts.items()
        for piece in (key.split()[:-1], key.split()[1:])
        if piece and counts[" ".join(piece)] <= count
    }
    expanded = {key for key in counts if _is_expanded(shown[key], body)}
    weights = {}
    for key, count in counts.items():
        words = key.split()
        weight = min(count, 5) ** 0.7 * {1: 0.55, 2: 1.35, 3: 1.3, 4: 0.7}[len(words)]
        weight *= 1.0 + 1.1 * (key in in_title) + 1.0 * (key in expanded) + 1.0 * min(2, whole[key]) / 2
        weight *= 0.25 if key in pieces else 1.0
        weight *= 1.5 if key in named else 1.0
        weight *= 0.6 if any(word in _STOP for word in (words[0], words[-1])) else 1.0
        weights[shown[key]] = weight
    return weights


def _chunks(text: str) -> Iterator[list[str]]:
    """Yield the runs of words between stop words and punctuation; words in `_INSIDE` do not end a run."""
    chunk: list[str] = []
    for token in _TOKEN.findall(text):
        word = token.lower()
        if (
            token[0].isalnum()
            and len(token) <= _MAX_PHRASE_CHARACTERS
            and (word not in _STOP or word in _INSIDE)
        ):
            chunk.append(token.removesuffix("'s").removesuffix("’s"))
        elif chunk:
            yield chunk[:40]
            chunk = []
    if chunk:
        yield chunk[:40]


def _can_stand(words: list[str]) -> bool:
    phrase = " ".join(words)
    if (
        len(phrase) > _MAX_PHRASE_CHARACTERS
        or _BARE_NUMBER.fullmatch(words[0])
        or _BARE_NUMBER.fullmatch(words[-1])
    ):
        return False
    if len(words) == 1:
        return words[0].lower() not in _INSIDE and len(words[0]) > 2 and not words[0].lower().endswith("ly")
    return not words[-1].lower().endswith("ly") and len(set(words)) == len(words)


def _is_expanded(phrase: str, body: str) -> bool:
    """Tell whether the text introduces an acronym for the phrase: "direct feedback alignment (DFA)"."""
    place = body.lower().find(phrase + " (")
    return place >= 0 and _ACRONYM.match(body, place + len(phrase) + 1) is not None


def _overlaps(phrase: str, other: str) -> bool:
    one, two = set(re.split(r"[ -]", phrase)), set(re.split(r"[ -]", other))
    return one <= two or two <= one or len(one & two) >= 2


def _any_words(title: str, body: str, n: int) -> tuple[str, ...]:
    words = [
        word.lower()
        for word in re.findall(r"[^\W\d_][\w-]{2,}", f"{title} {body}"[:2000])
        if len(word) <= _MAX_PHRASE_CHARACTERS
    ]
    return tuple(dict.fromkeys(words))[:n]
