"""The words that authors use to say that their code is available, each with a one-letter tag.

The rules are regular expressions over the tags, so one pattern covers many sentences: "Our code and models
are publicly available at URL" becomes ``wc&dbqaiu``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from broadsheet.urls import FoundUrl

_FILE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
CONTEXT = {name: frozenset(words.split()) for name, words in _FILE["context"].items()}
_TAGS = {word: tag for tag, words in _FILE["tags"].items() for word in words.split()}

OPEN_SOURCE = frozenset(
    {"open-source", "open-sourced", "opensource", "opensourced", "open-sources", "open-sourcing"}
)
DETERMINERS = frozenset(
    ["our", "the", "a", "an", "all", "its", "this", "these", "full", "your", "we", "official"]
)

# Context that decides whether "code" means a program.
_FRAME_AFTER_CODE = frozenset("bhmkavrfszqnwi&ulgcp:;,.()!?")
_OTHER_AFTER_CODE = frozenset(_FILE["code"]["after"].split())
_OTHER_SENSE_BEFORE_CODE = frozenset(_FILE["code"]["not_behind"].split())
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
    word = tokens[place].word
    following = tokens[place + 1].word if place + 1 < len(tokens) else ""
    if word in {"open-sources", "open-sourcing"} or following in DETERMINERS:
        return "r"
    while place and tokens[place - 1].tag == "q":
        place -= 1
    before = tokens[place - 1] if place else None
    return "r" if before is not None and (before.tag in "fm" or before.word in {"we", "to"}) else "a"
