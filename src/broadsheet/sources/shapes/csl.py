"""An item of CSL-JSON, which Zotero and other tools export, and a work of Crossref, which is written alike.

https://citeproc-js.readthedocs.io/en/latest/csl-json/markup.html,
https://github.com/CrossRef/rest-api-doc/blob/master/api_format.md.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from broadsheet.sources.field_values import date_in, line, text
from broadsheet.sources.identifiers import arxiv_id

_DATES = ("issued", "published", "published-online", "published-print", "posted", "created")
_HEADING = re.compile(r"<jats:title>\s*Abstract\s*</jats:title>", re.IGNORECASE)
_MATHML = re.compile(r"<mml:math(?:(?!<mml:math).)*?</mml:math>", re.DOTALL)
_INLINE = re.compile(
    r"</?(?:mml:\w+|jats:(?:italic|bold|su[bp]|sc|monospace|inline-formula|tex-math|alternatives))\b[^<>]*>"
)
_BLOCK = re.compile(r"</?jats:[^<>]*>")
_ARXIV = re.compile(r"arxiv:", re.IGNORECASE)  # Zotero writes it as a number or on a line of the note
_NAME_PARTS = ("given", "dropping-particle", "non-dropping-particle", "family", "suffix")


def fits(row: Mapping[str, Any]) -> bool:
    """Tell whether a record has a date in parts, or an author with a family name."""
    authors = row.get("author")
    first = authors[0] if isinstance(authors, list) and authors else None
    has_names = isinstance(first, Mapping) and not first.keys().isdisjoint({"family", "literal"})
    dates = (row[name] for name in _DATES if name in row)
    return has_names or any(isinstance(each, Mapping) and "date-parts" in each for each in dates)


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the item's values, with the abstract freed from the publisher's XML."""
    authors = row.get("author")
    people = [each for each in authors if isinstance(each, Mapping)] if isinstance(authors, list) else []
    notes = [each for each in str(row.get("note") or "").splitlines() if each.strip()]
    places = [each for each in (str(row.get("number")), *notes) if _ARXIV.match(each)]
    return {
        "id": row.get("id") or row.get("citation-key"),
        "title": html.unescape(line(row.get("title"))),
        "abstract": _abstract(text(row.get("abstract"))),
        "authors": [_name(author) for author in people],
        "url": row.get("URL"),
        "published": next((day for name in _DATES if (day := date_in(row.get(name)))), None),
        "comment": "\n\n".join(each for each in notes if each not in places),
        "doi": row.get("DOI"),
        "arxiv_id": next((place for place in places if arxiv_id(place)[0]), None),
    }


def _name(author: Mapping[str, Any]) -> str:
    whole = author.get("literal") or author.get("name")
    return str(whole) if whole else " ".join(str(author[part]) for part in _NAME_PARTS if author.get(part))


def _abstract(abstract: str) -> str:
    if "<jats:" not in abstract:
        return abstract
    if "<jats:tex-math" in abstract:  # the same formula stands beside it as MathML
        abstract = _MATHML.sub("", abstract)
    plain = _BLOCK.sub(" ", _INLINE.sub("", _HEADING.sub("", abstract)))
    return " ".join(html.unescape(plain).split())
