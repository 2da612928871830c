"""Makes a paper's words safe to send: abstracts are written by strangers, and may hold tricks.

What is sent is shown to the model between ``<paper>`` fences. Three things are taken from the text on the
way: characters that a reader cannot see (they hide orders to the model), anything that reads as a fence (it
would end the paper early, or begin one that does not exist), and length beyond what an abstract ever has.
The result depends on the paper alone, so the same paper is sent in the same words in every batch.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from broadsheet.paper import Paper
from broadsheet.urls import find_urls, unique
from broadsheet.visible import visible

MAX_TITLE_CHARACTERS = 500
MAX_ABSTRACT_CHARACTERS = 6_000
"""Where an abstract is cut; the longest that arXiv takes has 1,920 characters."""
MAX_COMMENT_CHARACTERS = 500

_FENCE = re.compile(r"[<\uff1c\ufe64](?=\s*/?\s*papers?\b)", re.IGNORECASE)
_ROLES = ("system", "user", "assistant", "annotator", "ai")
_ADDRESSED = ("assistant", "annotator", "model", "ai")
# What speaks to a model instead of a reader: refs, fences, turns of a chat, orders about other papers. Most
# abstracts hold none of the signs, and looking for them costs a tenth of trying the patterns.
_ORDERS = tuple(
    (sign, re.compile(pattern))
    for signs, pattern in (
        (("p",), r"p(?<!\wp)(?<!\(p)\d{1,3}\b"),
        (("<",), r"<\s?/?\s?(?:papers?|system|user|assistant)\b|<\|\w"),
        (("[",), r"\[/?(?:inst|sys)\]"),
        (
            ("ignore", "disregard", "forget", "overr"),
            r"\b(?:ignore|disregard|forget|override|overrule)\b.{0,40}\b(?:instructions?|prompts?|rules|tags)\b",
        ),
        (
            tuple(f"{role}{colon}" for role in _ROLES for colon in (":", " :")),
            rf"\b(?:{'|'.join(_ROLES)})\s?:",
        ),
        (
            tuple(f"{name}{comma}" for name in _ADDRESSED for comma in (",", " ,")),
            r"(?:^|[.!?:]\s)(?:dear\s)?(?:assistant|annotator|language model|ai|ai model|model)\s?,",
        ),
        (("###",), r"###\s?(?:system|instruction)"),
        (
            ("paper", "record", "entries"),
            (
                r"\b(?:other|every|each|all|these|first|following)\b.{0,20}\b(?:papers?|records?|entries)\b"
                r".{0,60}\b(?:tag|tags|tagged|topics?|contribution|record|request|batch|are|is)\b"
            ),
        ),
        (
            ("paper", "record"),
            r"\b(?:tag|label|mark|set)\b.{0,20}\b(?:other|every|each|all)\b.{0,20}\b(?:papers?|records?)\b",
        ),
        (("s that follow", "s which follow"), r"\b(?:papers|records)\b\s(?:that|which)\sfollow\b"),
        (('"',), r'"(?:ref|papers|echo)"\s?:'),
    )
    for sign in signs
)


@dataclass(frozen=True, slots=True)
class FencedPaper:
    """A paper in the words that are sent.

    Attributes:
        paper: The paper as it is stored.
        title: Its title.
        text: Its abstract and, where there are any, the authors' comment and the addresses that stand in both
            in a form that no browser would take.
        tokens: Tokens of both with the fence around them; 0 until they are counted.
    """

    paper: Paper
    title: str
    text: str
    tokens: int = 0


def fenced(paper: Paper, *, abstract_characters: int = MAX_ABSTRACT_CHARACTERS) -> FencedPaper:
    """The paper as it is sent, its abstract cut to at most so many characters.

    Addresses that are torn, wrapped or without a scheme are added as a browser would take them, so that the
    model only judges whose they are; one that stands there as it should costs nothing.
    The length is cut first, so that a text of any size costs no more than one of the greatest length.
    """
    text = _safe(paper.abstract, min(abstract_characters, MAX_ABSTRACT_CHARACTERS))
    if paper.comment:
        text += "\nComment: " + _safe(paper.comment, MAX_COMMENT_CHARACTERS)
    if repaired := unique(
        found.url for found in find_urls(text) if text[found.start : found.end] != found.url
    ):
        text += "\nURLs: " + " ".join(repaired)
    return FencedPaper(paper, _safe(paper.title, MAX_TITLE_CHARACTERS), text)


def gives_orders(paper: Paper) -> bool:
    """Whether the paper's text speaks to the model; such a paper travels alone, and can spoil no other.

    A decent paper that is mistaken for one costs the fixed part of a request, nothing else.
    """
    text = " ".join(visible(part[: 4 * MAX_ABSTRACT_CHARACTERS]) for part in (paper.title, paper.abstract))
    said = _folded(f"{text} {visible(paper.comment[: 4 * MAX_COMMENT_CHARACTERS])}")
    return any(sign in said and pattern.search(said) for sign, pattern in _ORDERS)


def _folded(text: str) -> str:
    """The text in lower case and in plain letters, which full-width and dotless ones only look unlike."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold().replace("ı", "i").replace("i\u0307", "i")


def _safe(text: str, characters: int) -> str:
    return _FENCE.sub("‹", visible(text[: 4 * characters])[:characters])
