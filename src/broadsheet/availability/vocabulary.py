"""The words that authors use to say that their code is available, each with a one-letter tag.

The rules are regular expressions over the tags, so one pattern covers many sentences: "Our code and models
are publicly available at URL" becomes ``wc&dbqaiu``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from broadsheet.urls import FoundUrl

_WORDS = {
    # Nouns.
    "c": "code codes codebase codebases code-base source-code sourcecode software scripts notebooks",
    "e": "implementation implementations reimplementation",
    "t": "library toolkit toolbox framework package packages platform simulator suite engine tool tools "
    "plugin compiler api",
    "p": "project repository repo repositories github gitlab page webpage website homepage site url",
    "d": "data dataset datasets data-set benchmark benchmarks corpus corpora model models checkpoint "
    "checkpoints weights "
    "demo demos video videos results annotations leaderboard list papers survey collection appendix "
    "tutorial slides "
    "prompts samples examples visualizations supplementary material materials details labels images "
    "resources "
    "bibliography literature reading parameters embeddings recordings questions instances",
    # Verbs and their modifiers.
    "b": "is are was were be been being 's",
    "h": "has have had",
    "m": "will shall would 'll",
    "k": "can could may",
    "f": "plan plans intend intends aim hope promise commit planned going pledge",
    "r": "release releases releasing provide provides providing publish publishes publishing share shares "
    "sharing make makes "
    "making open-source open-sources open-sourcing opensource contribute contributes offer offers "
    "distribute distributes "
    "host upload supply opensourcing",
    "v": "released provided published shared hosted found accessed downloaded obtained opened "
    "open-sourced opensourced "
    "uploaded deposited attached included distributed viewed posted disclosed publicized supplied located "
    "submitted linked",
    "y": "refer see visit check consult",
    "a": "available accessible public open open-source open-sourced opensource downloadable online",
    "q": "publicly freely openly fully now also all already both made completely currently anonymously "
    "readily either "
    "easily here permissively source",
    "s": "soon forthcoming shortly coming pending",
    "z": "upon after once later",
    # Words that reverse or restrict the meaning.
    "n": "no not never without lack lacks lacking unavailable cannot closed if when whenever unless "
    "whether where whose "
    "neither nor none n't while although because since",
    "o": "their existing prior previous other others third-party off-the-shelf competing",
    # Function words. `R` is the noun "release", `x` is any other word, and punctuation is its own tag.
    "w": "we our ours authors us",
    "i": "at on from in via through under to by with for of as",
    "g": "that which",
    "l": "link here links following below",
    "&": "and or & / + plus",
}
_TAGS = {word: tag for tag, words in _WORDS.items() for word in words.split()}

OPEN_SOURCE = frozenset(
    {"open-source", "open-sourced", "opensource", "opensourced", "open-sources", "open-sourcing"}
)
DETERMINERS = frozenset(
    ["our", "the", "a", "an", "all", "its", "this", "these", "full", "your", "we", "official"]
)

# Context that decides whether "code" means a program.
_FRAME_AFTER_CODE = frozenset("bhmkavrfszqnwi&ulgcp:;,.()!?")
_OTHER_AFTER_CODE = frozenset(
    """
        used using implementing associated accompanying based written required needed necessary
        supporting related relevant repository release releases reproducing is - – — directory package
        library implementation framework
    """.split()  # noqa: SIM905 - easier to read than a list
)
_OTHER_SENSE_BEFORE_CODE = frozenset(
    """
        latent binary hash hashing discrete neural sparse vector learned compressive qr bar genetic zip
        icd medical morse error-correcting correcting shape intermediate machine byte generated
        generating generate generates write writing writes legacy human-written buggy quantized
        quantised compact short shorter distributed local diagnosis billing dress executable vulnerable
        candidate lines line semantic structural appearance identity style predictive population sourced
        assembly synthesized incorrect correct program their
    """.split()  # noqa: SIM905 - easier to read than a list
)
_OTHER_SENSE_AFTER_CODE_OF = frozenset(["conduct", "ethics", "practice", "honor", "honour", "law", "silence"])
_TOKEN = re.compile(
    r"\\[A-Za-z]+\s?(?=\{)|[A-Za-z][A-Za-z0-9]*(?:[-'’][A-Za-z0-9]+)*|\d[\d.,]*|[^\w\s{}\\~*`]",
)


class Token(NamedTuple):
    """A word, punctuation mark or URL in a sentence.

    Attributes:
        tag: Its one-letter tag.
        word: The word in lower case, or the cleaned URL.
        start: Offset of its first character in the abstract.
        end: Offset after its last character.
    """

    tag: str
    word: str
    start: int
    end: int


def tagged(text: str, start: int, end: int, urls: Sequence[FoundUrl]) -> tuple[Token, ...]:
    """Return the tokens of the sentence `text[start:end]`, which contains `urls`."""
    tokens = list(_tokens(text, start, end, urls))
    for place, token in enumerate(tokens):
        if token.tag == "c" and not _names_code(tokens, place):
            tokens[place] = Token("x", token.word, token.start, token.end)
        elif token.word == "release" and place and tokens[place - 1].word in DETERMINERS - {"we"}:
            tokens[place] = Token("R", token.word, token.start, token.end)
        elif (
            token.word == "open"
            and place + 1 < len(tokens)
            and tokens[place + 1].word in {"source", "sourced"}
        ):
            tokens[place] = Token("a", "open-source", token.start, tokens[place + 1].end)
            tokens[place + 1] = Token("q", "", tokens[place + 1].end, tokens[place + 1].end)
    for place, token in enumerate(tokens):
        if token.word in OPEN_SOURCE and not token.word.endswith("ed"):
            tokens[place] = Token(_open_source_tag(tokens, place), token.word, token.start, token.end)
    return tuple(tokens)


def _tokens(text: str, start: int, end: int, urls: Sequence[FoundUrl]) -> Iterator[Token]:
    position = start
    for url in urls:
        yield from _words(text, position, url.start)
        yield Token("u", url.url, url.start, url.end)
        position = max(position, url.end)
    yield from _words(text, position, end)


def _words(text: str, start: int, end: int) -> Iterator[Token]:
    for match in _TOKEN.finditer(text, start, max(start, end)):
        word = match[0].lower().replace("’", "'")
        if not word.startswith("\\"):
            tag = _TAGS.get(word) or ("x" if word[0].isalnum() else word)
            yield Token(tag, word, match.start(), match.end())


def _names_code(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether the noun at `place` heads its phrase and means program code, unlike "latent codes"."""
    before = tokens[place - 1].word if place else ""
    if before == "of" and place > 1:
        before = tokens[place - 2].word
    if before in _OTHER_SENSE_BEFORE_CODE:
        return False
    if place + 1 == len(tokens):
        return True
    after = tokens[place + 1]
    if after.word == "of" and tokens[min(place + 2, len(tokens) - 1)].word in _OTHER_SENSE_AFTER_CODE_OF:
        return False
    return after.tag in _FRAME_AFTER_CODE or after.word in _OTHER_AFTER_CODE or not after.word[0].isalnum()


def _open_source_tag(tokens: Sequence[Token], place: int) -> str:
    """Return `r` for the verb ("we open-source our model"), `a` for the adjective ("an open-source tool")."""
    word, previous = tokens[place].word, tokens[place - 1].word if place else ""
    earlier = tokens[place - 2].word if place > 1 else ""
    following = tokens[place + 1].word if place + 1 < len(tokens) else ""
    if word in {"open-sources", "open-sourcing"} or following in DETERMINERS or previous in {"we", "to"}:
        return "r"
    modified = place > 0 and tokens[place - 1].tag in "fmq" and previous != "made"
    return "r" if modified and earlier not in DETERMINERS - {"we"} else "a"
