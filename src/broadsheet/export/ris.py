"""Records as RIS references, which rispy writes and every reference manager reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

from broadsheet.record import Record


def write_ris(records: Iterable[Record], stream: IO[str]) -> int:
    """Write a reference for each record; return how many.

    Every reference is of type ``GEN``, since a record does not say where a paper was published.
    """
    import rispy

    count = 0
    for count, record in enumerate(records, 1):  # noqa: B007 - the last number is the count
        # rispy numbers the references of a list, which only its own format knows.
        text = rispy.dumps([_reference(record)], skip_unknown_tags=True)
        stream.write(text.removeprefix("1.\n").strip() + "\n\n")
    return count


def _reference(record: Record) -> dict[str, Any]:
    paper, annotation = record.paper, record.annotation
    fields = {
        "type_of_reference": "GEN",
        "title": _line(paper.title),
        "authors": [name for author in paper.authors if (name := _inverted(author))],
        "year": str(paper.published.year) if paper.published else "",
        "date": f"{paper.published:%Y/%m/%d}" if paper.published else "",
        "abstract": _line(paper.abstract),
        "keywords": [_line(keyword) for keyword in annotation.keywords] if annotation else [],
        "notes": [_line(annotation.tldr)] if annotation else [],
        "note": f"arXiv:{paper.arxiv_id}" if paper.arxiv_id else "",
        "doi": paper.doi,
        "urls": [paper.url] if paper.url else [],
    }
    return {name: value for name, value in fields.items() if value}


def _inverted(author: str) -> str:
    """Return a name with the last word first, as RIS has it: ``Quay, Mara``."""
    words = _line(author).split()
    if len(words) < 2 or "," in author:
        return " ".join(words)
    return f"{words[-1]}, {' '.join(words[:-1])}"


def _line(text: str) -> str:
    return " ".join(text.split())
