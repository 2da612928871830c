"""Shortens a sentence at the boundaries between its clauses, so that the rest is still a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from broadsheet.llm.extractive.verbs import base_form, has_verb

_ASIDES = (
    re.compile(r"\s\((?!i+\)|[a-d0-9]\))[^()]{1,120}\)"),
    re.compile(
        r",? (?:e\.g\.|i\.e\.|such as|for example|for instance|including)[, ][^;]{3,160}?(?=, (?:which"
        r"|while|and [a-z]+s )|;|$)"
    ),
    re.compile(r" – [^–]{3,120} –(?= )"),
    re.compile(r" — [^—]{3,120} —(?= )"),
    re.compile(
        r", (?:however|therefore|thus|respectively|in turn|in general|in practice|to our knowledge|to the "
        r"best of our knowledge|in this (?:paper|work)),?"
    ),
    re.compile(
        r"\b(?:novel|simple yet effective|simple but effective|very|extremely|significantly|remarkably"
        r"|consistently|substantially) (?:and )?|(?<=[a-z]) and (?:novel|new)(?= [a-z])"
    ),
)
# Where a sentence may be cut, dropping everything after; stronger boundaries come first.
_SEAM = re.compile(
    r"; | – | — |: |, (?:which|while|where|whereas|but|and|so|thus|thereby|hence|yielding|leading"
    r"|resulting|making|enabling|allowing|with|without|by|as|such|including|compared|even|better|larger|smaller|higher|lower|termed|rather|especially"
    r"|particularly|or|for|in|on|using|when|under|despite|although|since|because|that|i\.e\.|unlike"
    r"|rather|showing|demonstrating|[a-z]{3,14}ing)\b"
    r"|, (?=[a-z])(?![^;]*,? (?:and|or) )"  # a comma outside a list
    r"| (?=(?:while|whereas|without|compared|when|where|which|because|although|so that|such that|in order "
    r"to|thereby|by [a-z]+ing|via|through|using|based on|under|across|as well as|and (?:thus|therefore"
    r"|thereby|achieves|outperforms|improves|shows|proves))\b)"
)
# "pose, depth" before ", and normals": a list cannot lose its last item.
_IN_LIST = re.compile(r", (?:[^\s,]+ ){0,4}[^\s,]+$")
_LAST_RESORT = re.compile(
    r" (?=(?:and|or|with|for|in|on|from|to|of|by|at|that|over|between|among|as|than)\b)"
)
_OPEN_END = re.compile(
    r"(?:[,;:–—(]|(?<![\w-])(?:and|or|but|with|for|in|on|from|to|of|by|at|that|which|the|a|an|is|are|as"
    r"|than|its|their|while|where|when|i\.e\.|e\.g\.|both|between|such|not|only|also|via|using|these|this"
    r"|be|can|has|have|into|more|most|without|how|whether|if|each|either|new|novel|no|first|two|three"
    r"|several|many|various|different|some|any|all|especially|particularly|successfully|even))$",
    re.IGNORECASE,
)


# "By employing a teacher": the main clause has been cut off.
_OPENING_ALONE = re.compile(r"(?:By|Using|With|Given|Through|Via|Based|Compared|Instead|Rather)\b")


def shortened(sentence: str, max_words: int, max_characters: int) -> Iterator[str]:
    """Yield shortened forms of a sentence, longest first, that fit the limits and have balanced brackets.

    Asides are dropped first, then clauses from the end.

    Args:
        sentence: The sentence without its full stop.
        max_words: Most words that a form may have.
        max_characters: Forms are shorter than this, to leave room for the full stop.
    """
    seen = set()
    for form in _without_asides(sentence):
        for piece in map(closed, _stopped_earlier(form)):
            if (
                piece not in seen
                and len(piece.split()) <= max_words
                and len(piece) < max_characters
                and balanced(piece)
            ):
                seen.add(piece)
                yield piece


def closed(text: str) -> str:
    """Strip trailing words and punctuation with which no sentence can end."""
    for _ in range(8):
        shorter = re.sub(r"\.([\"”)])$", r"\1", _OPEN_END.sub("", text).rstrip())
        if shorter == text:
            break
        text = shorter
    return text


def complete(text: str) -> bool:
    """Tell whether `text` is a complete clause: it has a verb, and another one after its last "that"."""
    if _OPENING_ALONE.match(text):
        return False
    head, that, tail = text.rpartition(" that ")
    if that and not has_verb(tail) and not has_verb(f"that {tail}"):
        return False
    main = head if that and head else text
    return bool(base_form(main.split(" ", 1)[0])) or has_verb(main)


def balanced(text: str) -> bool:
    """Tell whether all brackets and double quotes in `text` are closed."""
    return (
        text.count("(") == text.count(")") and text.count('"') % 2 == 0 and text.count("[") == text.count("]")
    )


def cut(text: str, max_words: int, max_characters: int) -> str:
    """Return the start of `text` within the limits, cut at the last clause boundary or else between words."""
    words = text.split()[:max_words]
    while len(words) > 1 and len(" ".join(words)) >= max_characters:
        words.pop()
    kept = " ".join(words)[: max_characters - 1]
    seams = [match.start() for match in _LAST_RESORT.finditer(kept)]
    best = next(
        (kept[:seam] for seam in reversed(seams) if balanced(kept[:seam]) and len(kept[:seam].split()) >= 12),
        kept,
    )
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
        if not (seam[0] in {", and", ", or"} and _IN_LIST.search(sentence[: seam.start()])):
            yield sentence[: seam.start()]
