"""Shortens a sentence at the seams between its clauses, so that what is left is still a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ASIDES = (
    re.compile(r"\s\((?!i+\)|[a-d0-9]\))[^()]{1,120}\)"),
    re.compile(r",? (?:e\.g\.|i\.e\.|such as|for example|for instance|including)[, ][^;]{3,160}?(?=, (?:which|while|and [a-z]+s )|;|$)"),
    re.compile(r" – [^–]{3,120} –(?= )"),
    re.compile(r" — [^—]{3,120} —(?= )"),
    re.compile(r", (?:however|therefore|thus|respectively|in turn|in general|in practice|to our knowledge|to the best of our knowledge|in this (?:paper|work)),?"),
    re.compile(r"\b(?:novel|simple yet effective|simple but effective|very|extremely|significantly|remarkably|consistently|substantially) "),
)
# Where a sentence may stop, what is behind being dropped; the stronger seams come first.
_SEAM = re.compile(
    r"; | – | — |: |, (?:which|while|where|whereas|but|and|so|thus|thereby|hence|yielding|leading|resulting|making|enabling|allowing|with|without|by|as|such|including|compared|even|especially|particularly|or|for|in|on|using|when|under|despite|although|since|because|that|i\.e\.|unlike|rather|showing|demonstrating|[a-z]{3,14}ing)\b"
    r"| (?=(?:while|whereas|without|compared|when|where|which|because|although|so that|such that|in order to|thereby|by [a-z]+ing|via|through|using|based on|under|across|as well as|and (?:thus|therefore|thereby|achieves|outperforms|improves|shows|proves))\b)"
)
_LAST_RESORT = re.compile(r" (?=(?:and|or|with|for|in|on|from|to|of|by|at|that|over|between|among|as|than)\b)")
_OPEN_END = re.compile(
    r"(?:[,;:–—(]|\b(?:and|or|but|with|for|in|on|from|to|of|by|at|that|which|the|a|an|is|are|as|than|its|their|while|where|when|i\.e\.|e\.g\.|both|between|such|not|only|also|via|using|these|this|be|can|has|have|into|more|most|without|how|whether|if|each|either|new|novel|no|first|two|three|several|many|various|different|some|any|all))$",
    re.IGNORECASE,
)


def shortened(sentence: str, max_words: int, max_characters: int) -> Iterator[str]:
    """Yields shorter forms of a sentence without its full stop, the longest first, each within the limits.

    Asides go first, then clauses from the end. Nothing is yielded whose brackets or quotes do not close.
    """
    seen = set()
    for form in _without_asides(sentence):
        for piece in _stopped_earlier(form):
            piece = closed(piece)
            if piece not in seen and len(piece.split()) <= max_words and len(piece) < max_characters and balanced(piece):
                seen.add(piece)
                yield piece


def closed(text: str) -> str:
    """Takes off the words and signs with which no sentence ends."""
    for _ in range(8):
        shorter = _OPEN_END.sub("", text).rstrip()
        if shorter == text:
            break
        text = shorter
    return text


def balanced(text: str) -> bool:
    """Tells whether every bracket and double quote of `text` closes."""
    return text.count("(") == text.count(")") and text.count('"') % 2 == 0 and text.count("[") == text.count("]")


def cut(text: str, max_words: int, max_characters: int) -> str:
    """Returns the beginning of `text` within the limits, ended at the last seam there is, or at a word."""
    words = text.split()[:max_words]
    while len(words) > 1 and len(" ".join(words)) >= max_characters:
        words.pop()
    kept = " ".join(words)[: max_characters - 1]
    seams = [match.start() for match in _LAST_RESORT.finditer(kept)]
    best = next((kept[:seam] for seam in reversed(seams) if balanced(kept[:seam]) and len(kept[:seam].split()) >= 12), kept)
    return closed(best) or kept


def _without_asides(sentence: str) -> Iterator[str]:
    yield sentence
    for aside in _ASIDES:
        shorter = aside.sub("", sentence)
        if shorter != sentence:
            sentence = " ".join(shorter.split())
            yield sentence


def _stopped_earlier(sentence: str) -> Iterator[str]:
    yield sentence
    for seam in reversed(list(_SEAM.finditer(sentence))):
        yield sentence[: seam.start()]
