"""Makes a paper's text safe to send to a model, since anyone can write an abstract.

The model sees each paper between ``<paper>`` fences. Three things are removed from the text: invisible
characters, which can hide instructions to the model; anything that looks like a fence, which could end the
paper early or start a fake one; and text beyond any plausible length of an abstract. The result depends only
on the paper, so a paper is sent in the same words in every batch.
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
"""Characters after which an abstract is cut; arXiv accepts at most 1,920."""
MAX_COMMENT_CHARACTERS = 500

_FENCE = re.compile(r"[<\uff1c\ufe64](?=\s*/?\s*papers?\b)", re.IGNORECASE)
_ROLES = ("system", "user", "assistant", "annotator", "ai")
_ADDRESSED = ("assistant", "annotator", "model", "ai")
# Text that addresses a model rather than a reader: paper refs, fences, chat turns, instructions about other
# papers. Each pattern comes with substrings to look for first: most abstracts contain none of them, and
# searching for a substring takes a tenth of the time.
_INSTRUCTIONS = tuple(
    (substring, re.compile(pattern))
    for substrings, pattern in (
        ("p", r"p(?<!\wp)(?<!\(p)\d{1,3}\b"),
        ("<", r"<\s?/?\s?(?:papers?|system|user|assistant)\b|<\|\w"),
        ("[", r"\[/?(?:inst|sys)\]"),
        ("ignore|disregard|forget|overr",
         r"\b(?:ignore|disregard|forget|override|overrule)\b.{0,40}\b(?:instructions?|prompts?|rules|tags)\b"),
        ("|".join(f"{role}{colon}" for role in _ROLES for colon in (":", " :")),
         rf"\b(?:{'|'.join(_ROLES)})\s?:"),
        ("|".join(f"{name}{comma}" for name in _ADDRESSED for comma in (",", " ,")),
         r"(?:^|[.!?:]\s)(?:dear\s)?(?:assistant|annotator|language model|ai|ai model|model)\s?,"),
        ("###", r"###\s?(?:system|instruction)"),
        ("paper|record|entries",
         (r"\b(?:other|every|each|all|these|first|following)\b.{0,20}\b(?:papers?|records?|entries)\b"
         r".{0,60}\b(?:tag|tags|tagged|topics?|contribution|record|request|batch|are|is)\b")),
        ("paper|record",
         r"\b(?:tag|label|mark|set)\b.{0,20}\b(?:other|every|each|all)\b.{0,20}\b(?:papers?|records?)\b"),
        ("s that follow|s which follow", r"\b(?:papers|records)\b\s(?:that|which)\sfollow\b"),
        ('"', r'"(?:ref|papers|echo)"\s?:'),
    )
    for substring in substrings.split("|")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FencedPaper:
    """A paper's text as it is sent to the model.

    Attributes:
        paper: The paper as stored.
        title: The title.
        text: The abstract, the authors' comment if there is one, and repaired copies of any broken URLs in
            them.
        tokens: Tokens of title and text including the fence; 0 until counted.
    """

    paper: Paper
    title: str
    text: str
    tokens: int = 0


def fenced(paper: Paper, *, abstract_characters: int = MAX_ABSTRACT_CHARACTERS) -> FencedPaper:
    """Return the paper's text as sent to the model, with the abstract cut to ``abstract_characters``.

    A URL that is split by spaces, wrapped in markup or missing its scheme is repeated in a form that a
    browser accepts, so that the model only has to decide whose it is. The text is cut first, so that an
    oversized abstract takes no longer to process than one of the maximum length.
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
    """Tell whether the paper's text addresses the model; if so, send it alone so that it affects no other.

    A false alarm costs only the fixed part of one extra request.
    """
    text = " ".join(visible(part[: 4 * MAX_ABSTRACT_CHARACTERS]) for part in (paper.title, paper.abstract))
    folded = _folded(f"{text} {visible(paper.comment[: 4 * MAX_COMMENT_CHARACTERS])}")
    return any(substring in folded and pattern.search(folded) for substring, pattern in _INSTRUCTIONS)


def _folded(text: str) -> str:
    """Return the text in lower case, with full-width and dotless letters replaced by plain ones."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold().replace("ı", "i").replace("i\u0307", "i")


def _safe(text: str, characters: int) -> str:
    return _FENCE.sub("‹", visible(text[: 4 * characters])[:characters])
