"""Finds the names in a line and tells which of them a text does not mention.

A name is a word with a capital behind its first letter, or a digit beside a letter: CrossQ, GPT-4, top-1.
"""

from __future__ import annotations

import re

from broadsheet.text import stands_in

_NAME = re.compile(r"(?<![\w.])(?=[\w-]*[^\W\d_])[^\W_][\w-]*(?:[A-Z]|(?<=[^\W\d_])\d|(?<=-)\d)[\w-]*")
_DIMENSIONS = re.compile(r"\d+[x×]\d+(?:[x×]\d+)?|[\d.]+-[\d.]+[xX]")
_LITTLE = "a|an|and|as|at|by|for|from|in|is|its|of|on|or|our|that|the|their|this|to|via|we|with"
_COMMON_ACRONYMS = frozenset(
    """
        AI KI IA ML RL NLP LLM LM VLM CNN RNN GNN GAN VAE MLP MoE RAG QA VQA OCR ASR GPU CPU TPU API SGD ODE
        SDE PDE MDP SOTA AP mAP IoU mIoU AUC FID BLEU ROUGE 2D 3D 4D
    """.split()  # noqa: SIM905 - words read best as words
)
"""What the field writes for words that everybody in it knows; the name of no method."""

_MIN_MISSPELLED = 6
"""The fewest letters of a name that a text may write with one letter wrong: LLaVA is not LLaMA."""


def ungrounded_names(claim: str, text: str) -> tuple[str, ...]:
    """Return the names in `claim` that `text` mentions neither in full nor in parts or abbreviated."""
    return tuple(name for name in dict.fromkeys(_NAME.findall(claim)) if not _is_named(name, text))


def _is_named(name: str, text: str) -> bool:
    parts = [
        part
        for part in name.split("-")
        if any(character.isupper() or character.isdigit() for character in part)
    ]
    return (
        stands_in(name, text)
        or all(
            _DIMENSIONS.fullmatch(part) or stands_in(part, text) or _abbreviates(part, text) for part in parts
        )
        or _DIMENSIONS.fullmatch(name) is not None
        or re.search(rf"\d{re.escape(name)}(?!\w)", text) is not None  # a unit: 0.18dB
        or _is_misspelled(name, text)
    )


def _abbreviates(acronym: str, text: str) -> bool:
    """Tell whether words that stand side by side, little ones aside, begin with the acronym's letters."""
    letters = acronym.removesuffix("s")
    if letters in _COMMON_ACRONYMS:
        return True
    if len(letters) < 3 or not (letters.isalpha() and letters.isupper()):
        return False
    words = (rf"(?!(?:{_LITTLE})\b){letter}\w{{2,30}}" for letter in letters)
    return re.search(r"\b" + rf"[\s-]+(?:(?:{_LITTLE})\s)?".join(words), text, re.IGNORECASE) is not None


def _is_misspelled(name: str, text: str) -> bool:
    """Tell whether the text has the name with one letter too many, too few or another; digits must agree."""
    wanted = name.casefold()
    if sum(map(str.isalpha, wanted)) < _MIN_MISSPELLED:
        return False
    digits = _digits(wanted)
    around = re.compile(rf"(?<!\w){re.escape(wanted[:2])}[\w-]*|[\w-]*{re.escape(wanted[-2:])}(?!\w)")
    return any(
        _digits(word) == digits and _is_one_edit_away(word, wanted)
        for word in around.findall(text.casefold())
    )


def _digits(word: str) -> str:
    return "".join(filter(str.isdigit, word))


def _is_one_edit_away(word: str, other: str) -> bool:
    shorter, longer = sorted((word, other), key=len)
    same = 0
    while same < len(shorter) and shorter[same] == longer[same]:
        same += 1
    return longer[same + 1 :] in (shorter[same:], shorter[same + 1 :])
