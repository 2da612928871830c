"""Extracts arXiv ids and DOIs from the forms that sources use: URLs, prefixes, versions, arXiv's own DOIs."""

from __future__ import annotations

import re

# https://info.arxiv.org/help/arxiv_identifier.html: YYMM.NNNNN since 2007, archive/YYMMNNN before.
_ARXIV = r"(?P<id>\d{4}\.\d{4,5}|[a-z][a-z-]{1,15}(?:\.[A-Za-z]{2})?/\d{7})(?:v(?P<version>[1-9]\d{0,3}))?"
# Also `arXiv:2503.01234 [cs]` as Zotero writes it, and `arXiv preprint arXiv:2503.01234`.
_BARE_ARXIV = re.compile(
    rf"(?:arxiv preprint )?(?:arxiv:\s*|oai:arxiv\.org:)?{_ARXIV}(?:\s*\[[\w.-]+\])?", re.IGNORECASE
)
_ARXIV_PLACE = re.compile(
    rf"(?:arxiv\.org/(?:abs|pdf|html|format)/|10\.48550/arxiv\.|huggingface\.co/papers/){_ARXIV}(?![\d.]\d)",
    re.IGNORECASE,
)
# https://www.doi.org/doi-handbook: 10.PREFIX/SUFFIX, case-insensitive.
_DOI = re.compile(r"(?:^|doi:\s*|doi\.org/)(10\.\d{4,9}/[^\s\"<>]+)", re.IGNORECASE)


def arxiv_id(text: str) -> tuple[str, int | None]:
    """Return the arXiv id (without version) and version that a text is or links to, else ``("", None)``."""
    match = _BARE_ARXIV.fullmatch(text.strip()) or _ARXIV_PLACE.search(text)
    if match is None:
        return "", None
    version = match["version"]
    return _subject_class_dropped(match["id"]), int(version) if version else None


def doi(text: str) -> str:
    """Return the DOI that a text is or links to, in lower case, or an empty string.

    arXiv's own DOIs do not count: `arxiv_id` reads ``10.48550/arXiv.2503.01234`` as ``2503.01234``.
    """
    match = _DOI.search(text.strip())
    if match is None:
        return ""
    found = match[1].rstrip(".,;").lower()
    if found.count(")") > found.count("("):  # the closing bracket belongs to the surrounding sentence
        found = found.rstrip(".,;)")
    return "" if found.startswith("10.48550/arxiv.") else found


def _subject_class_dropped(found: str) -> str:
    """Drop the optional subject class: ``math.GT/0309136`` is the same id as ``math/0309136``."""
    archive, slash, number = found.partition("/")
    return f"{archive.split('.')[0].lower()}/{number}" if slash else found
