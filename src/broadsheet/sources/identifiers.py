"""Reads arXiv ids and DOIs out of what sources write: URLs, prefixes, versions, arXiv's own DOIs."""

from __future__ import annotations

import re

# https://info.arxiv.org/help/arxiv_identifier.html: YYMM.NNNNN since 2007, archive/YYMMNNN before.
_ARXIV = r"(?P<id>\d{4}\.\d{4,5}|[a-z][a-z-]{1,15}(?:\.[A-Za-z]{2})?/\d{7})(?:v(?P<version>[1-9]\d{0,3}))?"
_BARE_ARXIV = re.compile(rf"(?:arxiv:\s*|oai:arxiv\.org:)?{_ARXIV}", re.IGNORECASE)
_ARXIV_PLACE = re.compile(
    rf"(?:arxiv\.org/(?:abs|pdf|html|format)/|10\.48550/arxiv\.|huggingface\.co/papers/){_ARXIV}(?![\d.]\d)",
    re.IGNORECASE,
)
# https://www.doi.org/doi-handbook: 10.PREFIX/SUFFIX, compared without regard to case.
_DOI = re.compile(r"(?:^|doi:\s*|doi\.org/)(10\.\d{4,9}/[^\s\"<>]+)", re.IGNORECASE)


def arxiv_id(text: str) -> tuple[str, int | None]:
    """The arXiv id without its version, and the version, that a text is or links to; else ``("", None)``."""
    match = _BARE_ARXIV.fullmatch(text.strip()) or _ARXIV_PLACE.search(text)
    if match is None:
        return "", None
    version = match["version"]
    return _subject_class_dropped(match["id"]), int(version) if version else None


def doi(text: str) -> str:
    """The DOI that a text is or links to, in lower case; empty for none, and for arXiv's own DOIs.

    ``10.48550/arXiv.2503.01234`` names the same thing as ``2503.01234``: `arxiv_id` reads it.
    """
    match = _DOI.search(text.strip())
    if match is None:
        return ""
    found = match[1].rstrip(".,;").lower()
    if found.count(")") > found.count("("):  # the bracket of a sentence around it
        found = found.rstrip(".,;)")
    return "" if found.startswith("10.48550/arxiv.") else found


def _subject_class_dropped(found: str) -> str:
    """``math.GT/0309136`` is ``math/0309136``: the class is decoration."""
    archive, slash, number = found.partition("/")
    return f"{archive.split('.')[0].lower()}/{number}" if slash else found
