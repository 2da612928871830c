"""Records as BibTeX entries, which bibtexparser writes and every reference manager reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import IO

from broadsheet.record import Record

_SPECIAL = re.compile(r"(?<!\\)([%&#_])")
_MATH = re.compile(r"(?<!\\)(\$[^$]*\$)")
_ESCAPED_BRACE = re.compile(r"\\[{}]")
_NOT_IN_KEY = re.compile(r"[^a-z0-9]+")


def write_bibtex(records: Iterable[Record], stream: IO[str]) -> int:
    """Write an entry for each record; return how many.

    Every entry is ``@misc``, since a record does not say where a paper was published.
    """
    from bibtexparser.entrypoint import write_string
    from bibtexparser.library import Library
    from bibtexparser.model import Entry, Field

    keys: set[str] = set()
    for record in records:
        entry = Entry("misc", _key(record, keys), [Field(*pair) for pair in _fields(record).items()])
        stream.write(write_string(Library([entry])) + "\n")
    return len(keys)


def _key(record: Record, taken: set[str]) -> str:
    """Return a key such as ``quay2026sandloom``, with a number behind it if it is taken."""
    author = record.paper.authors[0].split()[-1:] if record.paper.authors else []
    year = str((record.paper.published or record.first_seen).year)
    words = (*author, year, *record.title.split()[:1])
    plain = unicodedata.normalize("NFKD", "".join(words)).encode("ascii", "ignore").decode().lower()
    stem = key = _NOT_IN_KEY.sub("", plain) or "paper"
    number = 1
    while key in taken:
        number += 1
        key = f"{stem}-{number}"
    taken.add(key)
    return key


def _fields(record: Record) -> dict[str, str]:
    paper, annotation = record.paper, record.annotation
    fields = {
        "title": _text(paper.title),
        "author": " and ".join(map(_text, paper.authors)),
        "year": str(paper.published.year) if paper.published else "",
        "month": str(paper.published.month) if paper.published else "",
        "eprint": paper.arxiv_id,
        "archiveprefix": "arXiv" if paper.arxiv_id else "",
        "doi": paper.doi,
        "url": paper.url,
        "keywords": ", ".join(map(_text, annotation.keywords)) if annotation else "",
        "abstract": _text(paper.abstract),
        "annote": _text(annotation.tldr) if annotation else "",
    }
    return {name: value for name, value in fields.items() if value}


def _text(text: str) -> str:
    """Return the text with LaTeX's special characters escaped outside formulas, and braces only in pairs."""
    parts = _MATH.split(" ".join(text.split()))
    whole = "".join(part if _MATH.fullmatch(part) else _SPECIAL.sub(r"\\\1", part) for part in parts)
    # BibTeX counts every brace, and some readers only those without a backslash before them.
    if not (_is_balanced(whole) and _is_balanced(_ESCAPED_BRACE.sub("", whole))):
        whole = whole.replace("{", "").replace("}", "")
    return whole.rstrip("\\")  # one at the end would escape the closing brace


def _is_balanced(text: str) -> bool:
    depth = 0
    for sign in text:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth < 0:
            return False
    return depth == 0
